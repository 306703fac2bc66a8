"""Lists of one facet are read in order of time: a row for each facet of a trace, kept by a trigger.

Traces that are there already get theirs here.
"""

import django.db.models.deletion
from django.db import migrations, models

KEEP = """
CREATE FUNCTION remit_keep_trace_facets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO traces_tracefacet (workspace_id, facet, created_at, trace_id)
    SELECT NEW.workspace_id, unnest(NEW.facets), NEW.created_at, NEW.id
    ON CONFLICT (trace_id, facet) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER trace_facets_first AFTER INSERT ON traces_trace
  FOR EACH ROW WHEN (NEW.facets <> '{}') EXECUTE FUNCTION remit_keep_trace_facets();
CREATE TRIGGER trace_facets_moved AFTER UPDATE ON traces_trace
  FOR EACH ROW WHEN (NEW.facets IS DISTINCT FROM OLD.facets) EXECUTE FUNCTION remit_keep_trace_facets();
"""
LEAVE = """
DROP TRIGGER trace_facets_moved ON traces_trace;
DROP TRIGGER trace_facets_first ON traces_trace;
DROP FUNCTION remit_keep_trace_facets();
"""
FILL = """
INSERT INTO traces_tracefacet (workspace_id, facet, created_at, trace_id)
  SELECT workspace_id, unnest(facets), created_at, id FROM traces_trace
  ON CONFLICT (trace_id, facet) DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_person_tokens'),
        ('traces', '0013_when_a_log_was_signed'),
    ]

    operations = [
        migrations.CreateModel(
            name='TraceFacet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('facet', models.CharField(max_length=140)),
                ('created_at', models.DateTimeField()),
                ('trace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='facet_rows', to='traces.trace')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', 'facet', '-created_at', '-trace'], name='trace_facet_newest')],
                'constraints': [models.UniqueConstraint(fields=('trace', 'facet'), name='trace_facet_once')],
            },
        ),
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
