"""Wrong sign-ins are counted in windows, an account each."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_person_attributes'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignInTries',
            fields=[
                ('who', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('next_told', models.PositiveIntegerField(default=1)),
                ('since', models.DateTimeField()),
            ],
        ),
    ]
