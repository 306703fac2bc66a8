"""The OpenAPI document of one agent: the surface, and its own tools with the schemas that policy left them (B-06)."""

import copy
import json
from typing import Any

from accounts.actors import Caller
from actions.tools import tools_for_caller
from gateway.api import api

PREFIX = "api/v1/"
ANSWERS = {
    "200": "It ended; the answer says how.",
    "202": "A person decides. Nothing was executed yet.",
    "422": "The arguments do not fit. Nothing was executed.",
}


def document_for(caller: Caller) -> dict[str, Any]:
    """OpenAPI 3.1. A tool that is off for this agent is absent, as if it did not exist."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    found["info"]["description"] = f"{api.description} This is what {caller.agent.name} may use."
    for tool in tools_for_caller(caller):
        found["paths"][f"/{PREFIX}tools/{tool['name']}"] = {"post": _operation(tool)}
    return found


def _operation(tool: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": tool["name"].replace(".", "__"),
        "summary": tool["name"],
        "description": tool["description"],
        "tags": ["tools"],
        "security": [{"AgentToken": []}],
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": False,
                "schema": {"type": "string", "maxLength": 255},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _body(tool)}}},
        "responses": {
            status: {"description": words, **_content("ActionOut" if status < "300" else "Problem9457")}
            for status, words in ANSWERS.items()
        },
    }


def _body(tool: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["trace_id", "arguments"],
        "properties": {"trace_id": {"type": "string"}, "arguments": copy.deepcopy(tool["input_schema"])},
    }


def _content(model: str) -> dict[str, Any]:
    kind = "application/json" if model == "ActionOut" else "application/problem+json"
    return {"content": {kind: {"schema": {"$ref": f"#/components/schemas/{model}"}}}}
