from django.db import migrations, models


class Migration(migrations.Migration):
    """When the newest checkpoint was signed, by the clock as it was: the alarm of a clock that stepped back."""

    dependencies = [
        ("traces", "0012_waited_of_older_traces"),
    ]

    operations = [
        migrations.AddField(
            model_name="log",
            name="signed_at",
            field=models.DateTimeField(null=True),
        ),
    ]
