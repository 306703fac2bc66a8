"""Expressions: what they read, what they may walk, and every way they fail. A failure is an answer that denies."""

import time

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.celtree import NotParsed, parse
from policies.engine.celwalk import MOST, growth, nesting, power, walks_record, weight
from policies.engine.expressions import (
    BadExpression,
    Context,
    EvaluationFailed,
    compile_expression,
    union,
)

NAMES = ("args", "fields", "record", "agent", "requester", "tool", "money", "recipients")


def holds(source, **values):
    found = compile_expression(source)
    return found.holds(Context({**dict.fromkeys(NAMES), **values}, found.reads))


def fails(source, **values) -> str:
    with pytest.raises(EvaluationFailed) as caught:
        holds(source, **values)
    return str(caught.value)


READS = {
    "record.a == 1": {"record": {"a"}},
    "record.a == record.b.c": {"record": {"a", "b"}},
    "has(record.a) && args.b": {"record": {"a"}, "args": {"b"}},
    'record["a"] == 1': {"record": None},
    "record.a == 1 && size(record) == 2": {"record": None},
    "size(record) == 2 && record.a == 1": {"record": None},
    "record == args": {"record": None, "args": None},
    "recipients.all(x, x == requester.email)": {"recipients": None, "requester": {"email"}},
    "record.a.exists(x, x.b == args.c && x.record == 1)": {"record": {"a"}, "args": {"c"}},
    "record.a.exists(record, record.b == 1)": {"record": {"a"}},
    "record.a.map(x, x.b)[0] == args.c": {"record": {"a"}, "args": {"c"}},
    "record.a.filter(x, x > args.b).size() > 0": {"record": {"a"}, "args": {"b"}},
    "record.a.startsWith(args.b)": {"record": {"a"}, "args": {"b"}},
    "args.a ? record.b : fields.c": {"args": {"a"}, "record": {"b"}, "fields": {"c"}},
    "[record.a, 1] == [args.b]": {"record": {"a"}, "args": {"b"}},
    '{"k": record.a} == {"k": money.amount}': {"record": {"a"}, "money": {"amount"}},
    "!(-args.a > 0)": {"args": {"a"}},
    "true": {},
}


@pytest.mark.parametrize("source", READS)
def test_what_an_expression_reads(source):
    reads = compile_expression(source).reads
    assert reads == {name: None if members is None else frozenset(members) for name, members in READS[source].items()}


def test_what_several_read_together():
    two = [
        compile_expression(source)
        for source in ("record.a == args.b", "record.c == 1", "size(args) == 1", "args.x == 1")
    ]
    assert union(two) == {"record": {"a", "c"}, "args": None}
    assert union([]) == {}


ATOMS = ("record.a == 1", "args.n > 2", "has(record.b.c)", 'record["a"] == 1', "record.l.all(x, x.k > args.n)", "size(record) > 1",
         "record.l.exists(x, has(x.z) && x.z == record.a)", "requester.id in record.who", "recipients == record.who",
         "record.l.map(x, x.k) == [1, 5]", "record.missing == 1", "fields.f ? true : args.n == 3")  # fmt: skip
values = st.fixed_dictionaries(
    {
        "record": st.fixed_dictionaries({}, optional={
            "a": st.integers(0, 2), "b": st.dictionaries(st.just("c"), st.none()), "who": st.lists(st.sampled_from("pq"), max_size=2),
            "l": st.lists(st.dictionaries(st.sampled_from("kz"), st.integers(0, 5), max_size=2), max_size=3), "other": st.integers(),
        }),
        "args": st.dictionaries(st.sampled_from("nm"), st.integers(0, 5)), "fields": st.dictionaries(st.just("f"), st.booleans()),
        "requester": st.just({"id": "p", "email": "e"}), "recipients": st.lists(st.sampled_from("pq"), max_size=2).map(tuple),
    }
)  # fmt: skip


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__ if not isinstance(error, EvaluationFailed) else str(error).split(":")[0]


@settings(max_examples=200, deadline=None)
@given(values, st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3), st.sampled_from(("&&", "||")))
def test_what_is_left_out_of_the_context_is_not_missed(values, atoms, sign):
    """One context shared by several expressions, with only what they read, gives what the library gives with everything."""
    sources = [f" {sign} ".join(f"({atom})" for atom in atoms), *ATOMS]
    compiled = [compile_expression(source) for source in sources]
    shared, whole = Context(values, union(compiled)), cel.Context(variables=values)
    for source, found in zip(sources, compiled, strict=True):
        assert outcome(lambda found=found: found.holds(shared)) == outcome(
            lambda source=source: cel.compile(source).execute(whole)
        )


