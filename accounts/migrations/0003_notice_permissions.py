"""Who may see and manage notice channels."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_identity_and_sessions'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='workspace',
            options={'default_permissions': (), 'permissions': [('workspace:home:view', 'workspace:home:view'), ('workspace:trace:view', 'workspace:trace:view'), ('workspace:trace:view_own', 'workspace:trace:view_own'), ('workspace:trace:export', 'workspace:trace:export'), ('workspace:trace:rollback', 'workspace:trace:rollback'), ('workspace:approval:view', 'workspace:approval:view'), ('workspace:approval:decide', 'workspace:approval:decide'), ('workspace:policy:view', 'workspace:policy:view'), ('workspace:policy:edit', 'workspace:policy:edit'), ('workspace:policy:publish', 'workspace:policy:publish'), ('workspace:agent:view', 'workspace:agent:view'), ('workspace:agent:manage', 'workspace:agent:manage'), ('workspace:agent:pause', 'workspace:agent:pause'), ('workspace:audit:view', 'workspace:audit:view'), ('workspace:member:manage', 'workspace:member:manage'), ('workspace:reveal', 'workspace:reveal'), ('workspace:notice:view', 'workspace:notice:view'), ('workspace:notice:manage', 'workspace:notice:manage')]},
        ),
    ]
