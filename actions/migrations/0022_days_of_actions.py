"""Lists of actions by words: a trace knows the days on which actions of it were proposed, beside that of its opening.

Traces that are there already learn theirs here, once the trigger stands; each part may be done again where one fails.
"""

from django.db import migrations

KEEP = """
CREATE OR REPLACE FUNCTION remit_keep_later_days() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  day int := (NEW.created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01';
BEGIN
  UPDATE traces_trace SET later_days = later_days || day WHERE id = NEW.trace_id
    AND (created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' <> day AND (later_days @> ARRAY[day]) IS NOT TRUE;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER action_days_first AFTER INSERT ON actions_action
  FOR EACH ROW EXECUTE FUNCTION remit_keep_later_days();
CREATE OR REPLACE TRIGGER action_days_moved AFTER UPDATE OF created_at, trace_id ON actions_action
  FOR EACH ROW WHEN ((NEW.created_at, NEW.trace_id) IS DISTINCT FROM (OLD.created_at, OLD.trace_id))
  EXECUTE FUNCTION remit_keep_later_days();
"""
LEAVE = """
DROP TRIGGER action_days_moved ON actions_action;
DROP TRIGGER action_days_first ON actions_action;
DROP FUNCTION remit_keep_later_days();
"""
FILL = """
UPDATE traces_trace SET later_days = (
  SELECT array_agg(DISTINCT day) FROM unnest(coalesce(later_days, '{}') || found.days) AS day
) FROM (
  SELECT trace_id, array_agg(DISTINCT day) AS days FROM (
    SELECT one.trace_id, (one.created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' AS day,
      (of.created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' AS first
    FROM actions_action AS one JOIN traces_trace AS of ON of.id = one.trace_id
  ) AS there WHERE day <> first GROUP BY trace_id
) AS found WHERE found.trace_id = traces_trace.id AND NOT coalesce(later_days, '{}') @> found.days
"""


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('actions', '0021_watched_connections'),
        ('traces', '0015_titles_by_day'),
    ]

    operations = [
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
