"""What an action would hold of a shadow's windowed limit, so that the shadow counts what it would have let through itself."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0004_holds_by_policy")]
    operations = [
        migrations.CreateModel(
            name="ShadowHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("action_id", models.CharField(max_length=40)),
                ("amount", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "shadow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="policies.shadowversion",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shadow", "key", "at"], name="shadow_hold_window")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("shadow", "key", "action_id"), name="shadow_hold_once_per_action"
                    )
                ],
            },
        ),
    ]
