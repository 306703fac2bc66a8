"""Refusals of the desk, as RFC 9457 answers."""

from typing import Any

from starlette.responses import JSONResponse


class Refused(Exception):
    """A request the desk does not carry out; nothing was changed."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        self.status, self.detail, self.headers = status, detail, headers
        super().__init__(detail)

    def answer(self) -> JSONResponse:
        """The problem document."""
        body: dict[str, Any] = {"type": "about:blank", "status": self.status, "title": "Refused", "detail": self.detail}
        headers = {name.replace("_", "-"): value for name, value in self.headers.items()}
        return JSONResponse(body, self.status, headers, media_type="application/problem+json")
