"""R-30, T2: hostile documents are refused with a reason by the one parse, at both doors; sound ones keep their value exactly.

The parse meets 10,000 of them here; `make hostile` shows 10,000 to both doors as well.
"""

import os
import random
import re
import time

import pytest

from actions.models import Action
from gateway import strict_json
from tests.gateway.hostile import KINDS, control, hostile
from tests.gateway.mcp_client import MODERN, send
from tests.gateway.test_bad_input import post, refusals
from traces.canonical import canonical_bytes
from traces.models import Trace

CALL = b'{"trace_id":"x","tool":"desk.order.get","arguments":'
MESSAGE = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"desk.order.get","arguments":'
SAID = {"MCP-Protocol-Version": MODERN}
MANY, AT_THE_DOORS = 10_000, int(os.environ.get("REMIT_HOSTILE", "12"))


def test_as_many_are_made_as_are_asked_for():
    assert [len(list(hostile(seed, 2_000))) for seed in (7, 13)] == [2_000] * 2


def test_r30_every_hostile_document_is_refused_with_a_sentence_and_quickly():
    kinds, slowest = set(), 0.0
    for kind, raw in hostile(7, MANY):
        began = time.monotonic()
        with pytest.raises(strict_json.BadJSON) as refused:
            strict_json.parse(raw)
        slowest = max(slowest, time.monotonic() - began)
        assert str(refused.value).endswith("."), raw[:80]
        kinds.add(kind)
    assert kinds == set(KINDS) and slowest < 1
    print(f"{MANY} hostile documents of {len(kinds)} kinds, each refused with a sentence; slowest {slowest:.3f} s")  # noqa: T201 - published


def test_r30_sound_documents_keep_their_value_and_have_a_digest():
    pick = random.Random(11)
    for _ in range(MANY // 5):
        raw, wanted = control(pick)
        found = strict_json.parse(raw)
        assert found == wanted and canonical_bytes(found) == canonical_bytes(wanted)


# In one transaction PostgreSQL would keep, and read past, every version of the one trace that these refusals stand in.
@pytest.mark.django_db(transaction=AT_THE_DOORS > 100)
def test_r30_rest_and_mcp_refuse_the_same_documents_and_leave_proof(cast):
    """Each document stands where the arguments would, or alone where it would not end up there: the same bytes, one verdict,
    nothing proposed."""
    asked = 0
    for _, raw in hostile(13, AT_THE_DOORS):
        inside = len(raw) <= 60_000 and raw[:1] in b'{["'
        rest = post("tool-calls", None, cast.token, raw=CALL + raw + b"}" if inside else raw)
        mcp = send(None, cast.token, raw=MESSAGE + raw + b"}}" if inside else raw, headers=SAID)
        assert rest.status_code == mcp.status_code and rest.status_code in ({400} if inside else {400, 413}), raw[:80]
        # The same sentence; where in the body it stands differs.
        told = [re.sub(r"\d+", "0", words) for words in (mcp.json()["error"]["message"], rest.json()["detail"])]
        assert mcp.json()["error"]["code"] == -32700 and told[0] == told[1]
        asked += 1
    print(f"{asked} hostile documents at both doors: each refused alike")  # noqa: T201 - published
    assert asked == AT_THE_DOORS and refusals(cast) == 2 * asked
    assert not Action.objects.exists() and not Trace.objects.filter(kind="work").exists()
