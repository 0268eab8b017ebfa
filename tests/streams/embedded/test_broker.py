import socket
import subprocess
import sys
import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import UnreachableError, UsageError
from streams.embedded import broker
from streams.embedded.broker import embedded_broker
from streams.embedded.child import require

TAPPED = TopicPartition("tapped", 1)


async def test_what_was_produced_is_consumed_and_the_committed_position_is_kept():
    async with embedded_broker() as bootstrap:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("tapped", num_partitions=2, replication_factor=1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type="lz4") as producer:
            for number in range(10):
                await producer.send_and_wait("tapped", b"%d" % number, partition=1, headers=[("h", b"v")])
        # Assigned by hand: joining a group takes this broker seconds.
        settings = {"bootstrap_servers": bootstrap, "group_id": "g", "enable_auto_commit": False}
        async with AIOKafkaConsumer(**settings, auto_offset_reset="earliest") as consumer:
            consumer.assign([TAPPED])
            first = [await consumer.getone() for _ in range(4)]
            await consumer.commit()
        async with AIOKafkaConsumer(**settings, auto_offset_reset="earliest") as consumer:
            consumer.assign([TAPPED])
            rest = [await consumer.getone() for _ in range(6)]
    assert [record.value for record in first + rest] == [b"%d" % number for number in range(10)]
    assert rest[0].headers == (("h", b"v"),)


async def test_two_brokers_live_side_by_side_and_end_with_their_blocks():
    async with embedded_broker() as one, embedded_broker() as other:
        assert one != other
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(one.rpartition(":")[2]))) != 0


async def test_a_broker_that_does_not_start_says_why(tmp_path, monkeypatch):
    broken = tmp_path / "tansu"
    broken.write_text("#!/bin/sh\necho no room on this machine >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(broker, "broker_binary", lambda: str(broken))
    with pytest.raises(UnreachableError, match="no room on this machine"):
        async with embedded_broker():
            pass


def test_a_guarded_program_ends_when_the_pipe_closes():
    script = "import sys; from streams.embedded.child import guard; sys.exit(abs(guard(['/bin/sleep', '60'])))"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as guard:
        time.sleep(0.5)
        assert guard.poll() is None
        guard.stdin.close()
        assert guard.wait(timeout=5) == 9


def test_a_missing_extra_is_named_with_the_way_to_install_it():
    with pytest.raises(UsageError, match=r"pip install 'shadowtap\[embedded\]'"):
        require("no_such_module")
