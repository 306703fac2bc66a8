import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0001_approvals'),
    ]

    operations = [
        migrations.CreateModel(
            name='FiredTimer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('escalation', 'Escalation'), ('reminder', 'Reminder')], max_length=10)),
                ('number', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField()),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='timers', to='approvals.approvalrequest')),
            ],
            options={
                'ordering': ['at', 'id'],
                'constraints': [models.UniqueConstraint(fields=('request', 'kind', 'number'), name='timer_once')],
            },
        ),
        migrations.AddField(
            model_name='approvalrequest',
            name='next_timer_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='approvalrequest',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['next_timer_at'], name='approval_timer_due'),
        ),
    ]
