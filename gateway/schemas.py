"""Request and answer shapes of /api/v1. Closed: an unknown name is an error (B-06)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}$", max_length=120)]


class Closed(BaseModel):
    """Unknown names are refused and types are not coerced (V15.3.5)."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SourceIn(Closed):
    """A stable reference to material the agent used."""

    title: Short
    url: Annotated[str, StringConstraints(max_length=500)] | None = None
    ref: Annotated[str, StringConstraints(max_length=200)] | None = None
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None


class TraceIn(Closed):
    """Opens a trace."""

    intent: Text
    on_behalf_of: Short | None = Field(
        default=None, description="Email or id of the person the agent acts for. A token that names one needs none."
    )
    sources: list[SourceIn] = Field(default_factory=list, max_length=50)


class StepIn(Closed):
    """One step of a plan: `arguments` of one call, or `items`, the arguments of the same call for many records."""

    title: Short
    tool: ToolName
    arguments: dict[str, Any] | None = None
    items: list[dict[str, Any]] = Field(default_factory=list, description="Each is an action of its own.")
    canary: int | None = Field(default=None, ge=1, description="How many items run before a person lets the rest run.")


class PlanIn(Closed):
    """A plan, checked and shown as a whole."""

    steps: list[StepIn] = Field(min_length=1, max_length=100)


class ResumeIn(Closed):
    """Asks for the rest of a stopped plan again; there is nothing to say."""


class CallIn(Closed):
    """One tool call."""

    trace_id: Short
    tool: ToolName
    arguments: dict[str, Any]
    answers: Short | None = Field(
        default=None, description="Id of an action of this trace that a reviewer sent back; this call takes its place."
    )


class WithdrawIn(Closed):
    """Takes an action back."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)] = ""


class NamedCallIn(Closed):
    """One call of the tool that the address names."""

    trace_id: Short
    arguments: dict[str, Any]


class ReportIn(Closed):
    """How something ended that the agent did itself. `failed` says that it had no effect; otherwise say `unknown`."""

    outcome: Literal["succeeded", "failed", "unknown"]
    result: dict[str, Any] = Field(default_factory=dict, description="What came of it, as the agent tells it.")
    detail: Annotated[str, StringConstraints(max_length=500)] = ""


class LinkIn(Closed):
    """Asks for a link to Show work."""

    on_behalf_of: Short = Field(description="Email or id of the person who is asking; the trace must be theirs.")
    expires_in_s: int = Field(default=3600, ge=60, le=604800, description="How long the link opens the page.")


class Problem9457(BaseModel):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str
    trace_id: str | None = None
    problems: list[dict[str, str]] | None = None


class TraceOut(BaseModel):
    """A trace as its agent sees it."""

    trace_id: str
    url: str
    title: str
    outcome: str
    actions: list[dict[str, Any]]


class LinkOut(BaseModel):
    """A link to Show work, for one person, until an instant. Whoever has it can open the page."""

    link_id: str
    trace_id: str
    url: str
    expires_at: str


class RevokedOut(BaseModel):
    """A link that opens nothing any more."""

    link_id: str
    trace_id: str
    revoked: bool


class ActionOut(BaseModel):
    """One action as its agent sees it."""

    action_id: str
    trace_id: str
    trace_url: str
    step: int
    tool: str
    state: str
    executed: bool
    witnessed: bool | None
    read_back: bool | None
    yours: dict[str, Any] | None
    decision: dict[str, Any]
    refused_fields: list[str]
    edited_fields: dict[str, Any]
    approval: dict[str, Any] | None
    result: dict[str, Any] | None
    detail: str
    doubt: dict[str, Any] | None


class StoppedOut(BaseModel):
    """Where a plan stopped, what was done until then and how it could be undone, and whether the rest may be tried again."""

    step: int
    done: list[int]
    undo: list[dict[str, Any]]
    can_resume: bool
    why_not: str


class BulkOut(BaseModel):
    """A step over many records, and whether it waits for a person after its canary."""

    bulk_id: str
    title: str
    first_step: int
    size: int
    canary: int
    done: int
    waits_for_a_person: bool


class PlanOut(BaseModel):
    """The steps of a submitted plan."""

    plan_id: str
    trace_id: str
    url: str
    stopped: StoppedOut | None
    resumes: str | None
    resumed_as: str | None
    bulks: list[BulkOut]
    steps: list[ActionOut]
