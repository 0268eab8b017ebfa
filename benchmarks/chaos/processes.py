"""Workers: processes of the command line, or tasks of this process that are handled like one."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from schemas.config import Config
from schemas.topics import ROLES
from streams.worker import run, worker


class TaskWorker:
    """A worker in this process that is handled like a process."""

    def __init__(self, config: Config, role: str) -> None:
        self._stop = asyncio.Event()
        self._work = asyncio.ensure_future(self._run(config, ROLES if role == "all" else (role,)))

    @property
    def pid(self) -> int:
        return os.getpid()

    @property
    def returncode(self) -> int | None:
        return self._work.result() if self._work.done() else None

    def terminate(self) -> None:
        self._stop.set()

    def kill(self) -> None:
        self._stop.set()

    def send_signal(self, number: int) -> None:
        raise NotImplementedError(f"a task gets no signal {number}: start it apart")

    async def wait(self) -> int:
        return await self._work

    async def _run(self, config: Config, roles: Sequence[str]) -> int:
        async with worker(config, roles) as made:
            return await run(made.roles, self._stop)


Process = asyncio.subprocess.Process | TaskWorker


def resident_mb(process: Process) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6
