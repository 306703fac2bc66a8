"""Words of titles day by day: both lists show what a plain question gives, whatever the filters, borders and turns."""

import random
from datetime import UTC, datetime, timedelta
from importlib import import_module
from urllib.parse import parse_qsl

import pytest
from django.db import connection

from actions import finding
from actions import listing as actions_listing
from actions.models import Action
from tests.builders import planned
from traces import by_day, paging, ways
from traces.by_day import Days, day_of
from traces.listing import listing
from traces.models import Trace
from traces.paging import HIGHEST, LOWEST

# A day that begins a month of the index.
BORDER = datetime(2026, 2, 28, tzinfo=UTC)
WORDS = ["moved", "move", "account", "acc-77", "it's", "read", "x/y.z", "77", "zebra"]
ASKED = ["moved", "move", "acc", "acc-77", "77", "it's", "read account", "x/y", "zebra", "—", "none", "acc 7", "a\\b"]
TICK = timedelta(microseconds=1)


def title(chance: random.Random) -> str:
    return " ".join(chance.sample(WORDS, chance.randint(0, 4)))


def instant(chance: random.Random) -> datetime:
    """Often a border of a day or a month, one instant to either side of it, or one that others have too."""
    at = BORDER + timedelta(days=chance.choice([-40, -33, -32, -31, -2, -1, 0, 1, 2, 31, 32, 33]))
    return at + chance.choice([-TICK, 0 * TICK, TICK, timedelta(hours=7), timedelta(seconds=chance.randint(0, 86_000))])


@pytest.fixture
def many(cast) -> random.Random:
    """Traces of two people and workspaces with actions of the same and other days; some titles changed since, some moved."""
    chance, one = random.Random(77), Action.objects.filter(trace=planned(cast), step=1).values().get()
    assert day_of(BORDER) % by_day.MONTH == 0
    traces = Trace.objects.bulk_create(
        Trace(
            workspace=cast.lakeside if number % 10 == 9 else cast.northwind, agent=cast.agent, title=title(chance),
            on_behalf_of=cast.user(chance.choice(["maya", "dana"])), outcome=chance.choice(["completed", "denied"]),
            facets=chance.choice([["tool:a.b"], ["tool:a.b", "record:7"], []]), created_at=at,
            updated_at=at + timedelta(days=50),
        )
        for number, at in enumerate(instant(chance) for _ in range(160))
    )  # fmt: skip
    Action.objects.bulk_create(
        Action(
            **one | {
                "id": f"act_{number:026d}", "trace_id": of.pk, "workspace_id": of.workspace_id,
                "requester_id": of.on_behalf_of_id,
                "created_at": of.created_at + later, "state": chance.choice(["succeeded", "denied"]),
            }
        )
        for number, (of, later) in enumerate(
            (of, timedelta(days=chance.choice([0, 0, 0, 1, 31, 45]), seconds=chance.randint(0, 9)))
            for of in traces for _ in range(chance.randint(0, 3))
        )
    )  # fmt: skip
    for trace in chance.sample(traces, 40):
        Trace.objects.filter(pk=trace.pk).update(title=title(chance))
    return chance


@pytest.fixture(params=[(100, 200), (3, 1_000), (3, 20), (1, 1)])
def read_so(request, monkeypatch):
    """Pages are short, words are hardly walked for, and months are read at once, by days, or not known."""
    for of, name, value in (
        (paging, "PAGE", 7), (ways, "REACH_OF_WORDS", 4), (finding, "REACH_OF_WORDS", 4), (by_day, "THIN", request.param[0]),
        (by_day, "MET", request.param[1]),
    ):  # fmt: skip
        monkeypatch.setattr(of, name, value)


def query(chance: random.Random) -> dict[str, str]:
    """Words, and often something beside them."""
    from_, to = sorted(instant(chance) for _ in range(2))
    more = [
        {}, {}, {"outcome": "denied"}, {"tool": "a.b"}, {"from": from_.isoformat(), "to": to.isoformat()},
        {"record": "7", "outcome": "completed"},
    ]  # fmt: skip
    return {"q": chance.choice(ASKED)} | chance.choice(more)


def titled(text: str) -> set[str]:
    """Ids of the traces whose titles have every word, asked of each title in turn."""
    words = " & ".join("'{}':*".format(word.replace("\\", "\\\\").replace("'", "''")) for word in text.split())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "SELECT id FROM traces_trace WHERE to_tsvector('simple', title) @@ to_tsquery('simple', %s)", [words]
        )
        found = {key for (key,) in cursor.fetchall()}
        cursor.execute("RESET enable_indexscan; RESET enable_bitmapscan")
    return found


def wanted(cast, who: str, asked: dict[str, str], of_actions: bool) -> list[str]:
    """What the list should show, newest first, told from every row."""
    words, found = titled(asked["q"]), []
    since, until = (datetime.fromisoformat(asked[end]) if end in asked else None for end in ("from", "to"))
    rows = Action.objects.select_related("trace") if of_actions else Trace.objects.all()
    for row in rows.filter(workspace=cast.northwind):
        trace = row.trace if of_actions else row
        stands = {"succeeded": "completed"}.get(row.state, row.state) if of_actions else row.outcome
        has = {facet for name in ("tool", "record") if name in asked for facet in [f"{name}:{asked[name]}"]}
        fits = (
            trace.pk in words and has <= set(trace.facets) and asked.get("outcome", stands) == stands
            and (since is None or row.created_at >= since) and (until is None or row.created_at <= until)
            and (who == "priya" or trace.on_behalf_of == cast.user(who))
        )  # fmt: skip
        found += [(row.created_at, row.pk)] if fits else []
    return [key for _, key in sorted(found, reverse=True)]


