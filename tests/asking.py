"""HTTP requests of the tests: they time out only after a hang, and use no proxy."""

from functools import partial

import httpx2

from tests.waiting import HANG_SECONDS

get = partial(httpx2.get, timeout=HANG_SECONDS, trust_env=False)
post = partial(httpx2.post, timeout=HANG_SECONDS, trust_env=False)
stream = partial(httpx2.stream, timeout=HANG_SECONDS, trust_env=False)
Session = partial(httpx2.Client, timeout=HANG_SECONDS, trust_env=False)
