"""An attacker with the database and the signing key: changes history, recomputes every hash, signs every checkpoint again."""

import base64
import json
from datetime import timedelta

from tests.traces.ledgers import attacker
from traces.canonical import canonical_text, instant, parse_instant, sha256_hex
from traces.checkpoints.keys import signer
from traces.models import GENESIS, Checkpoint, Entry, Leaf, Log, TreeNode
from verify.remit_verify import Growing, checkpoint_of, leaf_hash, read_notes, sha_hex


def edited(rows):
    rows[2]["body"] = {"n": 999}
    return rows


def deleted(rows):
    return rows[:2] + rows[3:]


def inserted(rows):
    return [*rows[:3], json.loads(json.dumps(rows[2])), *rows[3:]]


def swapped(rows):
    return [rows[0], rows[2], rows[1], *rows[3:]]


def tail_cut(rows):
    return rows[:4]


def later(rows):
    rows[1]["at"] = instant(parse_instant(rows[1]["at"]) + timedelta(hours=1))
    return rows


def renamed(rows):
    rows[1]["actor"] = {**rows[1]["actor"], "name": "Somebody else"}
    return rows


def trace_removed(rows):
    return []


def workspace_removed(rows):
    return rows


def checkpoint_removed(rows):
    return rows


HARMS = [
    edited,
    deleted,
    inserted,
    swapped,
    tail_cut,
    later,
    renamed,
    trace_removed,
    workspace_removed,
    checkpoint_removed,
]


def forge(cast, trace, other, harm):
    """Rewrite one trace by `harm`, then make the whole deployment consistent with it."""
    rows = [
        json.loads(text)
        for text in Entry.objects.filter(trace=trace).order_by("seq").values_list("canonical", flat=True)
    ]
    with attacker() as cursor:
        if harm is workspace_removed:
            _remove_workspace(cursor, cast.lakeside)
        elif harm is not checkpoint_removed:
            _rewrite(cursor, trace, harm(rows))
        _sign_everything_again(cursor, cut_first=harm is checkpoint_removed)


def _remove_workspace(cursor, workspace):
    log = Log.objects.get(workspace=workspace)
    for table in ("checkpoint", "treenode", "leaf"):
        cursor.execute(f"DELETE FROM traces_{table} WHERE log_id = %s", [log.pk])  # noqa: S608
    cursor.execute("DELETE FROM traces_log WHERE id = %s", [log.pk])
    cursor.execute(
        "DELETE FROM traces_withheldvalue USING traces_entry e, traces_trace t WHERE entry_id = e.id AND e.trace_id = t.id "
        "AND t.workspace_id = %s", [workspace.pk],
    )  # fmt: skip
    cursor.execute(
        "DELETE FROM traces_entry USING traces_trace t WHERE trace_id = t.id AND t.workspace_id = %s", [workspace.pk]
    )
    cursor.execute("DELETE FROM traces_trace WHERE workspace_id = %s", [workspace.pk])
    cursor.execute("DELETE FROM traces_leaf WHERE subject = %s", [workspace.pk])


def _rewrite(cursor, trace, rows):
    cursor.execute("DELETE FROM traces_entry WHERE trace_id = %s", [trace.pk])
    prev, made = GENESIS, []
    for seq, row in enumerate(rows, 1):
        text = canonical_text({**row, "seq": seq, "prev": prev})
        prev = sha256_hex(text.encode())
        made.append(
            Entry(trace=trace, seq=seq, at=parse_instant(row["at"]), type=row["type"], canonical=text, hash=prev)
        )
    Entry.objects.bulk_create(made)
    if made:
        cursor.execute(
            "UPDATE traces_trace SET head_seq = %s, head_hash = %s WHERE id = %s", [len(made), prev, trace.pk]
        )
    else:
        cursor.execute("DELETE FROM traces_trace WHERE id = %s", [trace.pk])