def shown(cast, who: str, asked: dict[str, str], of_actions: bool, link: str, place: dict[str, str]) -> list[str]:
    """The same by pages from one end to the other, newest first."""
    found, at = [], asked | place
    for _ in range(99):
        of = (cast.user(who), cast.northwind, at)
        page = actions_listing.listing(*of) if of_actions else listing(*of, [])
        assert not page.searched, at
        found.append([row.id for row in page.rows])
        if not getattr(page, link):
            break
        at = dict(parse_qsl(getattr(page, link)[1:]))
    return [key for some in (found if link == "next_url" else found[::-1]) for key in some]


TURNS = [
    ("next_url", {}),
    ("next_url", {"after": f"2999-01-01T00:00:00.000000Z~{HIGHEST}"}),
    ("previous_url", {"before": f"2000-01-01T00:00:00.000000Z~{LOWEST}"}),
]


@pytest.mark.parametrize("of_actions", [False, True])
def test_pages_are_what_a_plain_question_gives(cast, many, read_so, of_actions):
    some = 0
    for _ in range(12):
        asked, who = query(many), many.choice(["priya", "priya", "maya"])
        if of_actions:
            # An action's own tool and record are another matter than those of its trace.
            asked = {name: value for name, value in asked.items() if name not in {"tool", "record"}}
        link, place = many.choice(TURNS)
        rows = wanted(cast, who, asked, of_actions)
        assert shown(cast, who, asked, of_actions, link, place) == rows, (asked, who, link)
        some += len(rows) > paging.PAGE
    assert some > 1


def test_a_place_within_a_day_divides_it(cast, many, read_so):
    whole = wanted(cast, "priya", {"q": "acc"}, False)
    rows = dict(Trace.objects.values_list("pk", "created_at"))
    for at in range(0, len(whole), 29):
        place = f"{rows[whole[at]]:%Y-%m-%dT%H:%M:%S.%f}Z~{whole[at]}"
        assert shown(cast, "priya", {"q": "acc"}, False, "next_url", {"after": place}) == whole[at + 1 :]
        assert shown(cast, "priya", {"q": "acc"}, False, "previous_url", {"before": place}) == whole[:at]


def test_days_are_those_of_the_index(cast, many):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT created_at, remit_title_by_day(workspace_id, 'Moved', created_at, NULL)::text"
            " FROM traces_trace WHERE workspace_id = %s",
            [cast.northwind.pk],
        )
        for at, said in cursor.fetchall():
            day, month = Days(day_of(at)), Days(day_of(at) // by_day.MONTH * by_day.MONTH, by_day.MONTH)
            assert said == " ".join(one.asked("'moved'", cast.northwind) for one in (day, month))
            assert day.since <= at < day.until and month.since <= at < month.until


def test_older_traces_learn_the_days_of_their_actions(cast, many):
    days = dict(Trace.objects.values_list("pk", "later_days"))
    assert any(len(some or []) > 1 for some in days.values())
    Trace.objects.update(later_days=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("actions.migrations.0022_days_of_actions").FILL)
    learnt = dict(Trace.objects.values_list("pk", "later_days"))
    assert {key: set(some or []) for key, some in learnt.items()} == {
        key: set(some or []) for key, some in days.items()
    }


def test_an_action_that_moves_to_another_trace_or_day_is_found_there(cast, many):
    action = Action.objects.exclude(trace__title="").first()
    work = Trace.objects.filter(workspace=cast.northwind).exclude(kind=Trace.Kind.GOVERNANCE)
    other = work.exclude(pk=action.trace_id).order_by("pk")[0]
    Trace.objects.filter(pk=other.pk).update(title="Unheard of")
    Action.objects.filter(pk=action.pk).update(
        trace=other, workspace=cast.northwind, created_at=BORDER + timedelta(days=300)
    )
    assert wanted(cast, "priya", {"q": "unheard"}, True)[0] == action.pk
    assert shown(cast, "priya", {"q": "unheard"}, True, *TURNS[0]) == wanted(cast, "priya", {"q": "unheard"}, True)


def test_words_are_looked_up_by_their_index_alone(cast, many, monkeypatch):
    told: list[str] = []
    ask = by_day._rows

    def rows(text, given):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {text}", given)
            told.append("\n".join(row[0] for row in cursor.fetchall()))
        return ask(text, given)

    monkeypatch.setattr(by_day, "_rows", rows)
    monkeypatch.setattr(ways, "REACH_OF_WORDS", 4)
    monkeypatch.setattr(finding, "REACH_OF_WORDS", 4)
    monkeypatch.setattr(paging, "PAGE", 20)
    for of_actions in (False, True):
        shown(cast, "priya", {"q": "acc", "outcome": "denied"}, of_actions, *TURNS[0])
    assert told
    for plan in told:
        assert "Bitmap Index Scan on trace_title_by_day" in plan and "Filter: (remit_title_by_day" not in plan, plan
        assert "Incremental Sort" in plan or "found" not in plan, plan
        assert "(id)::text = ANY" not in plan, "what the words gave is not looked up again"
