"""A proxy before ClickHouse that can be away, slow, or refuse inserts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

HOP = {"transfer-encoding", "content-encoding", "content-length", "connection"}


@dataclass
class Proxy:
    """What goes wrong; every field may be set while it runs. `inserts` counts inserts that got through."""

    behind: str
    url: str = ""
    is_away: bool = False
    wait_s: float = 0.0
    refuses_inserts: bool = False
    inserts: int = 0


@asynccontextmanager
async def clickhouse_proxy(behind: str) -> AsyncIterator[Proxy]:
    """A proxy for the server at this URL."""
    proxy = Proxy(behind)

    async def forward(request: web.Request) -> web.Response:
        if proxy.is_away:
            request.transport.abort()
            raise web.HTTPServiceUnavailable
        await asyncio.sleep(proxy.wait_s)
        body = await request.read()
        is_insert = "INSERT" in request.query.get("query", "") or body[:6] == b"INSERT"
        if is_insert and proxy.refuses_inserts:
            said = "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)"
            return web.Response(status=500, text=said, headers={"X-ClickHouse-Exception-Code": "242"})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", *HOP}}
        if "content-encoding" in request.headers:
            headers["content-encoding"] = request.headers["content-encoding"]
        async with session.request(request.method, behind + request.path_qs, data=body, headers=headers) as answer:
            got = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            if "content-encoding" in answer.headers:
                kept["content-encoding"] = answer.headers["content-encoding"]
            proxy.inserts += is_insert and answer.status == 200
            return web.Response(status=answer.status, body=got, headers=kept)

    app = web.Application(client_max_size=1 << 30, handler_args={"auto_decompress": False})
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, auto_decompress=False)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await runner.cleanup()
