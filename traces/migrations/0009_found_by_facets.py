"""Traces are found by tools, records, rules, policy versions and people; people save views of the list.

Facets of older traces are read from their entries, as traces.facets does for new ones. An entry with U+0000 in it, which jsonb does
not take, adds none.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import traces.models
from django.conf import settings
from django.db import migrations, models

FILL = r"""
UPDATE traces_trace AS t SET facets = found.facets FROM (
  SELECT trace_id, array_agg(DISTINCT left(kind || ':' || (value #>> '{}'), 140)) AS facets FROM (
    SELECT e.trace_id, of.kind, of.value
    FROM (SELECT trace_id, type, canonical::jsonb AS c FROM traces_entry WHERE position('\u0000' in canonical) = 0) AS e,
    LATERAL (VALUES
      ('tool', e.c #> '{body,tool,name}'),
      ('record', e.c #> '{body,target,record_id}'),
      ('record', e.c #> '{body,remote_id}'),
      ('person', CASE WHEN e.type = 'trace.opened' THEN e.c #> '{body,on_behalf_of,id}' END),
      ('person', CASE WHEN e.c #>> '{actor,kind}' = 'user' AND e.type NOT LIKE 'trace.%' THEN e.c #> '{actor,id}' END),
      ('policy', e.c #> '{body,decision,policy,slug}'),
      ('policy', to_jsonb((e.c #>> '{body,decision,policy,slug}') || '@' || (e.c #>> '{body,decision,policy,version}')))
    ) AS of(kind, value)
    UNION ALL
    SELECT e.trace_id, 'rule', chk -> 'rule'
    FROM (SELECT trace_id, canonical::jsonb AS c FROM traces_entry WHERE position('\u0000' in canonical) = 0) AS e,
    LATERAL jsonb_array_elements(
      CASE WHEN jsonb_typeof(e.c #> '{body,decision,checks}') = 'array' THEN e.c #> '{body,decision,checks}' ELSE '[]' END
    ) AS chk
    WHERE chk ->> 'outcome' <> 'passed'
  ) AS leaves WHERE jsonb_typeof(value) = 'string' AND value #>> '{}' <> '' GROUP BY trace_id
) AS found WHERE found.trace_id = t.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_second_factors'),
        ('traces', '0008_call_windows'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.CharField(default=traces.models.new_view_id, editable=False, max_length=40, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('query', models.TextField()),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='trace',
            name='facets',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=140), default=list, size=None),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='trace',
            index=models.Index(fields=['workspace', 'agent', '-created_at'], name='trace_agent_newest'),
        ),
        migrations.AddIndex(
            model_name='trace',
            index=models.Index(fields=['workspace', 'outcome', '-created_at'], name='trace_outcome_newest'),
        ),
        migrations.AddIndex(
            model_name='trace',
            index=django.contrib.postgres.indexes.GinIndex(fields=['facets'], name='trace_facets'),
        ),
        migrations.AddIndex(
            model_name='trace',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('title', config='simple'), name='trace_title_words'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='accounts.workspace'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('workspace', 'user', 'name'), name='view_name_once_per_person'),
        ),
    ]
