"""`@governed`: a plain Python function that runs only when Remit allowed exactly this call, and whose outcome is reported."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from remit_client.aio import AsyncTrace
from remit_client.client import Trace
from remit_client.shapes import ActionData
from remit_client.wire import RemitError

UNFIT = (TypeError, ValueError, RecursionError, RemitError)


class NotAllowed(Exception):
    """Remit did not hand the call over, so the function did not run. `action` says why."""

    def __init__(self, action: ActionData) -> None:
        self.action = action
        why = action.data.get("detail") or action.reason
        super().__init__(f"{action.data['tool']} is {action.state}: {why}")


class NoEffect(Exception):
    """Raise it in a governed function to say that it failed without any effect; everything else is an unknown outcome."""


def governed(
    trace: Trace | AsyncTrace, tool: str, *, wait_s: float = 3600
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let Remit decide about each call of a function, as the agent's own tool `tool` (`operation.agent`).

    The function gets the arguments that were allowed, which may be fewer or edited by a person; it must take them by name.
    Its return value is reported (a mapping as it is, anything else under `value`, what JSON cannot carry by its type alone),
    `NoEffect` as failed, any other exception as unknown. Raises NotAllowed, RemitError, TimeoutError when nobody decided within
    `wait_s`, and httpx.HTTPError.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function) and isinstance(trace, AsyncTrace):
            return _asynchronous(trace, tool, function, wait_s)
        if isinstance(trace, Trace) and not inspect.iscoroutinefunction(function):
            return _synchronous(trace, tool, function, wait_s)
        raise TypeError("A plain function needs a trace of Remit, a coroutine function one of AsyncRemit.")

    return decorate


def _synchronous(trace: Trace, tool: str, function: Callable[..., Any], wait_s: float) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def run(*args: Any, **named: Any) -> Any:
        action = trace.call(tool, _arguments(signature, args, named)).wait(timeout_s=wait_s)
        allowed = _allowed(action)
        try:
            value = function(**allowed)
        except BaseException as error:
            action.report(_failed(error), detail=_words(error))
            raise
        try:
            action.report("succeeded", _result(value))
        except UNFIT as error:
            _raise_unless_unfit(error)
            action.report("succeeded", _kind(value))
        return value

    return run


def _asynchronous(trace: AsyncTrace, tool: str, function: Callable[..., Any], wait_s: float) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    async def run(*args: Any, **named: Any) -> Any:
        action = await (await trace.call(tool, _arguments(signature, args, named))).wait(timeout_s=wait_s)
        allowed = _allowed(action)
        try:
            value = await function(**allowed)
        except BaseException as error:
            await action.report(_failed(error), detail=_words(error))
            raise
        try:
            await action.report("succeeded", _result(value))
        except UNFIT as error:
            _raise_unless_unfit(error)
            await action.report("succeeded", _kind(value))
        return value

    return run


def _arguments(signature: inspect.Signature, args: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    bound = signature.bind(*args, **named)
    bound.apply_defaults()
    return dict(bound.arguments)


def _allowed(action: ActionData) -> Mapping[str, Any]:
    if action.yours is None:
        raise NotAllowed(action)
    return dict(action.yours["arguments"])


def _failed(error: BaseException) -> str:
    return "failed" if isinstance(error, NoEffect) else "unknown"


def _words(error: BaseException) -> str:
    """What is told of an exception: its kind, and its words only where its author meant them to be told."""
    return str(error) or "No effect." if isinstance(error, NoEffect) else f"It raised {type(error).__name__}."


def _result(value: Any) -> Mapping[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"value": value}


def _raise_unless_unfit(error: Exception) -> None:
    """It ran, so it is told as done, also where what it returned can't be carried (JSON knows no such value, or too much)."""
    if isinstance(error, RemitError) and error.status not in (400, 413, 422):
        raise error


def _kind(value: Any) -> Mapping[str, Any]:
    return {"value": None, "not_told": type(value).__name__}
