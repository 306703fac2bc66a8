"""An agent's document in the words of OpenAPI 3.0: the same calls fit, and nothing stands in it that 3.0 does not know."""

import pytest
from django.test import Client

from remit_client.openapi30 import in_3_0


def rewritten(schema):
    found = in_3_0({"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"One": schema}}})
    assert found["openapi"] == "3.0.3"
    return found["components"]["schemas"]["One"]


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}], "title": "A"},
         {"type": "string", "maxLength": 3, "title": "A", "nullable": True}),
        ({"anyOf": [{"$ref": "#/components/schemas/X"}, {"type": "null"}]},
         {"allOf": [{"$ref": "#/components/schemas/X"}], "nullable": True}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
         {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}),
        ({"const": 1}, {"enum": [1]}),
        ({"exclusiveMinimum": 0, "type": "number"}, {"minimum": 0, "exclusiveMinimum": True, "type": "number"}),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, {"type": "array", "items": {}}),
        ({"type": "array", "items": True}, {"type": "array", "items": {}}),
        ({"additionalProperties": False, "properties": {"const": {"const": "a"}, "examples": True}},
         {"additionalProperties": False, "properties": {"const": {"enum": ["a"]}, "examples": {}}}),
        ({"type": "string", "examples": ["a"], "$comment": "x", "if": {}, "then": {}}, {"type": "string"}),
    ],
)  # fmt: skip
def test_a_schema_is_said_in_the_older_words(schema, wanted):
    assert rewritten(schema) == wanted


def test_of_an_agents_own_document_nothing_newer_is_left(cast):
    before = Client().get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {cast.token}"}).json()
    found = in_3_0(before)
    text = str(found)
    assert "'null'" not in text and "prefixItems" not in text and "$defs" not in text
    assert "/api/v1/tools/desk.refund.create" in found["paths"]
    assert before["openapi"].startswith("3.1"), "REST itself stays as it is."
    refund = found["paths"]["/api/v1/tools/desk.refund.create"]["post"]["requestBody"]["content"]["application/json"]
    assert refund["schema"]["properties"]["arguments"]["additionalProperties"] is False