FAILS = {
    "record.a == 1": ({"record": {}}, "KeyError"),
    "record.a.b == 1": ({"record": {"a": 1}}, "TypeError"),
    "record.b == 1": ({"record": None}, "TypeError"),
    "args.a > 5": ({"args": {"a": "6"}}, "TypeError"),
    "args.a + 1 == 2": ({"args": {"a": 1.0}}, "TypeError"),
    "args.a / 0 == 2": ({"args": {"a": 1}}, "ZeroDivisionError"),
    "args.a[5] == 2": ({"args": {"a": [1]}}, "IndexError"),
    "args.a": ({"args": {"a": 1}}, "the result is a int, not true or false"),
    "args.b": ({"args": {"b": None}}, "the result is a NoneType, not true or false"),
    "args.c": ({"args": {"c": "true"}}, "the result is a str, not true or false"),
    "args.d == 1": ({"args": {"d": object()}}, "Error"),
    "args.e.matches('(')": ({"args": {"e": "x"}}, "RuntimeError"),
    "args.f.all(k, true)": ({"args": {"f": {"x": 1}}}, "a macro walks a record"),
    "record.all(k, true)": ({"record": {}}, "a macro walks a record"),
}


@pytest.mark.parametrize("source", FAILS)
def test_every_failure_says_what_it_was(source):
    given_values, words = FAILS[source]
    said = fails(source, **given_values)
    assert words in said and "record" not in said.replace("a record", "")


def test_only_true_and_false_are_answers():
    assert holds("args.a", args={"a": True}) is True and holds("args.a", args={"a": False}) is False


BAD = {
    "": "not a CEL expression", "1 +": "not a CEL expression", "intent": "intent is not known", "x == y": "x, y is not known",
    "now()": "now() is not a function", "record.a.foo()": "foo() is not a function", "all(x, x)": "is written list.all(x, …)",
    "record.a.all(x.y, true)": "is written list.all", "record.a.all(x)": "is written list.all", "record.a.map(1, 2)": "is written list.map",
    "args.a.all(x, x.all(y, y.all(z, z)))": "nested deeper than 2", "args.a.map(x, x).map(x, x).map(x, x)": "nested deeper than 2",
    "Foo{a: 1}": "not allowed", ".record.a": "not allowed", "'\\ud800' == ''": "not a CEL expression",
}  # fmt: skip


@pytest.mark.parametrize("source", BAD)
def test_bad_expressions_say_why(source):
    with pytest.raises(BadExpression) as caught:
        compile_expression(source)
    assert BAD[source] in str(caught.value) and str(caught.value).endswith(".")


def test_depth_and_size_are_bounded_at_their_edge():
    assert parse("!" * 40 + "true").kind == "unary"
    with pytest.raises(NotParsed, match="deeper than 40"):
        parse("!" * 41 + "true")
    assert parse("[" + ", ".join(["1"] * 499) + "]").kind == "list"
    with pytest.raises(NotParsed, match="more than 500"):
        parse("[" + ", ".join(["1"] * 500) + "]")


POWERS = {
    "record.a == 1": (0, 0, 1), "record.a.all(x, x > 1)": (1, 1, 1), "record.a.all(x, x > args.b)": (1, 2, 1),
    "record.a.all(x, record.b.all(y, y == x))": (2, 2, 1), "record.a.all(x, record.b.all(y, y in record.c))": (2, 3, 1),
    "record.a.filter(x, x > 0).map(y, y + 1) == [2]": (2, 2, 1), "record.a.map(x, record.a).all(y, y == [])": (2, 3, 1),
    "record.a.map(x, record.a).map(y, record.a) == []": (2, 3, 1), "record.a.map(x, record.a).filter(y, true) == []": (2, 3, 1),
    "record.a.map(x, record.a.map(y, record.a)) == []": (2, 4, 1), "record.a.map(x, x.b == record.a) == []": (1, 2, 1),
    "record.a.map(x, [[x], record.a]) == []": (1, 3, 1), "record.a.map(x, x.c ? record.a.b[0] : 1) == []": (1, 3, 1),
    "record.a.map(x, x.b + record.a) == []": (1, 3, 2), "record.a.map(x, x.b.size() + record.a.size()) == []": (1, 2, 2),
    "record.a.map(x, record.a.exists(y, y == x)) == []": (2, 2, 1), "record.a.map(x, record.a.filter(y, y == x)) == []": (2, 3, 1),
    "record.a + record.b == []": (0, 0, 2), "(record.a + record.b).all(x, x == 1)": (1, 1, 2),
    "(record.a + record.b).all(x, (record.a + record.b).all(y, x == y))": (2, 2, 4), "[1, 2].exists(x, x == 1)": (1, 1, 1),
    "record.a.all(x, x.b.all(y, y == x.c))": (2, 2, 1), "record.a.exists(x, x.b.map(y, y.c) == [])": (2, 3, 1),
}  # fmt: skip


@pytest.mark.parametrize("source", POWERS)
def test_how_walks_multiply(source):
    tree = parse(source)
    assert (nesting(tree), power(tree), growth(tree)) == POWERS[source]


