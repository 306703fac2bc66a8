"""The index of titles by words and day, built beside the work that goes on.

Nothing is kept of how common its words are: each is of one day, and they are looked up by what a statement reads as it goes.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('traces', '0015_titles_by_day'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='trace',
            index=django.contrib.postgres.indexes.GinIndex(models.Func(models.F('workspace'), models.F('title'), models.F('created_at'), models.F('later_days'), function='remit_title_by_day', output_field=django.contrib.postgres.search.SearchVectorField()), fastupdate=False, name='trace_title_by_day'),
        ),
        migrations.RunSQL("ALTER INDEX trace_title_by_day ALTER COLUMN 1 SET STATISTICS 0", migrations.RunSQL.noop),
    ]
