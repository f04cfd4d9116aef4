"""An ASGI application that does nothing but answer from memory. `BENCH_BYTES` names the file behind /bytes."""

import os
from pathlib import Path
from typing import Any

_BYTES = Path(os.environ["BENCH_BYTES"]).read_bytes()
_ANSWERS = {"/hello": b"Hello, world!", "/bytes": _BYTES}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001 - an ASGI application
    body = _ANSWERS[scope["path"]]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
