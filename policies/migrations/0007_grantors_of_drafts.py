"""Whose waivers of a draft are proven.

Drafts that are open keep no proof: a waiver in one is granted by who publishes it, or was published before. The column has a
default in the database, so that a process of the release before goes on writing.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0006_replays_by_live_version")]
    operations = [
        migrations.AddField(
            model_name="policydraft",
            name="granted",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
    ]
