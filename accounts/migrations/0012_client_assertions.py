"""Assertions by which clients prove themselves are used once."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_agents_shut_out'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClientAssertion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('expires_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assertions', to='accounts.agentclient')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('client', 'digest'), name='assertion_used_once')],
            },
        ),
    ]
