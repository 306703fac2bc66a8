"""What a verdict says, as data: the one text that is signed, by us and by a passkey (P3, P4, R-25)."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from accounts.factors.passkeys import Assertion, assertion_holds, public_keys
from accounts.models import StepUp, User
from approvals.models import ApprovalRequest, BreakGlass, Verdict
from approvals.signing import signature_holds
from traces.canonical import canonical_bytes, digest_of, instant, sha256_hex

VERSION = 2
# What a statement says where a verdict's says approve or reject.
BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Proof:
    """How a person proved themself for this verdict. With `assertion`, their passkey signed `statement` itself."""

    user_id: str
    method: str
    at: datetime
    statement: Mapping[str, Any] | None = None
    assertion: Assertion | None = None

    def to_json(self) -> dict[str, Any]:
        """As a statement has it; one that a passkey signed names the passkeys that could have."""
        if self.statement is not None:
            return dict(self.statement["step_up"])
        return {"method": self.method, "at": instant(self.at)}


def new_nonce() -> str:
    """128 random bits: no two verdicts have the same statement."""
    return secrets.token_hex(16)


def state(
    request: ApprovalRequest,
    user: User,
    *,
    choice: str,
    step: int,
    second: bool,
    step_up: Mapping[str, Any] | None,
    nonce: str,
    capacity: Mapping[str, str] | None = None,
    escalated: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The statement of one verdict on what is shown now. `second`: whether it asks for one person more (T25).

    `capacity` says by what right, where it is not the person's own. `escalated` are the escalations that had happened by
    then; without it, those until now.
    """
    return {
        **(capacity or {}),
        "v": VERSION,
        "workspace": request.workspace_id,
        "approval": request.pk,
        "action": request.action_id,
        "digest": request.digest,
        "bound": request.bound,
        "asked": _asked(request),
        "displayed": digest_of({"title": request.title, "displayed": request.displayed}),
        "approver": user.pk,
        "choice": choice,
        "step": step,
        "second": second,
        "escalated": request.escalated if escalated is None else list(escalated),
        "step_up": dict(step_up) if step_up else None,
        "expires": instant(request.expires_at),
        "nonce": nonce,
    }


def _asked(request: ApprovalRequest) -> str:
    """Who was asked, how, since when, and who was kept from deciding: a row that says otherwise later voids the verdict."""
    return digest_of(
        {
            "kind": request.kind,
            "route": request.route,
            "excluded": request.excluded,
            "involved": request.involved,
            "created_at": instant(request.created_at),
        }
    )


def glass_state(
    request: ApprovalRequest,
    user: User,
    *,
    reason: str,
    skipped: Sequence[str],
    step_up: Mapping[str, Any] | None,
    nonce: str,
    escalated: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The statement of whoever runs a request without the people still asked: of the same bytes, with whom it skips and why."""
    said = state(
        request, user, choice=BREAK_GLASS, step=0, second=False, step_up=step_up, nonce=nonce, escalated=escalated
    )
    return {**said, "reason": reason, "skipped": list(skipped)}


def passkey_step_up(user: User, at: datetime) -> dict[str, Any]:
    """The step-up of a statement that one of this person's passkeys is asked to sign."""
    return {"method": StepUp.Method.PASSKEY.value, "at": instant(at), "passkeys": public_keys(user)}


def by_passkey(user: User, signed: Mapping[str, Any]) -> bool:
    """Whether a passkey of this person signed the stored statement itself, one of those that our signature names.

    INVARIANT: what stands in the row beside the statement proves nothing unless it verifies. Held by
    tests/stepup/test_assertions.py.
    """
    said, found = signed["statement"], signed["assertion"]
    if not found or found.get("public_key") not in (said["step_up"] or {}).get("passkeys", ()):
        return False
    return assertion_holds(user, found, challenge_of(said))


def challenge_of(statement: Mapping[str, Any]) -> bytes:
    """What a passkey is asked to sign for this statement: its SHA-256."""
    return bytes.fromhex(sha256_hex(canonical_bytes(statement)))


def signed_form(statement: Mapping[str, Any], key: str, signature: str, proof: Proof | None) -> dict[str, Any]:
    """A signed statement as it is stored and written to the ledger: public data only."""
    assertion = asdict(proof.assertion) if proof and proof.assertion else None
    return {"statement": dict(statement), "key": key, "signature": signature, "assertion": assertion}


def broken(verdict: Verdict, request: ApprovalRequest, bound: Mapping[str, Any]) -> str:
    """Why a stored verdict does not prove that its person decided this; empty when it does. `bound` is of what would run."""

    def wanted(**given: Any) -> dict[str, Any]:
        right, second = verdict.capacity, verdict.wants_second
        return state(
            request, verdict.user, choice=verdict.choice, step=verdict.step, second=second, capacity=right, **given
        )

    return _unproven(verdict.signed, request, wanted, bound)


def glass_broken(found: BreakGlass, request: ApprovalRequest, bound: Mapping[str, Any]) -> str:
    """The same for a stored emergency."""

    def wanted(**given: Any) -> dict[str, Any]:
        return glass_state(request, found.user, reason=found.reason, skipped=found.skipped, **given)

    return _unproven(found.signed, request, wanted, bound)


def _unproven(
    signed: Mapping[str, Any], request: ApprovalRequest, wanted: Callable[..., dict[str, Any]], bound: Mapping[str, Any]
) -> str:
    if not signed:
        return "it is not signed"
    said = signed["statement"]
    if not signature_holds(said, signed["key"], signed["signature"]):
        return "its signature does not hold"
    # Escalations go on after a verdict; those it was given under stay.
    escalated = said.get("escalated", [])
    asked = {**wanted(step_up=said["step_up"], nonce=said["nonce"], escalated=escalated), "bound": dict(bound)}
    # The row's own risk is what a step-up is asked by, also at dispatch.
    same = said == asked and request.bound == bound and set(escalated) <= set(request.escalated)
    return "" if same else "it was given for something else"
