"""Which fields each call named, so that the database counts them.

Decisions of the last 31 days get their paths from what was kept of them. The column has a default in the database, so that a
process of the release before goes on writing.
"""

from datetime import timedelta

import orjson
from django.db import migrations, models
from django.utils import timezone

from policies.engine.paths import leaves

BATCH = 1000


def name_paths(apps, schema_editor):
    """The paths of what the latest decisions named."""
    records = apps.get_model("policies", "DecisionRecord").objects
    found = records.filter(at__gt=timezone.now() - timedelta(days=31)).only("request_text")
    batch = []
    for record in found.iterator(chunk_size=BATCH):
        record.named = sorted(set(leaves(orjson.loads(record.request_text)["fields"])))
        batch.append(record)
        if len(batch) == BATCH:
            records.bulk_update(batch, ["named"])
            batch = []
    records.bulk_update(batch, ["named"])


class Migration(migrations.Migration):
    dependencies = [("policies", "0007_grantors_of_drafts")]
    operations = [
        migrations.AddField(
            model_name="decisionrecord",
            name="named",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.RunPython(name_paths, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="decisionrecord",
            index=models.Index(
                condition=models.Q(("outcome__in", ["succeeded", "rolled_back"]), models.Q(("effect_class", "read"), _negated=True)),
                fields=["workspace", "policy", "role", "at"],
                name="decision_wrote_time",
            ),
        ),
    ]
