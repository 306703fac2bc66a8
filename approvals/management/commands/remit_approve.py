"""`manage.py remit_approve ID --as EMAIL`: shows what would run and records this person's verdict, as the page does.

For whoever has the shell and REMIT_APPROVAL_SECRET, where the console cannot be reached. INVARIANT: a name decides nothing. The
person proves themself by their password and a code of their authenticator, asked at the terminal each time; the signed
statement and the ledger say that it was given at the command line, and by which account. Held by
tests/approvals/test_command_line.py.
"""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.access import NotVisible
from accounts.actors import actor_for_user
from accounts.display.plain import plain
from accounts.ids import is_id
from accounts.models import Factor, User
from approvals.access import get_request_for
from approvals.as_text import request_as_text
from approvals.eligibility import eligibility
from approvals.fatigue import note_opened
from approvals.models import ApprovalRequest
from approvals.refusals import VerdictRefused
from approvals.services import record_verdict
from approvals.statement import Proof
from approvals.stepup.services import StepUpFailed, prove_at_terminal

LEAST = 8


class Command(BaseCommand):
    """Asks for the first characters of the digest, so that what is decided is what was read."""

    help = "approve or reject one request at the command line"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("approval", help="id of the request, apr_…")
        parser.add_argument("--as", dest="person", required=True, help="email or id of the person who decides")
        parser.add_argument("--reject", action="store_true", help="reject instead; needs --reason")
        parser.add_argument("--show", action="store_true", help="print what would run and decide nothing")
        parser.add_argument("--reason", default="")
        parser.add_argument("--step", type=int, help="which step, where several wait for this person")
        parser.add_argument(
            "--digest", default="", help=f"the digest of what was read, or its first {LEAST} characters or more"
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """One verdict through the service of the console, or a refusal with its reason and nothing recorded."""
        user, request = _found(options["person"], options["approval"])
        shown = request_as_text(user, request)
        if options["show"]:
            self._tell(request, shown, {}, as_json=options["as_json"])
            return
        _refuse(user, request)
        note_opened(request, user)
        if not options["as_json"]:
            self.stdout.write("\n".join(shown))
        _confirm(request, options["digest"] or self._asked(options))
        decided = _decide(user, request, options, _prove(user, request))
        result = {"choice": "reject" if options["reject"] else "approve", "by": user.name, "state": decided.state}
        self._tell(decided, shown if options["as_json"] else [], result, as_json=options["as_json"])

    def _asked(self, options: dict[str, Any]) -> str:
        if options["as_json"]:
            raise CommandError("With --json give the digest you read with --digest. Nothing was decided.")
        verb = "reject" if options["reject"] else "approve"
        try:
            return input(f"Type the first {LEAST} characters of the digest to {verb} this: ")
        except EOFError as error:
            raise CommandError("Nobody confirmed. Nothing was decided.") from error

    def _tell(self, request: ApprovalRequest, shown: list[str], result: dict[str, str], *, as_json: bool) -> None:
        if as_json:
            told = {"approval": request.pk, "digest": request.digest, "shown": shown, **result}
            # ASCII alone, so that no terminal that shows it obeys anything in it.
            self.stdout.write(json.dumps(told, ensure_ascii=True))
        elif result:
            self.stdout.write(
                f"Recorded: {result['choice']} by {plain(result['by'])}. It is {request.state_words} now."
            )
        else:
            self.stdout.write("\n".join(shown))


def _found(person: str, approval: str) -> tuple[User, ApprovalRequest]:
    known = User.objects.filter(is_active=True)
    if not person.isprintable():
        raise CommandError("There is no active person of this email or id.")
    user = (
        known.filter(pk=person).first() if is_id("usr", person) else known.filter(email=person.strip().lower()).first()
    )
    if user is None:
        raise CommandError("There is no active person of this email or id.")
    try:
        return user, get_request_for(user, approval)
    except NotVisible as error:
        raise CommandError(f"{plain(user.name)} sees no approval of this id.") from error


def _refuse(user: User, request: ApprovalRequest) -> None:
    """Before anybody reads it in vain; the service asks all of it again."""
    may = eligibility(user, request)
    if not may.may_decide:
        raise CommandError(plain(may.reason))
    if not user.has_usable_password():
        raise CommandError(
            "This person signs in with their organisation, which no command line can ask. Use the console."
        )
    if not user.factors.filter(kind=Factor.Kind.TOTP).exists():
        raise CommandError("This person has no authenticator app, so nothing proves them here. Use the console.")


def _prove(user: User, request: ApprovalRequest) -> Proof:
    """The password and a code, typed now and shown nowhere; no option and no variable gives them."""
    try:
        password = getpass.getpass(f"Password of {plain(user.name)}: ")
        code = getpass.getpass("Code of their authenticator app: ")
    except EOFError as error:
        raise CommandError("Nobody proved who they are. Nothing was decided.") from error
    try:
        actor = actor_for_user(user, request.workspace)
        return prove_at_terminal(actor=actor, user=user, password=password, code=code)
    except StepUpFailed as error:
        raise CommandError(f"{error} Nothing was decided.") from error


def _confirm(request: ApprovalRequest, typed: str) -> None:
    given, whole = typed.strip().removeprefix("sha256:"), request.digest.removeprefix("sha256:")
    if len(given) < LEAST or not whole.startswith(given):
        raise CommandError(f"This is not how the digest begins ({LEAST} characters or more). Nothing was decided.")


def _decide(user: User, request: ApprovalRequest, options: dict[str, Any], proof: Proof) -> ApprovalRequest:
    try:
        return record_verdict(
            actor=actor_for_user(user, request.workspace), user=user, request_id=request.pk,
            choice="reject" if options["reject"] else "approve", reason=options["reason"], digest=request.digest,
            step=options["step"], proof=proof, via=f"{getpass.getuser()} at the command line",
        )  # fmt: skip
    except VerdictRefused as error:
        raise CommandError(plain(str(error))) from error
