"""Titles are found by words and day at once: what an index of both takes from a trace.

A word stands in it as `d20779`, the last six characters of the workspace's id and the word for a day since 1970 in UTC, and as
`m0649` and so on for a month of 32 days. Nothing but PostgreSQL's own functions is named, because an index is made and looked
after with no other schema in sight.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

TITLE = """
CREATE FUNCTION remit_title_by_day(workspace text, title text, opened timestamptz, later int[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
  tags text[] := ARRAY(
    SELECT unnest(ARRAY['d' || lpad(day::text, 5, '0'), 'm' || lpad((day >> 5)::text, 4, '0')]) || right(workspace, 6)
    FROM unnest(later || ((opened AT TIME ZONE 'UTC')::date - DATE '1970-01-01')) AS day
  );
BEGIN
  RETURN array_to_tsvector(ARRAY(
    SELECT tag || word FROM unnest(tsvector_to_array(to_tsvector('simple', title))) AS word, unnest(tags) AS tag
  ));
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('traces', '0014_facets_in_order_of_time'),
    ]

    operations = [
        migrations.AddField(
            model_name='trace',
            name='later_days',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), editable=False, null=True, size=None),
        ),
        migrations.RunSQL(TITLE, "DROP FUNCTION remit_title_by_day(text, text, timestamptz, int[])"),
    ]
