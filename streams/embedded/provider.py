"""A simulated provider: an HTTP server on this machine that can go wrong in every known way.

`POST /v1/chat/completions` after OpenAI's public API reference and `POST /v1/messages` after Anthropic's, whole or
streamed, and `GET /v1/models`. What is answered, which call goes wrong and how long it takes depends on the seed, on
our own request and arm headers and on how often the same was asked before; never on the order of calls. Start reading
at `simulated_provider`.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from aiohttp import web

from schemas import json_text
from schemas.topics import ARM_HEADER, REQUEST_HEADER
from schemas.trials import trial_line_from
from streams.embedded.calls import OK, Calls
from streams.embedded.child import end_with_parent
from streams.embedded.faults import AnswerError, Faults, Limits
from streams.embedded.forms import ChatForm, Form
from streams.embedded.messages_form import MessagesForm
from streams.embedded.recorded import recorded_models
from streams.embedded.sending import hung_up, send, whole
from streams.embedded.support_desk import DEMO_DOSES, desk_models
from streams.embedded.tapped import seeded_rng

LATENCY_HEADER = "x-simulated-latency-ms"  # how long the answer would have taken, milliseconds
LATENCY_FIELD = "simulated_latency_ms"  # where a model says so; it becomes the header
_LARGEST_REQUEST = 64 << 20  # bytes


class Model(Protocol):
    """Something that answers chat bodies."""

    def answer(self, request_body: Mapping[str, Any], headers: Mapping[str, str], rng: random.Random) -> dict[str, Any]:
        """A chat completion body, with `simulated_latency_ms` beside its fields where a latency is to be reported.

        `headers` have lower-case names; `rng` is the call's own.

        Raises:
            AnswerError: the model answers with an HTTP error.
        """


@dataclass
class SimulatedProvider:
    """A running simulated provider: its address, its models, what goes wrong, and what it was asked."""

    models: Mapping[str, Model]
    faults: Faults
    seed: int = 0
    base_url: str = ""
    calls: Calls = field(default_factory=Calls)
    _limits: Limits = field(default_factory=Limits)

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(client_max_size=_LARGEST_REQUEST)
        for form in (ChatForm(), MessagesForm()):
            application.router.add_post(form.path, partial(self._complete, form))
        application.router.add_get("/v1/models", self._list_models)
        application.router.add_get("/v1/simulated/calls", self._list_calls)
        return application

    async def _list_models(self, _: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "simulated"} for name in self.models]
        return whole(OK, {"object": "list", "data": data})

    async def _list_calls(self, _: web.Request) -> web.Response:
        """How often each request and arm was asked and answered: for a provider that is a process of its own."""
        answered = self.calls.answered
        asked = [[*key, count, answered.get(key, 0)] for key, count in self.calls.asked.items()]
        return whole(OK, {"asked": len(self.calls), "most_in_flight": self.calls.most_in_flight, "calls": asked})

    async def _complete(self, form: Form, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        identity, arm = unquote(headers.get(REQUEST_HEADER, "")), unquote(headers.get(ARM_HEADER, ""))
        raw = await request.read()
        try:
            body = json_text.loads(raw)
        except ValueError:
            body = None
        model = str(body.get("model")) if isinstance(body, dict) else ""
        place, repeat = self.calls.begin(identity, arm, model)
        status: int | None = None
        try:
            rng = seeded_rng(self.seed, model, identity or raw.hex(), arm, repeat)
            response, is_whole = await self._respond(request, form, body, len(raw), rng)
            status = response.status if is_whole else None
        finally:
            self.calls.end(place, status)
        return response

    async def _respond(
        self, request: web.Request, form: Form, body: Any, size: int, rng: random.Random
    ) -> tuple[web.StreamResponse, bool]:
        """The response, and whether all of it was sent."""
        if self.faults.away:
            return hung_up(request, web.Response()), False
        headers = {name.lower(): value for name, value in request.headers.items()}
        limits: dict[str, str] = {}
        try:
            self.faults.refuse(body)
            limits = self._limits.admit(self.faults, size // 4 + 1)
            chat = form.chat(body, headers)
            await asyncio.sleep(self.faults.wait_s(rng))
            mishap = self.faults.draw(rng)
            answer = self._model(chat).answer(chat, headers, rng)
        except AnswerError as refused:
            status, error = form.error(refused)
            return whole(status, error, form.limits({**limits, **refused.headers})), True
        limits = form.limits(limits)
        latency_ms = answer.pop(LATENCY_FIELD, None)
        if latency_ms is not None:
            limits[LATENCY_HEADER] = f"{latency_ms:.1f}"
        return await send(request, form, answer, headers=limits, mishap=mishap, faults=self.faults)

    def _model(self, body: Mapping[str, Any]) -> Model:
        name = str(body.get("model"))
        model = self.models.get(name) or self.models.get(name.partition("/")[2])
        if model is None:
            raise AnswerError(
                404, f"The model {name!r} does not exist; this provider has {', '.join(self.models)}.",
                code="model_not_found", param="model",
            )  # fmt: skip
        return model


@asynccontextmanager
async def simulated_provider(
    models: Mapping[str, Model], faults: Faults | None = None, *, seed: int = 0, port: int = 0
) -> AsyncIterator[SimulatedProvider]:
    """Serve models on a loopback port (0: a free one) for the length of the block.

    Args:
        models: model id, without its provider, to model.
        faults: what goes wrong; may be changed while it runs.
        seed: decides every answer and every fault together with the headers of a call.
        port: TCP port.
    """
    provider = SimulatedProvider(models, faults or Faults(), seed)
    runner = web.AppRunner(provider.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        provider.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield provider
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or the end of the parent; prints `base_url` and process id as one line of JSON."""
    parser = argparse.ArgumentParser(prog="streams.embedded.provider", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=Path, help="answer from this trial file instead of the support desk")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process id of whom to end with")
    chosen = parser.parse_args(arguments)
    if sys.platform == "linux":
        end_with_parent(chosen.parent, signal.SIGTERM)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(chosen))
    return 0


async def _serve(chosen: argparse.Namespace) -> None:
    models: Mapping[str, Model] = desk_models(chosen.seed, DEMO_DOSES)
    if chosen.trials is not None:
        lines = chosen.trials.read_bytes().splitlines()
        models = recorded_models([trial_line_from(line) for line in lines if line.strip()])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    faults = Faults(latency_ms=chosen.latency_ms)
    async with simulated_provider(models, faults, seed=chosen.seed, port=chosen.port) as provider:
        sys.stdout.write(json_text.dumps({"base_url": provider.base_url, "pid": os.getpid()}).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
