"""Sessions that can all be ended, emails stored in lower case, whole identities, and the permissions of later pages."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_accounts"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="workspace",
            options={
                "default_permissions": (),
                "permissions": [
                    ("workspace:home:view", "workspace:home:view"),
                    ("workspace:trace:view", "workspace:trace:view"),
                    ("workspace:trace:view_own", "workspace:trace:view_own"),
                    ("workspace:trace:export", "workspace:trace:export"),
                    ("workspace:trace:rollback", "workspace:trace:rollback"),
                    ("workspace:approval:view", "workspace:approval:view"),
                    ("workspace:approval:decide", "workspace:approval:decide"),
                    ("workspace:policy:view", "workspace:policy:view"),
                    ("workspace:policy:edit", "workspace:policy:edit"),
                    ("workspace:policy:publish", "workspace:policy:publish"),
                    ("workspace:agent:view", "workspace:agent:view"),
                    ("workspace:agent:manage", "workspace:agent:manage"),
                    ("workspace:agent:pause", "workspace:agent:pause"),
                    ("workspace:audit:view", "workspace:audit:view"),
                    ("workspace:member:manage", "workspace:member:manage"),
                    ("workspace:reveal", "workspace:reveal"),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="session_epoch",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AlterField(
            model_name="user",
            name="issuer",
            field=models.CharField(blank=True, max_length=300, null=True),
        ),
        migrations.AlterField(
            model_name="user",
            name="subject",
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))), name="user_email_lower"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("issuer", None), ("subject", None)),
                    models.Q(
                        ("issuer__gt", ""), ("issuer__isnull", False), ("subject__gt", ""), ("subject__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="user_identity_whole",
            ),
        ),
    ]
