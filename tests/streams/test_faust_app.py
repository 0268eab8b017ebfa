"""What a worker is to its consumer group."""

import pytest

from schemas.errors import ConfigError
from schemas.settings import Kafka, WorkerRules
from streams.faust_app import create_app, member_of
from streams.faust_consumer import QuickConsumer


async def test_a_worker_is_a_dynamic_member_unless_told_otherwise():
    member = member_of(WorkerRules(), "shadowtap-replay-3")
    assert member is None
    assert create_app(Kafka(bootstrap="h:1"), "u", "replay", 6.0, member).conf.consumer_group_instance_id is None


async def test_a_static_member_is_known_by_its_pods_name():
    member = member_of(WorkerRules(static_membership=True), "shadowtap-replay-3")
    app = create_app(Kafka(bootstrap="h:1"), "u", "replay", 6.0, member)
    assert app.conf.consumer_group_instance_id == "shadowtap-replay-3"


async def test_a_worker_leaves_no_folders_where_it_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = create_app(Kafka(bootstrap="h:1"), "u", "replay")
    await app.on_first_start()
    assert list(tmp_path.iterdir()) == []


async def test_a_worker_takes_records_by_the_quick_consumer():
    assert create_app(Kafka(bootstrap="h:1"), "u", "replay").transport.Consumer is QuickConsumer


def test_a_static_member_without_an_ordinal_is_refused():
    with pytest.raises(ConfigError, match=r"worker.static_membership: the host name 'laptop' ends in no ordinal"):
        member_of(WorkerRules(static_membership=True), "laptop")
