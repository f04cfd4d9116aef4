"""What can be measured. A further workload is one more `Workload`, its two scripts and a command in `__main__`."""

from dataclasses import dataclass
from pathlib import Path

CUSTOMERS = 1_000
KEY = "tp_live_bench"  # followed by the customer's number, from 1, so that Lua and SQL can make any of the keys

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Workload:
    """One kind of request, and the transaction that does the same by hand."""

    name: str
    unit: str  # what one request or transaction does, in the plural
    counted_in: str | None  # the table that gets one row for each, to count what was really done

    @property
    def lua(self) -> Path:
        """The script that makes wrk's requests and checks their answers."""
        return _HERE / f"{self.name}.lua"

    @property
    def sql(self) -> Path:
        """The transaction that pgbench runs."""
        return _HERE / f"{self.name}.sql"


ADD = Workload("add", "orders", "orders_order")
