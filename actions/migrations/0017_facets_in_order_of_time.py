"""Lists of actions by one tool, record, rule, policy version or person are read in order of time: a row for each, kept by triggers.

Actions that are there already get theirs here.
"""

import django.db.models.deletion
from django.db import migrations, models

# What traces.facets takes from the entries of a trace, taken from the row of one action.
READ = """
CREATE FUNCTION remit_action_facets(one actions_action) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT left(kind || ':' || value, 140) FROM (VALUES
    ('tool', one.tool_name),
    ('record', one.before ->> 'record_id'),
    ('record', one.result ->> 'remote_id'),
    ('person', one.requester_id),
    ('person', one.acting_user_id),
    ('policy', one.decision #>> '{policy,slug}'),
    ('policy', (one.decision #>> '{policy,slug}') || '@' || (one.decision #>> '{policy,version}'))
  ) AS named(kind, value) WHERE value <> ''
  UNION
  SELECT left('rule:' || (spoke ->> 'rule'), 140) FROM jsonb_array_elements(
    CASE WHEN jsonb_typeof(one.decision -> 'checks') = 'array' THEN one.decision -> 'checks' ELSE '[]' END
  ) AS spoke WHERE spoke ->> 'outcome' IN ('denied', 'escalated')
$$;
"""
KEEP = """
CREATE FUNCTION remit_keep_action_facets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO actions_actionfacet (workspace_id, facet, created_at, action_id)
    SELECT NEW.workspace_id, facet, NEW.created_at, NEW.id FROM remit_action_facets(NEW) AS facet
    ON CONFLICT (action_id, facet) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER action_facets_first AFTER INSERT ON actions_action
  FOR EACH ROW EXECUTE FUNCTION remit_keep_action_facets();
CREATE TRIGGER action_facets_moved AFTER UPDATE ON actions_action
  FOR EACH ROW WHEN (
    (NEW.tool_name, NEW.before, NEW.result, NEW.decision, NEW.requester_id, NEW.acting_user_id)
    IS DISTINCT FROM (OLD.tool_name, OLD.before, OLD.result, OLD.decision, OLD.requester_id, OLD.acting_user_id)
  ) EXECUTE FUNCTION remit_keep_action_facets();

CREATE FUNCTION remit_keep_who_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO actions_actionfacet (workspace_id, facet, created_at, action_id)
    SELECT one.workspace_id, 'person:' || NEW.user_id, one.created_at, one.id
    FROM approvals_approvalrequest AS asked JOIN actions_action AS one ON one.id = asked.action_id
    WHERE asked.id = NEW.request_id
    ON CONFLICT (action_id, facet) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER action_facets_decided AFTER INSERT ON approvals_verdict
  FOR EACH ROW EXECUTE FUNCTION remit_keep_who_decided();
"""
LEAVE = """
DROP TRIGGER action_facets_decided ON approvals_verdict;
DROP TRIGGER action_facets_moved ON actions_action;
DROP TRIGGER action_facets_first ON actions_action;
DROP FUNCTION remit_keep_who_decided();
DROP FUNCTION remit_keep_action_facets();
"""
FILL = """
INSERT INTO actions_actionfacet (workspace_id, facet, created_at, action_id)
  SELECT one.workspace_id, facet, one.created_at, one.id FROM actions_action AS one, remit_action_facets(one) AS facet
  UNION ALL
  SELECT one.workspace_id, 'person:' || said.user_id, one.created_at, one.id
  FROM approvals_verdict AS said JOIN approvals_approvalrequest AS asked ON asked.id = said.request_id
  JOIN actions_action AS one ON one.id = asked.action_id
  ON CONFLICT (action_id, facet) DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_person_tokens'),
        ('actions', '0016_offers_of_connections'),
        ('approvals', '0011_denied_answers'),
        ('traces', '0014_facets_in_order_of_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='ActionFacet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('facet', models.CharField(max_length=140)),
                ('created_at', models.DateTimeField()),
                ('action', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='facet_rows', to='actions.action')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', 'facet', '-created_at', '-action'], name='action_facet_newest')],
                'constraints': [models.UniqueConstraint(fields=('action', 'facet'), name='action_facet_once')],
            },
        ),
        migrations.RunSQL(READ, "DROP FUNCTION remit_action_facets(actions_action)"),
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
