"""Lists of actions by agent and by how they stand are read in order of time."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('actions', '0017_facets_in_order_of_time'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='action',
            index=models.Index(fields=['workspace', 'agent', '-created_at'], name='action_agent_newest'),
        ),
        migrations.AddIndex(
            model_name='action',
            index=models.Index(models.F('workspace'), models.Case(models.When(models.Q(('rollback_state', 'rolled_back'), ('state__in', ['succeeded', 'succeeded_attested'])), then=models.Value('rolled_back')), models.When(state__in=['proposed', 'authorized', 'claimed', 'dispatching'], then=models.Value('running')), models.When(state__in=['pending'], then=models.Value('waiting')), models.When(state__in=['succeeded', 'succeeded_attested'], then=models.Value('completed')), models.When(state__in=['rejected', 'expired', 'withdrawn', 'stale', 'cancelled', 'blocked'], then=models.Value('stopped')), models.When(state__in=['denied'], then=models.Value('denied')), models.When(state__in=['failed', 'failed_attested'], then=models.Value('failed')), models.When(state__in=['unknown', 'needs_human'], then=models.Value('unknown')), default=models.Value(''), output_field=models.CharField()), models.OrderBy(models.F('created_at'), descending=True), name='action_stands_newest'),
        ),
    ]
