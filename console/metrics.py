"""What monitoring reads, as Prometheus text: counts over the whole installation, never by tenant (P7)."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.clock import database_now
from actions.models import Action, AttemptCredential, Epoch, KillSwitch
from actions.states import SUCCESS, State
from actions.switches import held_actions, open_switches
from actions.turns import BEHIND_CANARY
from approvals.models import ApprovalRequest
from policies.models import BreakerTrip
from traces.checkpoints.health import behind, deployment_health
from traces.notices.models import Delivery, Untold


def text() -> bytes:
    """The exposition, read from the database now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())
    return generate_latest(registry)


class _Collector:
    """Implements the client library's collector; it keeps nothing between two reads."""

    def collect(self) -> Iterator[Metric]:
        """Every family, each one query."""
        now = database_now()
        yield _states()
        waiting = _waiting()
        yield _gauge("remit_queue_waiting", "Actions that may run now and have not started.", waiting.count())
        yield _gauge(
            "remit_queue_lag_seconds", "How long the oldest of them has waited.", _age(now, _authorized(waiting))
        )
        for state in (State.UNKNOWN, State.NEEDS_HUMAN):
            oldest = Action.objects.filter(state=state).aggregate(oldest=Min("unknown_at"))["oldest"]
            about = f"How long the oldest action in {state} has been in doubt."
            yield _gauge(f"remit_{state}_oldest_seconds", about, _age(now, oldest))
        yield _gauge("remit_approvals_open", "Approvals that wait for people.", _count(ApprovalRequest.State.OPEN))
        overdue = ApprovalRequest.objects.filter(state=ApprovalRequest.State.OPEN, expires_at__lte=now).count()
        yield _gauge("remit_approvals_overdue", "Open approvals whose time has run out.", overdue)
        switches = KillSwitch.objects.filter(released_at=None).count()
        yield _gauge("remit_pauses_open", "Kill switches that hold now.", switches)
        trips = BreakerTrip.objects.filter(reset_at=None).count()
        yield _gauge("remit_breakers_tripped", "Circuit breakers that hold now.", trips)
        credentials = AttemptCredential.objects.filter(ended_at=None).count()
        yield from _ledger(now)
        untold = Untold.objects.count()
        yield _gauge("remit_notices_untold", "Ledger entries that nobody was told of yet.", untold)
        failed = Delivery.objects.filter(state=Delivery.State.FAILED).count()
        yield _gauge(
            "remit_notices_failed", "Notices that did not arrive and are not tried again by themselves.", failed
        )
        yield _gauge("remit_credentials_open", "Credentials of attempts that have not ended.", credentials)


def _ledger(now: datetime) -> Iterator[Metric]:
    """Whether the ledger is being signed, and whether witnesses hear of it."""
    health = deployment_health()
    yield _gauge("remit_checkpoints_ok", "1 while checkpoints are signed and hold; 0 stops dispatch.", float(health.ok))
    yield _gauge("remit_checkpoint_age_seconds", "Age of the newest checkpoint.", _age(now, health.last))
    yield _gauge("remit_witness_deliveries_failing", "Logs whose newest checkpoints a witness lacks.", len(behind()))
    yield _gauge("remit_epoch", "The failover epoch; it grows when the database was replaced.", _epoch())


def _epoch() -> int:
    last = Epoch.objects.last()
    return last.number if last else 0


def _states() -> GaugeMetricFamily:
    family = GaugeMetricFamily("remit_actions", "Actions by state.", labels=["state"])
    counts = dict(Action.objects.values_list("state").annotate(count=Count("pk")))
    for state in State:
        family.add_metric([state.value], counts.get(state.value, 0))
    return family


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def _count(state: str) -> int:
    return ApprovalRequest.objects.filter(state=state).count()


def _waiting() -> QuerySet[Action]:
    """Authorized, not held by a pause or behind a canary nobody looked at, and nothing before them in their plan."""
    earlier = Action.objects.filter(plan_id=OuterRef("plan_id"), step__lt=OuterRef("step")).exclude(state__in=SUCCESS)
    ready = Action.objects.filter(state=State.AUTHORIZED).exclude(Q(plan__isnull=False) & Exists(earlier))
    return ready.exclude(BEHIND_CANARY).exclude(held_actions(open_switches()))


def _authorized(waiting: QuerySet[Action]) -> datetime | None:
    """Since when the oldest may run: since people approved it, or since it was proposed."""
    ids = list(waiting.values_list("pk", flat=True)[:1000])
    settled = dict(ApprovalRequest.objects.filter(action_id__in=ids).values_list("action_id", "settled_at"))
    made = Action.objects.filter(pk__in=ids).values_list("pk", "created_at")
    return min((settled.get(pk) or created for pk, created in made), default=None)


def _age(now: datetime, since: datetime | None) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
