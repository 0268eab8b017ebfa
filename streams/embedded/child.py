"""Child processes that end with their parent, also when the parent is killed by SIGKILL and can do nothing about it.

On Linux the kernel does it: the child asks for a signal at its parent's death (`prctl(2)`, PR_SET_PDEATHSIG), which
outlives `exec`. A foreign program cannot ask, so `python -m streams.embedded.child PID PROGRAM...` asks and becomes it.
The kernel means the *thread* that started the child: start children from a thread that lives as long as they shall.
Elsewhere a small process stays beside the program and watches a pipe that closes when the parent ends.
"""

import asyncio
import contextlib
import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, Any

from schemas.errors import UsageError
from schemas.values import immutable

PR_SET_PDEATHSIG = 1
LAST_WORDS = 4000  # bytes


def require(module: str) -> None:
    """Refuse where a module of the extra `embedded` is not installed.

    Raises:
        UsageError: it is not; the message says how to install it.
    """
    if importlib.util.find_spec(module) is None:
        raise UsageError(f"{module!r} is not installed; it comes with: pip install 'shadowtap[embedded]'")


@immutable
class Child:
    """A running child process, with the place where it writes what goes wrong."""

    process: asyncio.subprocess.Process
    log: IO[bytes]

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.returncode is not None

    def last_words(self) -> str:
        """The end of what the child wrote to stderr, at most 4,000 bytes."""
        size = self.log.seek(0, os.SEEK_END)
        return os.pread(self.log.fileno(), LAST_WORDS, max(0, size - LAST_WORDS)).decode(errors="replace").strip()

    async def stop(self, grace_s: float) -> None:
        """Ask it to end, wait so long, then make it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), grace_s)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@contextlib.asynccontextmanager
async def child_process(
    command: Sequence[str], *, grace_s: float, environment: Mapping[str, str] | None = None, **streams: Any
) -> AsyncIterator[Child]:
    """Run a command for the length of the block; its standard input is a pipe that closes when this process ends.

    A session of its own keeps Ctrl-C in a terminal away from it: the parent decides when it has drained.
    """
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=environment,
            **{"stdout": log, **streams},
        )
        child = Child(process, log)
        try:
            yield child
        finally:
            # Shielded: a parent that is being cancelled still waits for its child, or it would leave a zombie.
            await asyncio.shield(asyncio.ensure_future(child.stop(grace_s)))
            if process.stdin is not None:
                process.stdin.close()


def launched(command: Sequence[str]) -> list[str]:
    """The command line that runs a foreign program so that it ends with this process."""
    return [sys.executable, "-m", "streams.embedded.child", str(os.getpid()), *command]


def end_with_parent(parent: int, ending: signal.Signals) -> None:
    """Have the kernel send this signal when the parent ends; at once if it already has. Linux only.

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(ending), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before we asked: no signal will come
        os.kill(os.getpid(), ending)


def guard(command: Sequence[str]) -> int:
    """Run a command until it ends, SIGTERM comes or standard input closes; its exit code, or minus a signal."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the command is our own

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        process.kill()

    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    threading.Thread(target=watch, daemon=True).start()
    return process.wait()


def main(arguments: Sequence[str]) -> None:
    """Become the program (Linux) or stand guard over it."""
    parent, *command = arguments
    if sys.platform != "linux":
        sys.exit(abs(guard(command)))
    end_with_parent(int(parent), signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606 - replacing ourselves is the point: no process in between


if __name__ == "__main__":
    main(sys.argv[1:])