def _sign_everything_again(cursor, *, cut_first):
    """Leaves that no longer fit are taken back to heads that do; the tree, every root and every note are made anew."""
    workspaces = list(Log.objects.filter(workspace__isnull=False))
    for log in [*workspaces, Log.objects.get(workspace=None)]:
        if log.workspace_id is None:
            _registry_leaves(cursor, log)
        else:
            _trace_leaves(cursor, log)
        if cut_first:
            cursor.execute("DELETE FROM traces_checkpoint WHERE log_id = %s AND number = 1", [log.pk])
        _resign(cursor, log)


def _trace_leaves(cursor, log):
    leaves = list(Leaf.objects.filter(log=log).order_by("index"))
    cursor.execute("DELETE FROM traces_leaf WHERE log_id = %s", [log.pk])
    made, last = [], {}
    heads = {(e.trace_id, e.seq): e.hash for e in Entry.objects.filter(trace__workspace_id=log.workspace_id)}
    ends = {}
    for trace, seq in heads:
        ends[trace] = max(ends.get(trace, 0), seq)
    final = {leaf.subject: leaf.index for leaf in leaves}
    for leaf in leaves:
        end = ends.get(leaf.subject, 0)
        seq = end if final[leaf.subject] == leaf.index else min(leaf.seq, end - 1)
        if seq > last.get(leaf.subject, 0):
            last[leaf.subject] = seq
            head = heads[leaf.subject, seq]
            made.append(
                Leaf(
                    log=log,
                    index=len(made),
                    subject=leaf.subject,
                    seq=seq,
                    head=head,
                    text=f"{sha_hex(leaf.subject)} {seq} {head}",
                )
            )
    Leaf.objects.bulk_create(made)


def _registry_leaves(cursor, log):
    points = {(p.log.workspace_id, p.number): p for p in Checkpoint.objects.exclude(log=log).select_related("log")}
    leaves = list(Leaf.objects.filter(log=log).order_by("index"))
    cursor.execute("DELETE FROM traces_leaf WHERE log_id = %s", [log.pk])
    made = []
    for leaf in leaves:
        point = points.get((leaf.subject, leaf.seq))
        if point is not None:
            text = f"{sha_hex(leaf.subject)} {point.number} {point.size} {point.root}"
            made.append(Leaf(log=log, index=len(made), subject=leaf.subject, seq=leaf.seq, head=point.root, text=text))
    Leaf.objects.bulk_create(made)


def _resign(cursor, log):
    """Old numbers and times, new roots: as many leaves as there were, as far as there still are so many."""
    points = list(Checkpoint.objects.filter(log=log).order_by("number"))
    cursor.execute("DELETE FROM traces_checkpoint WHERE log_id = %s", [log.pk])
    cursor.execute("DELETE FROM traces_treenode WHERE log_id = %s", [log.pk])
    leaves = list(Leaf.objects.filter(log=log).order_by("index"))
    texts, totals, last = [leaf.text for leaf in leaves], [0], {}
    for leaf in leaves:
        totals.append(totals[-1] + leaf.seq - last.get(leaf.subject, 0))
        last[leaf.subject] = leaf.seq
    tree, roots, nodes = Growing(), [Growing().root()], []
    for index, text in enumerate(texts):
        for level, digest in tree.add(leaf_hash(text)):
            nodes.append(TreeNode(log=log, level=level, index=index >> level, hash=digest.hex()))
        roots.append(tree.root())
    TreeNode.objects.bulk_create(nodes)
    previous, made = GENESIS, []
    for number, point in enumerate(points, 1):
        size = len(texts) if point is points[-1] else min(point.size, len(texts))
        note = checkpoint_of(read_notes(point.note, "old")[0])
        lines = [*note.note.lines]
        lines[1], lines[2] = str(size), base64.b64encode(roots[size]).decode()
        entries = totals[size] if log.workspace_id else 0
        kept = {"number": str(number), "previous": previous, "entries": str(entries)}
        body = "\n".join(f"{w} {kept[w]}" if (w := line.partition(" ")[0]) in kept else line for line in lines) + "\n"
        text = signer().note(body)
        previous = read_notes(text, "new")[0].digest
        made.append(
            Checkpoint(
                log=log,
                number=number,
                size=size,
                root=roots[size].hex(),
                entries=entries,
                at=point.at,
                key_id=point.key_id,
                note=text,
            )
        )
    Checkpoint.objects.bulk_create(made)
