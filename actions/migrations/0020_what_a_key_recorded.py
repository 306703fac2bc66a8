"""Answers that were kept for idempotency keys are found by what they are about, to be erased with it."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('actions', '0019_source_of_listings'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='idempotencykey',
            index=models.Index(condition=models.Q(('resource__gt', '')), fields=['resource'], name='idempotency_key_resource'),
        ),
    ]
