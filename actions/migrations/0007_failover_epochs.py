from django.db import migrations, models

# The first epoch stands from the start, so that no failover comes before it.
FIRST = """
INSERT INTO actions_epoch (number, system, timeline, began_at, reason, by)
SELECT 1, system_identifier::text, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint,
       clock_timestamp(), 'The first start.', '{"kind": "system", "id": "system:setup", "name": "setup"}'
FROM pg_control_system()
"""


class Migration(migrations.Migration):

    dependencies = [
        ('actions', '0006_bulk_steps'),
    ]

    operations = [
        migrations.CreateModel(
            name='Epoch',
            fields=[
                ('number', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('system', models.CharField(max_length=40)),
                ('timeline', models.BigIntegerField()),
                ('began_at', models.DateTimeField()),
                ('reason', models.CharField(max_length=500)),
                ('by', models.JSONField()),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.AddField(
            model_name='action',
            name='epoch',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
