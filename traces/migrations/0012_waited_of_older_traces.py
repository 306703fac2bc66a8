"""Older traces learn how long they waited for people, from their own entries. Newer ones are told by the ledger as it grows."""

from django.db import migrations

FILL = """
WITH asked AS (
  SELECT trace_id, canonical::jsonb #>> '{body,action}' AS action, max(at) AS at
  FROM traces_entry WHERE type = 'approval.requested' GROUP BY 1, 2
), settled AS (
  SELECT trace_id, canonical::jsonb #>> '{body,action}' AS action, max(at) AS at
  FROM traces_entry WHERE type = 'approval.settled' GROUP BY 1, 2
), spans AS (
  SELECT trace_id, asked.at AS began, settled.at AS ended
  FROM asked JOIN settled USING (trace_id, action) WHERE settled.at > asked.at
), marked AS (
  SELECT trace_id, began, ended, max(ended) OVER (
    PARTITION BY trace_id ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS until FROM spans
), waits AS (
  SELECT trace_id, floor(sum(greatest(extract(epoch FROM ended - greatest(began, coalesce(until, began))), 0)))::int AS s
  FROM marked GROUP BY trace_id
)
UPDATE traces_trace SET waited_s = waits.s FROM waits WHERE traces_trace.id = waits.trace_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('traces', '0010_who_opened_which_trace'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
