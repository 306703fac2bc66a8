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


class TokenRefused(Refused):
    """A token request that is not carried out, answered as RFC 6749 section 5.2 says."""

    def __init__(self, status: int, error: str, detail: str, **headers: str) -> None:
        self.error = error
        super().__init__(status, detail, **headers)

    def answer(self) -> JSONResponse:
        """The OAuth error object."""
        headers = {name.replace("_", "-"): value for name, value in self.headers.items()}
        body = {"error": self.error, "error_description": self.detail}
        return JSONResponse(body, self.status, {**headers, "Cache-Control": "no-store"})
