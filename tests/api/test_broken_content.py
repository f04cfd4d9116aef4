"""Content that can't be read is no server error: it counts as absent (protocol §1). Found by fuzzing."""

import httpx2

from tests.conftest import Desk


def test_a_boundary_may_be_longer_than_any_is(desk: Desk) -> None:
    content_type = f"multipart/form-data; boundary={'b' * 300}"
    answer = httpx2.post(desk.api_url, content=b"--b\r\n", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (200, {"error": "Invalid API key"})
