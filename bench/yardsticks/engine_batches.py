"""The engine without HTTP: batches of 256 orders over one connection."""

import random
import time

import psycopg

from bench.desks import CUSTOMERS, Desk
from bench.run_results import Figures
from bench.seeds.numbered_orders import KEY
from testkit.errors import RunFailedError
from tradepost.api.group_commit import OPTIONS
from tradepost.engine import keys, placing
from tradepost.engine.placing import Mode, Placed

BATCH = 256


def run(desk: Desk, *, seconds: int, first: int) -> Figures:
    """Place batches. `first` is the number of the first link. Raises `RunFailedError` if an order was refused."""
    digests = [keys.digest(f"{KEY}{number}") for number in range(1, CUSTOMERS + 1)]
    done = 0
    took_ms: list[float] = []
    with psycopg.connect(desk.database_url, options=OPTIONS) as connection:
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            start = time.perf_counter()
            requests = [_request(random.choice(digests), desk.service, first + done + n) for n in range(BATCH)]
            answers = placing.place(connection, requests, mode=Mode.API)
            connection.commit()
            if not all(isinstance(answer, Placed) for answer in answers):
                raise RunFailedError("a batch without HTTP was refused an order")
            done += BATCH
            took_ms.append((time.perf_counter() - start) * 1e3)
        took = time.perf_counter() - began
    took_ms.sort()
    return Figures(done, done / took, took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100])


def _request(key: bytes, service: int, link: int) -> placing.OrderRequest:
    parameters = {
        "action": "add", "service": str(service), "quantity": "100", "link": f"https://pixelpond.example/p/{link:012d}",
    }  # fmt: skip
    return placing.OrderRequest(key, parameters, "127.0.0.1")
