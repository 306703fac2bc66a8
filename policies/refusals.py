"""What changing a policy can be refused for. Each says in a sentence what to do instead."""

from typing import TYPE_CHECKING, Any

from policies.models import PolicyDraft

if TYPE_CHECKING:
    from policies.gates import Gate


class PolicyRefused(Exception):
    """Something that cannot be done to a policy. `field` names the input at fault; the sentence says what to do."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field, self.sentence = field, sentence
        super().__init__(sentence)


class DraftChanged(PolicyRefused):
    """The draft is not the one the person looked at. `current` is what it is now; nothing was written."""

    def __init__(self, current: PolicyDraft) -> None:
        self.current = current
        by = current.updated_by.name
        super().__init__(
            "revision", f"{by} changed this draft meanwhile. Look at it again; nothing of yours was saved."
        )


class DraftClosed(PolicyRefused):
    """The draft was published or discarded, so nothing can be done with it."""

    def __init__(self, draft: PolicyDraft) -> None:
        self.draft = draft
        super().__init__("draft", f"This draft was {draft.state}. Open a new one.")


class DraftExists(PolicyRefused):
    """The policy has an open draft with other content. `draft` is that draft."""

    def __init__(self, draft: PolicyDraft) -> None:
        self.draft = draft
        by = draft.updated_by.name
        super().__init__("draft", f"{by} has a draft of this policy open. Publish or discard it first.")


class RebaseNeeded(PolicyRefused):
    """Another version went live since the draft was opened."""

    def __init__(self, number: int) -> None:
        super().__init__("draft", f"Version {number} went live since this draft was opened. Bring it up to date first.")


class RebaseConflicts(PolicyRefused):
    """Both sides changed the same cells and not every one has a choice. `merged` holds them."""

    def __init__(self, merged: Any) -> None:
        self.merged = merged
        super().__init__("choices", "Choose theirs or yours for every cell both of you changed.")


class SecondPersonNeeded(PolicyRefused):
    """The draft loosens, and this person may not be the second one."""

    def __init__(self, sentence: str) -> None:
        super().__init__("people", sentence)


class GatesUnmet(PolicyRefused):
    """Gates that do not hold, so nothing was published. `gates` are all of them, `unmet` those that stop it."""

    def __init__(self, gates: tuple["Gate", ...]) -> None:
        self.gates = gates
        self.unmet = tuple(gate for gate in gates if not gate.met)
        super().__init__("gates", " ".join(" ".join((gate.sentence, *gate.details)) for gate in self.unmet))
