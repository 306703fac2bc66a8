"""What is held of a limit, and a breaker's trip, belong to one policy: two with the same rule id share neither.

Holds that exist keep "" and count in every policy until they leave their window. The column has a default in the database,
so that a process of the release before goes on writing.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0003_versions_are_immutable")]
    operations = [
        migrations.AddField(
            model_name="limithold",
            name="policy",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.AddConstraint(
            model_name="breakertrip",
            constraint=models.UniqueConstraint(
                fields=["workspace", "policy", "key"],
                condition=models.Q(reset_at=None),
                name="breaker_trips_once_per_policy",
            ),
        ),
        migrations.RemoveConstraint(model_name="breakertrip", name="breaker_trips_once"),
    ]
