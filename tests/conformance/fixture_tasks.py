"""Tasks of the fixture tools: kept in this process, done when their time has come or their questions are answered."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mcp_types.jsonrpc import INTERNAL_ERROR

from gateway.mcp.toolbox import unknown_task

QUESTION = {
    "method": "elicitation/create",
    "params": {
        "mode": "form", "message": "Sure?",
        "requestedSchema": {"type": "object", "properties": {"confirm": {"type": "boolean"}}},
    },
}  # fmt: skip
QUESTIONS = {"confirm_delete": ("confirm",), "multi_input": ("first", "second")}
SECONDS = {"failing_job": 1.0, "protocol_error_job": 0.3}


@dataclass
class Job:
    tool: str
    label: str
    due: float
    open_questions: set[str]
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    cancelled: bool = False

    @property
    def status(self) -> str:
        if self.cancelled:
            return "cancelled"
        if self.open_questions:
            return "input_required"
        if time.monotonic() < self.due:
            return "working"
        return "failed" if self.tool == "protocol_error_job" else "completed"


class Tasks:
    """Every task of this process, by id."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def start(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        seconds = SECONDS.get(tool, float(arguments.get("seconds", 0)))
        name = f"task-{secrets.token_hex(8)}"
        questions = set(QUESTIONS.get(tool, ()))
        self.jobs[name] = Job(tool, str(arguments.get("label", "")), time.monotonic() + seconds, questions)
        return {"resultType": "task", **self._task(name, self.jobs[name]), "status": "working"}

    def _task(self, name: str, job: Job) -> dict[str, Any]:
        times = {"createdAt": job.began, "lastUpdatedAt": job.began, "ttlMs": 600_000, "pollIntervalMs": 200}
        return {"taskId": name, "status": job.status, **times}

    def get(self, name: str) -> dict[str, Any]:
        job = self._job(name)
        task = self._task(name, job)
        if task["status"] == "input_required":
            task["inputRequests"] = dict.fromkeys(sorted(job.open_questions), QUESTION)
        if task["status"] == "failed":
            task["error"] = {"code": INTERNAL_ERROR, "message": "The job broke."}
        if task["status"] == "completed":
            told = {"content": [{"type": "text", "text": f"Done {job.label}"}], "resultType": "complete"}
            task["result"] = {**told, "isError": job.tool == "failing_job"}
        return task

    def update(self, name: str, answers: Mapping[str, Any]) -> None:
        self._job(name).open_questions -= set(answers)

    def cancel(self, name: str) -> None:
        job = self._job(name)
        job.cancelled = job.status in {"working", "input_required"}

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise unknown_task()
        return self.jobs[name]
