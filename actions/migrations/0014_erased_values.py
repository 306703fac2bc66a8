from django.db import migrations, models


class Migration(migrations.Migration):
    """When the sensitive values of a call went from its row, and when they were to go while it was under way."""

    dependencies = [
        ("actions", "0013_asked_with_which_token"),
    ]

    operations = [
        migrations.AddField(
            model_name="action",
            name="erase_asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="action",
            name="erased_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                condition=models.Q(("erase_asked_at__isnull", False), ("erased_at", None)),
                fields=["id"],
                name="action_to_erase",
            ),
        ),
    ]
