"""Which listed fields were asked to be written, counted by role and resource type."""

from collections import Counter, defaultdict

import orjson

from policies.engine.paths import covering, leaves
from policies.suggestions.ground import Ground
from policies.usage_stats import MOST, latest

Asked = dict[tuple[str, str], tuple[int, frozenset[str]]]


def asked_fields(ground: Ground) -> Asked:
    """Per role and resource type: how many writes were asked for, and the listed paths that any of them named."""
    uses: Counter[tuple[str, str]] = Counter()
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = latest(ground.workspace_id, ground.slug, now=ground.now).exclude(effect_class="read")
    for role_name, text in rows.values_list("role", "request_text")[:MOST]:
        request = orjson.loads(text)
        key = role_name, request["tool"][1]
        role = ground.document.roles.get(role_name)
        rule = role.fields.get(key[1]) if role else None
        if rule is not None and request["fields"]:
            uses[key] += 1
            named[key].update(filter(None, (covering(path, rule.write) for path in leaves(request["fields"]))))
    return {key: (count, frozenset(named[key])) for key, count in uses.items()}
