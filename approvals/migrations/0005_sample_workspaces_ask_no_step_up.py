"""The sample world's people have no second factor at first; a real workspace has the default, by risk."""

from django.db import migrations


def ask_nothing_in_samples(apps, schema_editor):
    workspaces = apps.get_model("accounts", "Workspace").objects.filter(is_sample=True)
    settings = apps.get_model("approvals", "ApprovalSettings")
    for workspace in workspaces:
        settings.objects.get_or_create(workspace=workspace, defaults={"step_up_floor": "none"})


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_signed_verdicts")]

    operations = [migrations.RunPython(ask_nothing_in_samples, migrations.RunPython.noop)]
