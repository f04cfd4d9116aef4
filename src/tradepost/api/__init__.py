"""The machine API: `/api/v2` on bare ASGI, no framework, no Django."""
