"""When an agent's last way in was revoked."""

from django.db import migrations, models

# Agents of which every token had been revoked before this was noted.
SHUT_OUT = """
    UPDATE accounts_agent a SET shut_out_at = (
        SELECT max(revoked_at) FROM accounts_agentcredential c WHERE c.agent_id = a.id
    )
    WHERE NOT EXISTS (
        SELECT 1 FROM accounts_agentcredential c
        WHERE c.agent_id = a.id AND c.revoked_at IS NULL AND c.expires_at > now()
    ) AND NOT EXISTS (SELECT 1 FROM accounts_agentclient o WHERE o.agent_id = a.id)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_wrong_sign_ins'),
    ]

    operations = [
        migrations.AddField(
            model_name='agent',
            name='shut_out_at',
            field=models.DateTimeField(null=True, blank=True),
        ),
        migrations.RunSQL(SHUT_OUT, migrations.RunSQL.noop),
    ]
