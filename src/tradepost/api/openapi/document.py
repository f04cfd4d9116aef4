"""The API as an OpenAPI 3.1 document, made from the same tables that the API uses to read requests."""

import gzip
from functools import cache

import msgspec

from tradepost.api.openapi.actions import ACTIONS, IDEMPOTENCY_KEY
from tradepost.api.openapi.requests import bodies, examples, schema
from tradepost.api.openapi.responses import ANSWERS, Schema, one_of, ref

_ABOUT = """\
Every answer to a well-formed request has status 200; an error is `{"error": "…"}`. Form, multipart, JSON and parameters
in the query string are read alike, and so is GET; but a key in a URL ends up in logs. A body is read as what it looks
like, whatever its content type; if it is none of these, the error says so.

Whole numbers may be written as `100.0`. Lists (ids, or lines as in `comments`) may come as a repeated parameter, and in
JSON as arrays. A link has no line ends and no invisible characters, and an address no blanks. No answer has a CORS
header: a key does not belong in a browser. Unknown parameters are ignored, as are those that are empty, `null` or
`undefined`. `order` takes a list of ids as `orders` does."""

_MEDIA_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")


class Encoded(msgspec.Struct, frozen=True):
    """The document as JSON: as it is, and compressed."""

    plain: bytes
    gzipped: bytes


@cache
def encoded() -> Encoded:
    """Return the document. Each process makes it once."""
    plain = msgspec.json.encode(document())
    return Encoded(plain, gzip.compress(plain, mtime=0))


def document() -> Schema:
    shown = examples()
    body = {"schema": ref("Request"), "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in shown}}
    operation = {
        "operationId": "call",
        "summary": "Do one of the actions",
        "description": f"The parameter `action` says which: {', '.join(f'`{name}`' for name in ACTIONS)}.",
        "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
        "requestBody": {"required": True, "content": dict.fromkeys(_MEDIA_TYPES, body)},
        "responses": _responses(),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tradepost API v2", "version": "2", "description": _ABOUT},
        "security": [{"bearer": []}, {}],  # {}: no header, the key is in the body
        "paths": {"/api/v2": {"post": operation}},
        "components": {
            "schemas": {**bodies(), **ANSWERS},
            "examples": shown,
            "parameters": {"IdempotencyKey": _name_header()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The key, not in `key`."}
            },
        },
    }


def _name_header() -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": f"The same as the parameter `idempotency_key` of `add`. {IDEMPOTENCY_KEY.description}",
        "schema": {name: limit for name, limit in schema(IDEMPOTENCY_KEY).items() if name != "description"},
    }


def _responses() -> Schema:
    retry = {"Retry-After": _header("Seconds to wait.")}
    limits = {
        "X-RateLimit-Limit": _header("How many requests a window has."),
        "X-RateLimit-Remaining": _header("How many of them are left."),
        "X-RateLimit-Reset": _header("When the next window begins, in seconds since 1970."),
    }
    return {
        "200": {
            "description": "What the action answers, or an error.",
            "content": {"application/json": {"schema": one_of(*map(ref, ANSWERS))}},
        },
        "413": _plain("The body is larger than 1 MiB."),
        "429": _plain("Too many requests.") | {"headers": retry | limits},
        "503": _plain("The database is away, or the desk is shutting down.") | {"headers": retry},
    }


def _plain(description: str) -> Schema:
    return {
        "description": f"{description} No JSON: nothing is told of any order.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }


def _header(description: str) -> Schema:
    return {"description": description, "required": True, "schema": {"type": "integer", "minimum": 0}}
