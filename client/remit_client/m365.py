"""Microsoft 365 Copilot: the manifests of a declarative agent (v1.8) and its API plugin (v2.4), from what one agent may use.

`python -m remit_client.m365 --out DIR --reference-id ID` with REMIT_URL and REMIT_AGENT_TOKEN writes them and the agent's OpenAPI
document, as 3.0: Microsoft's tools read no other. The token goes into Microsoft's vault under ID, never into a file. Microsoft's
confirmation card decides nothing.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from remit_client import wire
from remit_client.client import Remit
from remit_client.openapi30 import in_3_0

AGENT, PLUGIN, API = "remit-agent.json", "remit-plugin.json", "remit-openapi.json"
INSTRUCTIONS = (
    "Use only Remit's functions to read or change systems of record. Call open_trace first, with what the user asked for, "
    "and give its trace_id to every other call. When a call waits for people, say so, give the user the approval's address, "
    "and ask get_action later; never send the call again."
)
# What a conversation needs beside the tools themselves.
ALSO = {"open_trace": "Say what the user asked for, before anything else.", "get_action": "See what became of a call."}
HANDLES = {"read": "GetPrivateData"}


def plugin(tools: Sequence[Mapping[str, Any]], *, reference_id: str) -> dict[str, Any]:
    """The API plugin manifest. `tools` as `Remit.tools()` gives them; what an agent does itself is not offered."""
    functions: list[dict[str, Any]] = [{"name": name, "description": words} for name, words in ALSO.items()]
    functions += [_function(tool) for tool in tools if tool["executed_by"] == "remit"]
    runtime = {
        "type": "OpenApi",
        "auth": {"type": "ApiKeyPluginVault", "reference_id": reference_id},
        # Without a progress style the official schema takes this for two kinds of runtime at once.
        "spec": {"url": API, "progress_style": "ShowUsage"},
        "run_for_functions": [function["name"] for function in functions],
    }
    return {
        "schema_version": "v2.4",
        "name_for_human": "Remit",
        "namespace": "remit",
        "description_for_human": "Acts on systems of record as policy allows, and keeps the receipts.",
        "description_for_model": INSTRUCTIONS,
        "functions": functions,
        "runtimes": [runtime],
    }


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool under its operation's name, with what it does to data and, where it changes some, a card to confirm."""
    handling = HANDLES.get(tool["effect_class"], "ResourceStateUpdate")
    capabilities: dict[str, Any] = {"security_info": {"data_handling": [handling]}}
    if handling != "GetPrivateData":
        body = f"{tool['name']}: Remit decides whether this runs, and asks its own approvers where policy says so."
        capabilities["confirmation"] = {"type": "AdaptiveCard", "title": "Ask Remit", "body": body}
    return {
        "name": tool["name"].replace(".", "__"), "description": tool["description"], "capabilities": capabilities,
    }  # fmt: skip


def declarative_agent(name: str) -> dict[str, Any]:
    """The declarative agent manifest that uses the plugin."""
    return {
        "version": "v1.8",
        "name": name[:100],
        "description": "Acts through Remit: policy decides, people approve, everything is on record.",
        "instructions": INSTRUCTIONS,
        "actions": [{"id": "remit", "file": PLUGIN}],
    }


def write(remit: Remit, base_url: str, out: Path, *, name: str, reference_id: str) -> list[Path]:
    """Write the three files for the agent whose token `remit` has. Raises RemitError."""
    document = in_3_0({**remit.send(wire.get("openapi.json")), "servers": [{"url": base_url.rstrip("/")}]})
    files = {
        AGENT: declarative_agent(name), PLUGIN: plugin(remit.tools(), reference_id=reference_id), API: document,
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (out / file).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [out / file for file in files]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m remit_client.m365", description="Write Microsoft 365 manifests for one agent."
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reference-id", required=True, help="of the API key in Microsoft's plugin vault")
    parser.add_argument("--name", default="Remit")
    options = parser.parse_args()
    base_url = os.environ["REMIT_URL"]
    with Remit(base_url, token=os.environ["REMIT_AGENT_TOKEN"]) as remit:
        write(remit, base_url, options.out, name=options.name, reference_id=options.reference_id)


if __name__ == "__main__":
    main()
