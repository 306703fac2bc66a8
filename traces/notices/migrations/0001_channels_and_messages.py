"""Untold entries, channels, their messages and the hosts a workspace allows."""

import django.db.models.deletion
import traces.notices.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_notice_permissions'),
        ('traces', '0007_ledger_role'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Untold',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='traces.entry')),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('again_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.CharField(default=traces.notices.models.new_channel_id, editable=False, max_length=40, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('email', 'Email'), ('slack', 'Slack'), ('teams', 'Microsoft Teams'), ('pagerduty', 'PagerDuty'), ('webhook', 'Signed webhook')], max_length=10)),
                ('name', models.CharField(max_length=120)),
                ('sealed', models.TextField(blank=True)),
                ('shown', models.CharField(blank=True, max_length=260)),
                ('events', models.JSONField(default=list)),
                ('quiet_from', models.TimeField(null=True)),
                ('quiet_to', models.TimeField(null=True)),
                ('quiet_days', models.JSONField(default=list)),
                ('urgent_through', models.BooleanField(default=True)),
                ('digest_min', models.PositiveSmallIntegerField(default=0)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('removed', 'Removed')], default='active', max_length=8)),
                ('created_at', models.DateTimeField()),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notice_channels', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notice_channels', to='accounts.workspace')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.CharField(default=traces.notices.models.new_delivery_id, editable=False, max_length=40, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='queued', max_length=8)),
                ('is_test', models.BooleanField(default=False)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('round', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(null=True)),
                ('last_error', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='notices.channel')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.CharField(default=traces.notices.models.new_notice_id, editable=False, max_length=40, primary_key=True, serialize=False)),
                ('event', models.CharField(max_length=60)),
                ('occasion', models.CharField(max_length=200)),
                ('approval', models.CharField(blank=True, max_length=40)),
                ('dropped', models.BooleanField(default=False)),
                ('title', models.CharField(max_length=400)),
                ('facts', models.JSONField(default=list)),
                ('path', models.CharField(max_length=300)),
                ('at', models.DateTimeField()),
                ('due', models.DateTimeField(null=True)),
                ('entry_hash', models.CharField(blank=True, max_length=64)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='notices.channel')),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='notices.delivery')),
            ],
            options={
                'ordering': ['at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='AllowedHost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=253)),
                ('added_at', models.DateTimeField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allowed_hosts', to='accounts.workspace')),
            ],
            options={
                'ordering': ['host'],
                'constraints': [models.UniqueConstraint(fields=('workspace', 'host'), name='allowed_host_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.UniqueConstraint(fields=('workspace', 'person'), name='channel_one_per_person'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['next_at'], name='delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['channel', '-created_at'], name='delivery_newest'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('approval', ''), _negated=True), fields=['approval'], name='notice_of_approval'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('channel', 'occasion'), name='notice_once_per_channel'),
        ),
    ]
