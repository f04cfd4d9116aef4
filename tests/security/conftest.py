"""Pages of tests for attacks are asked as the tests of the back office ask theirs."""

from collections.abc import Iterator

import pytest
from django.test.utils import setup_test_environment, teardown_test_environment


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Keep the template context of each response, and the mails."""
    setup_test_environment()
    yield
    teardown_test_environment()
