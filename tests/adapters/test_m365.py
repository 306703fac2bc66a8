"""The generated Microsoft 365 manifests fit the official schemas, and name operations that the agent's API has."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from remit_client.m365 import AGENT, API, PLUGIN, write
from tests.adapters.conftest import MODULES, installed

pytestmark = pytest.mark.adapters
SCHEMAS = "@microsoft/app-manifest/build/json-schemas/copilot"


@pytest.fixture(scope="module")
def schemas():
    """The official schemas, out of the package they come in, which stands in the lock of the programs."""
    place = installed(MODULES / SCHEMAS)
    return lambda path: json.loads((place / path / "schema.json").read_text())


def test_manifests_fit_the_official_schemas(agent, remit, schemas, tmp_path: Path):
    write(agent, remit["url"], tmp_path, name="Support", reference_id="vault-1")
    made = {name: json.loads((tmp_path / name).read_text()) for name in (AGENT, PLUGIN, API)}
    for name, schema in ((AGENT, "declarative-agent/v1.8"), (PLUGIN, "plugin/v2.4")):
        assert [error.message for error in Draft4Validator(schemas(schema)).iter_errors(made[name])] == []
    operations = {way["operationId"] for path in made[API]["paths"].values() for way in path.values()}
    wanted = set(made[PLUGIN]["runtimes"][0]["run_for_functions"])
    assert wanted <= operations and "desk__refund__create" in wanted
    assert "rmt_" not in "".join(json.dumps(part) for part in made.values())
