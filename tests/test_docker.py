"""The files of docker/ against their published schemas, and against the program they start. No Docker needed."""

import json
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from schemas.config import config_from
from streams.cli.migrate import migrate
from streams.cli.worker import worker

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
RESOURCES = list(yaml.safe_load_all((DOCKER / "kubernetes.yaml").read_text()))
SETS = [resource for resource in RESOURCES if resource["kind"] == "StatefulSet"]
INSTRUCTIONS = re.findall(
    r"^([A-Z]+) (.+)$", (DOCKER / "Dockerfile").read_text().replace("\\\n", ""), flags=re.MULTILINE
)
KUBERNETES = ("1.30", "1.37")
METRICS = 9464


def commands() -> list[list[str]]:
    """Every command of ours that the files start."""
    composed = [service["command"] for service in COMPOSE["services"].values() if service["image"] == "shadowtap"]
    pods = [
        resource["spec"]["template"]["spec"] for resource in RESOURCES if resource["kind"] in ("StatefulSet", "Job")
    ]
    default = json.loads(next(rest for name, rest in INSTRUCTIONS if name == "CMD"))
    return [default, *composed, *(container["args"] for pod in pods for container in pod["containers"])]


def test_compose_follows_its_published_schema():
    # Not imported: the program around the schema wants a newer click than Faust lets in.
    carrier = distribution("check-jsonschema")
    schema = Path(carrier.locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json"))
    jsonschema.validate(COMPOSE, json.loads(schema.read_text(encoding="utf-8")))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_manifest_follows_the_published_schema(resource, version):
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_each_command_is_one_that_the_program_knows(command):
    name, *arguments = command
    {"worker": worker, "migrate": migrate}[name].make_context(name, list(arguments))


@pytest.mark.parametrize("named", ["compose", "kubernetes"])
def test_the_settings_are_whole_and_their_secrets_are_given(named):
    if named == "compose":
        text = (DOCKER / "shadowtap.example.toml").read_text()
        given = COMPOSE["services"]["replay"]["environment"].keys()
    else:
        text = RESOURCES[0]["data"]["shadowtap.toml"]
        given = re.findall(r"--from-literal=(\w+)=", (DOCKER / "kubernetes.yaml").read_text())
    config_from(tomllib.loads(text), label=named)
    assert set(re.findall(r'_env = "(\w+)"', text)) <= set(given)


def test_there_is_a_set_for_each_role_that_is_probed_bounded_and_unprivileged():
    assert [one["metadata"]["name"] for one in SETS] == [
        f"shadowtap-{role}" for role in ("replay", "score", "judge", "alert")
    ]
    headless = {one["metadata"]["name"] for one in RESOURCES if one["kind"] == "Service"}
    for one in SETS:
        spec, pod = one["spec"], one["spec"]["template"]
        assert spec["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        assert spec["serviceName"] in headless
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        container = pod["spec"]["containers"][0]
        assert {part["name"]: part["containerPort"] for part in container["ports"]} == {"metrics": METRICS}
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
        assert container["resources"]["limits"]["memory"]
        assert container["args"][2] == one["metadata"]["name"].removeprefix("shadowtap-")


def test_compose_publishes_on_loopback_only_and_prometheus_asks_services_that_are_there():
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    scrape = yaml.safe_load((DOCKER / "prometheus.yml").read_text())["scrape_configs"][0]["dns_sd_configs"][0]
    assert set(scrape["names"]) <= COMPOSE["services"].keys()
    assert scrape["port"] == METRICS


def test_the_image_is_made_of_files_that_are_there_and_ends_unprivileged_without_a_compiler():
    copied = [
        part for name, rest in INSTRUCTIONS if name == "COPY" and "--from" not in rest for part in rest.split()[:-1]
    ]
    assert all((ROOT / part).exists() for part in copied)
    let_in = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{part}" for part in copied} <= set(let_in)
    last = max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    final = INSTRUCTIONS[last:]
    assert not any(name == "RUN" and re.search(r"\bapt|gcc|build-essential", rest) for name, rest in final)
    assert next(rest for name, rest in final if name == "USER") == "10001:10001"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entry = json.loads(next(rest for name, rest in final if name == "ENTRYPOINT"))
    assert entry[0] in project["scripts"]
    extras = next(rest for name, rest in INSTRUCTIONS if name == "ARG" and rest.startswith("EXTRAS="))
    assert set(re.findall(r"\w+", extras.partition("=")[2])) <= project["optional-dependencies"].keys()
