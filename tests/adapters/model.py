"""A loopback model that speaks chat completions, Responses, Messages and generateContent, and does what it is told.

The person's message is `{"tool", "arguments"}`: the model calls that tool once. Whatever comes back, it repeats after `SAW: `.
It keeps nothing, so a conversation that is resumed in another process goes on where it was.
"""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Found = tuple[str | None, dict[str, Any]]


def _texts(content: Any) -> str:
    """The text of a message, whichever way it is nested."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_texts(part) for part in content)
    return "".join(_texts(content[key]) for key in ("text", "content", "output", "result", "error") if key in content)


def _asked(text: str) -> dict[str, Any]:
    """The call a person asked for; frameworks may put words around it."""
    return json.JSONDecoder().raw_decode(text[text.index('{"tool"') :])[0]


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """POST /v1/chat/completions."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        message = {"role": "assistant", "content": f"SAW: {_texts(last['content'])}"}
    else:
        asked = _asked(_texts(last["content"]))
        called = {"name": asked["tool"], "arguments": json.dumps(asked["arguments"])}
        message = {
            "role": "assistant", "content": None,
            "tool_calls": [{"id": _id(asked), "type": "function", "function": called}],
        }  # fmt: skip
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}


def responses(body: dict[str, Any]) -> dict[str, Any]:
    """POST /v1/responses."""
    given = body["input"]
    last = {"role": "user", "content": given} if isinstance(given, str) else given[-1]
    if last.get("type") == "function_call_output":
        text = {"type": "output_text", "text": f"SAW: {_texts(last['output'])}", "annotations": []}
        item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    else:
        asked = _asked(_texts(last["content"]))
        item = {
            "type": "function_call", "id": f"f{_id(asked)}", "call_id": _id(asked), "name": asked["tool"],
            "arguments": json.dumps(asked["arguments"]), "status": "completed",
        }  # fmt: skip
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    usage |= {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "r", "object": "response", "created_at": 0, "model": body["model"], "status": "completed", "output": [item],
        "parallel_tool_calls": False, "tool_choice": "auto", "tools": [], "usage": usage,
    }  # fmt: skip


def messages(body: dict[str, Any]) -> dict[str, Any]:
    """POST /v1/messages."""
    # A program may put words of its own after what the person said.
    last = next(message["content"] for message in reversed(body["messages"]) if message["role"] != "system")
    results = [part for part in last if part.get("type") == "tool_result"] if isinstance(last, list) else []
    if results:
        content, reason = [{"type": "text", "text": f"SAW: {_texts(results)}"}], "end_turn"
    elif '{"tool"' not in _texts(last):  # A title for the session, or another question of the program's own.
        content, reason = [{"type": "text", "text": "Nothing."}], "end_turn"
    else:
        asked = _asked(_texts(last))
        called = {"type": "tool_use", "id": f"toolu_{_id(asked)}", "name": asked["tool"], "input": asked["arguments"]}
        content, reason = [called], "tool_use"
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": content,
        "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip


def _events(message: dict[str, Any]) -> Iterator[bytes]:
    """A message of the Messages API as its stream."""
    yield _event("message_start", message={**message, "content": [], "stop_reason": None})
    for index, part in enumerate(message["content"]):
        called = part["type"] == "tool_use"
        yield _event(
            "content_block_start", index=index, content_block=part | ({"input": {}} if called else {"text": ""})
        )
        text = {"type": "text_delta", "text": part.get("text", "")}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(part["input"])} if called else text
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ended, usage={"output_tokens": 1})
    yield _event("message_stop")


def _event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def generate(body: dict[str, Any]) -> dict[str, Any]:
    """POST /v1beta/models/…:generateContent. Its calls have no id."""
    last = body["contents"][-1]["parts"]
    answered = [part["functionResponse"] for part in last if "functionResponse" in part]
    if answered:
        part: dict[str, Any] = {"text": f"SAW: {_texts(answered[-1]['response'])}"}
    else:
        asked = _asked(_texts(last))
        part = {"functionCall": {"name": asked["tool"], "args": asked["arguments"]}}
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}]}


def _id(asked: dict[str, Any]) -> str:
    return "call" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _parts_of(completion: dict[str, Any]) -> Iterator[bytes]:
    """A chat completion as its stream."""
    choice = completion["choices"][0]
    message = dict(choice["message"])
    if "tool_calls" in message:
        message["tool_calls"] = [{"index": n, **one} for n, one in enumerate(message["tool_calls"])]
    head = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    for delta, end in ((message, None), ({}, reason)):
        chunk = {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _streamed(path: str, body: dict[str, Any], answer: dict[str, Any]) -> bytes | None:
    """The answer as a stream, where one was asked for."""
    if "streamGenerateContent" in path:
        return f"data: {json.dumps(answer)}\n\n".encode()
    if body.get("stream"):
        return b"".join(_events(answer) if answer.get("type") == "message" else _parts_of(answer))
    return None


DIALECTS = {
    "/chat/completions": chat, "/responses": responses, "/messages": messages, ":generateContent": generate,
    ":streamGenerateContent": generate,
}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = next(speak for end, speak in DIALECTS.items() if self.path.split("?")[0].endswith(end))(body)
        streamed = _streamed(self.path, body, answer)
        data = json.dumps(answer).encode() if streamed is None else streamed
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if streamed is None else "text/event-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silent."""


def start_model() -> tuple[ThreadingHTTPServer, str]:
    """A running model and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"
