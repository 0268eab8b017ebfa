"""Apache Kafka (KRaft, one broker) for tests: jars by Maven, a child process on free loopback ports."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

HERE = Path(__file__).parent
JARS = HERE / "target" / "dependency"
CLUSTER = "4L6g3nShT-eMCtK--X86sw"  # any base64 UUID

SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
log.retention.check.interval.ms=1000
"""


def is_available() -> bool:
    """Whether Java and Maven are here, or the jars already."""
    return shutil.which("java") is not None and (JARS.exists() or shutil.which("mvn") is not None)


def fetch_jars() -> None:
    """Let Maven fetch the jars once; several test processes may ask at the same time."""
    (HERE / "target").mkdir(exist_ok=True)
    with (HERE / "target" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(JARS.glob("kafka_2.13-*.jar")):
            pom = str(HERE / "pom.xml")
            subprocess.run(["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"], check=True)


@dataclass
class Broker:
    """A running broker; `stop` and `start` keep its data and its address."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{JARS}/*", "kafka.Kafka", f"{self.folder}/settings"],
                stdout=log, stderr=log, env={**os.environ, "LOG_DIR": str(self.folder)},
            )  # fmt: skip
        for _ in range(300):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 0.1).close()
                break
            await asyncio.sleep(0.1)
        for _ in range(300):
            with contextlib.suppress(Exception):
                client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
                try:
                    await client.start()
                    await client.list_topics()
                    return
                finally:
                    await client.close()
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            await asyncio.sleep(0.1)
        raise RuntimeError("Kafka did not start")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


@asynccontextmanager
async def kafka_broker(more: str = "", users: Sequence[str] = ()) -> AsyncIterator[Broker]:
    """A broker for the length of the block; `more` are settings that come last, `users` as StorageTool adds them."""
    fetch_jars()
    folder = Path(tempfile.mkdtemp(prefix="kafka-"))
    port, controller = free_port(), free_port()
    (folder / "settings").write_text((SETTINGS + more).format(port=port, controller=controller, folder=folder))
    format_command = ["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(folder / "settings")]
    for user in users:
        format_command += ["--add-scram", user]
    subprocess.run(["java", "-cp", f"{JARS}/*", *format_command], check=True, stdout=subprocess.DEVNULL)
    broker = Broker(folder, port)
    try:
        await broker.start()
        yield broker
    finally:
        broker.stop(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
