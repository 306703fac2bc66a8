"""The verbs that need the database: check against a workspace, and publish."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from accounts.actors import system_actor
from accounts.models import Workspace
from policies.commands.said import FAILED, OK, Said, Stop, read_text
from policies.engine.document import load
from policies.gates import Gate, gates
from policies.models import Policy, PolicyVersion
from policies.refusals import GatesUnmet, PolicyRefused
from policies.services import publish_version
from policies.waivers import grants


def workspace_of(slug: str) -> Workspace:
    """The workspace a verb is about. Raises Stop."""
    found = Workspace.objects.filter(slug=slug).first()
    if found is None:
        raise Stop(f"There is no workspace {slug}. Name one with --workspace.")
    return found


def check(path: Path, workspace: Workspace) -> Said:
    """Every gate a document would meet in a workspace; nothing is written. Raises Stop or PolicyError."""
    source = read_text(path)
    document = load(source)
    known = Policy.objects.filter(workspace=workspace, slug=document.slug).first()
    policy = known or Policy(workspace=workspace, slug=document.slug, name=document.name)
    found = gates(policy, source, granted=grants(policy, system_actor("operator", workspace.pk)))
    data = {"file": str(path), "ok": all(gate.met for gate in found), "gates": [asdict(gate) for gate in found]}
    return Said(data, "\n".join(map(_line, found)), OK if data["ok"] else FAILED)


def publish(path: Path, workspace: Workspace, message: str) -> Said:
    """Publish a document as the operator of this installation; what is live already stays. Raises Stop or PolicyError."""
    actor = system_actor("operator", workspace.pk)
    source = read_text(path)
    live = PolicyVersion.objects.filter(policy__workspace=workspace, digest=load(source).digest, is_live=True).first()
    if live is not None:
        return Said(_published(path, live) | {"verdict": "same"}, f"{live} is live already. Nothing was published.")
    try:
        version = publish_version(actor=actor, workspace=workspace, source=source, message=message)
    except GatesUnmet as error:
        data = {"file": str(path), "ok": False, "gates": [asdict(gate) for gate in error.gates]}
        return Said(data, "\n".join(["Not published.", *map(_line, error.unmet)]), FAILED)
    except PolicyRefused as error:
        raise Stop(str(error)) from error
    return Said(_published(path, version), f"{version} is live.")


def _published(path: Path, version: PolicyVersion) -> dict[str, Any]:
    words = {"version": version.number, "digest": version.digest, "verdict": version.verdict}
    return {"file": str(path), "ok": True, **words}


def _line(gate: Gate) -> str:
    return "\n".join(
        [f"{'ok' if gate.met else 'NO'}  {gate.name}: {gate.sentence}", *(f"      {d}" for d in gate.details)]
    )
