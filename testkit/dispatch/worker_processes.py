"""Worker processes of a run, which may be killed and are replaced."""

import subprocess
import sys
from dataclasses import dataclass, field

_PROGRAM = "from tradepost.up.worker import run_worker; run_worker()"


@dataclass
class WorkerProcesses:
    """`count` workers on the database that the environment names."""

    count: int
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    killed: int = 0

    def start(self) -> None:
        """Start workers until there are `count`."""
        while len(self.processes) < self.count:
            command = [sys.executable, "-c", _PROGRAM]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def kill_one(self, number: int) -> None:
        """Kill a worker with -9 and start another; `number` may be larger than the count."""
        victim = self.processes.pop(number % len(self.processes))
        victim.kill()
        victim.wait()
        self.killed += 1
        self.start()

    def stop(self) -> None:
        """Kill all workers with -9: the run examines what they leave behind."""
        for process in self.processes:
            process.kill()
            process.wait()
