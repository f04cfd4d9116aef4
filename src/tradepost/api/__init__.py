"""The API for programs: `/api/v2` as a bare ASGI application, without a framework and without Django."""
