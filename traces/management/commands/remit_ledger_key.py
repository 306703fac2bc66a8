"""`manage.py remit_ledger_key show|rotate|reseal`: the deployment's signing keys."""

import base64
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.sealing import SealBroken
from traces.checkpoints.errors import SignerMissing
from traces.checkpoints.keys import public_rows, reseal_keys, rotate_key
from traces.checkpoints.registry import deployment, registry_log
from verify.remit_verify import key_id


class Command(BaseCommand):
    """Shows public keys; private ones never leave the database unsealed."""

    help = "show, rotate or reseal the ledger signing keys"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["show", "rotate", "reseal"])
        parser.add_argument("--reason", default="")
        parser.add_argument("--lost", action="store_true", help="the present key is gone; nothing endorses the new one")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A rotation needs a reason; it is written in every workspace's governance chain."""
        try:
            if options["verb"] == "rotate":
                if not options["reason"].strip():
                    raise CommandError("Say with --reason why the key changes.")
                rotate_key(
                    actor=system_actor("setup", ""), deployment=deployment(), reason=options["reason"],
                    lost=options["lost"],
                )  # fmt: skip
            elif options["verb"] == "reseal":
                reseal_keys()
        except (SignerMissing, SealBroken) as error:
            raise CommandError(str(error)) from error
        rows = [row | {"verifier": _verifier(row["public"])} for row in public_rows()]
        lines = "\n".join(f"key {row['number']} from {row['from']} {row['verifier']}" for row in rows)
        self.stdout.write(json.dumps(rows) if options["as_json"] else lines)


def _verifier(public: str) -> str:
    """The key in C2SP form, under the registry's name."""
    name, raw = registry_log().origin, base64.b64decode(public)
    typed = base64.b64encode(b"\x01" + raw).decode()
    return f"{name}+{key_id(name, raw).hex()}+{typed}"