def test_weight_counts_every_element_and_long_texts_by_their_length():
    assert [weight(value) for value in (1, None, True, "", "a" * 63, "a" * 64, [], {}, (1, 2))] == [
        1,
        1,
        1,
        1,
        1,
        2,
        1,
        1,
        3,
    ]
    assert weight({"a": [1, {"b": 2}], "c": "x" * 640}) == 1 + (1 + 1 + 2) + 11


def test_as_much_as_may_be_walked_is_and_one_more_is_not():
    one = "record.a.all(x, x != args.b)"
    most = MOST[2]
    fits = {"record": {"a": list(range(most - 4))}, "args": {"b": -1}}  # Two records, the list itself and the argument.
    assert holds(one, **fits) is True
    assert fails(one, record={"a": list(range(most - 3))}, args={"b": -1}) == f"it would walk more than {most} elements"
    assert holds("size(record.a) > args.b", record={"a": list(range(most * 2))}, args={"b": -1}) is True
    assert holds("record.a.all(x, x >= 0)", record={"a": list(range(most * 2))}) is True


def test_a_shared_context_counts_only_what_an_expression_reads():
    small, large = compile_expression("args.a.all(x, x != args.b)"), compile_expression("size(record.a) > 0")
    context = Context({"args": {"a": [1], "b": 2}, "record": {"a": list(range(10_000))}}, union([small, large]))
    assert small.holds(context) and large.holds(context)


BOMBS = {
    "record.a.all(x, x >= 0)": 490_000, "record.a.all(x, x in record.a || true)": 1400, "record.a.all(x, size(record.a) > 0)": 1400,
    "record.a.all(x, record.a.all(y, y >= 0))": 1400, "record.a.all(x, record.a.all(y, y in record.a))": 190,
    "record.a.map(x, record.a).map(y, record.a).size() >= 0": 190, "record.a.map(x, record.a.map(y, record.a)).size() >= 0": 50,
    "record.a.all(x, record.a == record.a)": 1400, "record.a.map(x, [x, x]).map(y, y + y).size() > 0": 700,
    "record.a.filter(x, x >= 0).size() > 0": 1400, "record.a.filter(x, record.a.filter(y, y >= x).size() > 0).size() > 0": 190,
}  # fmt: skip


@pytest.mark.parametrize("source", BOMBS)
def test_no_expression_takes_long_whatever_it_is_given(source):
    started = time.process_time()
    assert holds(source, record={"a": list(range(BOMBS[source]))}) is True
    assert time.process_time() - started < 3  # Well under a second where nothing else runs.
    assert "more than" in fails(source, record={"a": list(range(500_001))})


WALKED = {
    "record.l.all(x, x.k > 0)": False, "record.l.all(x, x.all(k, true))": True, "record.m.all(k, true)": True,
    "record.l.map(x, x).all(y, y.all(k, true))": True, "record.l.map(x, x.k).all(y, y > 0)": False,
    "record.l.filter(x, x.k > 0).all(y, y.m.all(k, true))": True, "record.l.filter(x, x.k > 0).all(y, y.i.all(k, true))": False,
    "record.l[0].m.all(k, true)": True, "record.l[0].i.all(k, true)": False, "(record.b ? record.m : record.l).all(k, true)": True,
    "(record.l + record.l).all(x, x.m.all(k, true))": True, "[record.m].all(x, x.all(k, true))": True, "[record.l].all(x, x.all(k, true))": False,
    '{"a": 1}.all(k, true)': True, '{"a": record.m}.a.all(k, true)': True, '{"a": record.l}.a.all(k, true)': False,
    'record["m"].all(k, true)': True, "record.missing.all(k, true)": False, "record.i.all(i, record.m.all(k, true))": True,
    "record.e.all(x, x.all(k, true))": False, "true || record.m.all(k, true)": True, "has(record.m) && size(record.m) == 1": False,
}  # fmt: skip


@pytest.mark.parametrize("source", WALKED)
def test_a_macro_over_a_record_is_found_wherever_it_stands(source):
    item = {"k": 1, "m": {"z": 1}, "i": [1]}
    record = {"l": [item, item], "m": {"z": 1}, "i": [1, 2], "b": True, "e": []}
    assert walks_record(parse(source), {"record": (record,)}) == WALKED[source]


@pytest.mark.parametrize(
    ("source", "most"),
    [
        ("record.a == 1", None),
        ("record.a.all(x, x > 0)", 500_000),
        ("record.a.all(x, record.b > x)", 1500),
        ("record.a.all(x, record.a.all(y, y in record.a))", 200),
        ("record.a.map(x, record.a.map(y, record.a)).size() >= 0", 60),
    ],
)
def test_the_more_often_sizes_multiply_the_fewer_elements_are_walked(source, most):
    assert compile_expression(source).most == most
