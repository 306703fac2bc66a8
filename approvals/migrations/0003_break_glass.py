import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0002_escalation_timers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approvalrequest',
            name='involved',
            field=models.JSONField(default=dict),
        ),
        # Only longer: no row is rewritten.
        migrations.AlterField(
            model_name='approvalrequest',
            name='state',
            field=models.CharField(choices=[('open', 'Open'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('expired', 'Expired'), ('withdrawn', 'Withdrawn'), ('stale', 'Stale'), ('break_glass', 'Break Glass')], default='open', max_length=16),
        ),
        migrations.CreateModel(
            name='BreakGlass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.CharField(max_length=80)),
                ('reason', models.TextField()),
                ('digest', models.CharField(max_length=80)),
                ('skipped', models.JSONField()),
                ('notified', models.JSONField(default=list)),
                ('at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('review_group', models.CharField(max_length=80)),
                ('review', models.TextField(blank=True)),
                ('reviewed_at', models.DateTimeField(null=True)),
                ('finding', models.CharField(blank=True, choices=[('justified', 'Justified'), ('unjustified', 'Unjustified')], max_length=12)),
                ('finding_note', models.TextField(blank=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='broken', to='approvals.approvalrequest')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='broken_glass', to=settings.AUTH_USER_MODEL)),
                ('reviewed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='glass_reviews', to=settings.AUTH_USER_MODEL)),
                ('confirmed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='confirmed_glass', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['due_at', 'id'],
                'indexes': [models.Index(condition=models.Q(('confirmed_at__isnull', True)), fields=['due_at'], name='glass_unreviewed')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('confirmed_by', models.F('user')), _negated=True), models.Q(('confirmed_by', models.F('reviewed_by')), _negated=True)), name='glass_confirmed_by_another')],
            },
        ),
    ]
