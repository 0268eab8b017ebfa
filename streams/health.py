"""Whether this worker lives and whether it is ready, over HTTP: `/healthz`, `/readyz`, `/metrics`.

The server has a thread of its own, because it must answer when the event loop no longer turns. What is wrong is
asked of probes, small functions that read an attribute; whoever has something to tell adds one.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from schemas import json_text
from schemas.errors import UsageError
from streams import metrics

BEAT_EVERY_S = 1.0
STUCK_AFTER_S = 30.0

Probe = Callable[[], str | None]
"""What is wrong with a part right now, in a few words without any text of users; None where nothing is. Quick, and
safe to call from another thread."""


@dataclass
class Health:
    """What is wrong, by part. `alive` probes mean "restart me", `ready` probes mean "I cannot do my work now"."""

    stuck_after_s: float = STUCK_AFTER_S
    alive: dict[str, Probe] = field(default_factory=dict)
    ready: dict[str, Probe] = field(default_factory=dict)
    _beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """The event loop turns."""
        self._beat = time.monotonic()

    def ailments(self) -> dict[str, str]:
        """Why the worker should be restarted; empty where it lives."""
        wrong = _ask(self.alive)
        silent_s = time.monotonic() - self._beat
        if silent_s > self.stuck_after_s:
            wrong["event_loop"] = f"has not turned for {silent_s:.0f} s"
        return wrong

    def obstacles(self) -> dict[str, str]:
        """Why the worker cannot do its work now, what ails it included; empty where it can."""
        return {**_ask(self.ready), **self.ailments()}

    async def keep_beating(self) -> None:
        """Beat for ever."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT_EVERY_S)
            metrics.LOOP_DELAY_SECONDS.set(max(0.0, time.monotonic() - before - BEAT_EVERY_S))
            self.beat()


def _ask(probes: dict[str, Probe]) -> dict[str, str]:
    return {part: wrong for part, probe in list(probes.items()) if (wrong := probe()) is not None}


@asynccontextmanager
async def seen_from_outside(health: Health, listen: str) -> AsyncIterator[str]:
    """Serve the health of this event loop while the block runs; yields the base URL ("" where `listen` is empty).

    Raises:
        UsageError: the address cannot be bound.
    """
    metrics.HEALTHY.set_function(lambda: float(not health.ailments()))
    beating = asyncio.ensure_future(health.keep_beating())
    server = _server(health, listen) if listen else None
    try:
        if server is not None:
            threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        yield "" if server is None else "http://{}:{}".format(*server.server_address[:2])
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        if server is not None:
            await asyncio.to_thread(server.shutdown)
            server.server_close()


def _server(health: Health, listen: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is http.server's
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._send(200, CONTENT_TYPE_LATEST, generate_latest(metrics.REGISTRY))
            elif path in ("/healthz", "/readyz"):
                wrong = health.ailments() if path == "/healthz" else health.obstacles()
                self._send(503 if wrong else 200, "application/json", json_text.dumps({"ok": not wrong, "why": wrong}))
            else:
                self._send(404, "text/plain", b"/healthz, /readyz, /metrics\n")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A probe every few seconds is no news."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if listen.startswith("[") else socket.AF_INET
        daemon_threads = True

    host, _, port = listen.rpartition(":")
    try:
        return Server((host.strip("[]"), int(port)), Handler)
    except (OSError, OverflowError, ValueError) as refused:
        raise UsageError(
            f"worker.listen: cannot listen on {listen!r} ({refused}); a second worker on this machine needs a port of "
            'its own (--listen), or "" for none'
        ) from refused
