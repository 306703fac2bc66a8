"""The version that was live when a replay was asked for: the same draft after a publication is another question."""

from django.db import migrations, models

KNOWN = "UPDATE policies_replay SET live = (result ->> 'live')::integer WHERE result ? 'live'"


class Migration(migrations.Migration):
    dependencies = [("policies", "0005_shadow_holds")]
    operations = [
        migrations.AddField(
            model_name="replay", name="live", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
