"""`shadowtap init`: writes a commented shadowtap.toml, filled in from a topic if there is one to look at."""

import asyncio
import logging
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas import json_text
from schemas.errors import UsageError
from schemas.pins import split_pin

if TYPE_CHECKING:
    from streams.proposing import Proposal

FOLLOWER = "THE-VERSION-THAT-IS-TO-FOLLOW"
_BASE_URLS = {"anthropic": "https://api.anthropic.com/v1"}


@click.command("init")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="shadowtap.toml",
    show_default=True,
    help="Where to write it.",
)
@click.option(
    "--from", "place", metavar="BROKER/TOPIC", help="Fill in format, models and features from a topic's last records."
)
@click.option("--last", default=500, show_default=True, help="Records to look at, per partition.")
def init(path: Path, place: str | None, last: int) -> None:
    """Write a file with every key, its default and what it means; never over one that is there."""
    if path.exists():
        raise UsageError(f"{path}: is there already; remove it, or name another with --config")
    text = resources.files("streams.cli").joinpath("template.toml").read_text(encoding="utf-8")
    told = "Fill in upgrade, candidates, tap and kafka, then run: shadowtap check"
    if place is not None:
        text, told = _from(text, place, last)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as wrong:
        raise UsageError(f"{path}: cannot be written ({wrong.strerror})") from wrong
    click.echo(f"Wrote {path}. {told}")


def _from(text: str, place: str, last: int) -> tuple[str, str]:
    from schemas.settings import Kafka  # noqa: PLC0415 - slow to import
    from streams.proposing import propose  # noqa: PLC0415 - the same

    bootstrap, slash, topic = place.rpartition("/")
    if not (slash and topic and re.search(r":\d+$", bootstrap)):
        raise UsageError(f"--from: {place!r} is no BROKER/TOPIC, such as broker:9092/llm.gateway")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says is said once, by us
    found = asyncio.run(propose(Kafka(bootstrap=bootstrap), topic, last))
    return _filled(text, bootstrap, found), _told(found)


def _filled(text: str, bootstrap: str, found: "Proposal") -> str:
    provider = split_pin(found.pin).provider if found.pin else "PROVIDER"
    text = _set(text, "current", json(found.pin or f"{provider}/{(found.match or ('VERSION',))[0]}"))
    text = _set(text, "pin", json(f"{provider}/{FOLLOWER}"))
    text = _set(text, "topics", json([found.topic]))
    text = _set(text, "bootstrap", json(bootstrap))
    if found.match:
        text = _set(text, "match", json(list(found.match)))
    text = _set(text, "feature", json(list(found.rules)))
    if found.mapping:
        text = _set(text, "format", '"mapping"')
        table = "\n".join(f"{part} = {json(path)}" for part, path in found.mapping.items())
        text = text.replace(
            "# [tap.mapping]\n", f"[tap.mapping]                                   # guessed: look at it\n{table}\n", 1
        )
    if provider != "openai":
        text = re.sub(r"^\[providers\.openai\]", f"[providers.{provider}]", text, count=1, flags=re.MULTILINE)
        text = _set(text, "base_url", json(_BASE_URLS.get(provider, "https://FILL-IN/v1")))
        text = _set(text, "api_key_env", json(f"SHADOWTAP_{provider.upper()}_KEY"))
    tables = "".join(
        f"[features.{_key(name)}] ".ljust(48) + f"# {count} of the last records\n" for name, count in found.features
    )
    return text.replace("# [features.billing]\n", f"{tables}# [features.billing]\n", 1) if tables else text


def _set(text: str, key: str, value: str) -> str:
    """The first line that sets this key, commented out or not, with another value; its comment stays."""

    def line(match: "re.Match[str]") -> str:
        comment = match[2] or ""
        return f"{key} = {value} ".ljust(48) + comment if comment else f"{key} = {value}"

    setting = rf"^(?:# )?{key} = (?:\[[^\]]*\]|\"[^\"]*\")( *)(#.*)?$"
    made, count = re.subn(setting, line, text, count=1, flags=re.MULTILINE)
    if not count:
        raise ValueError(f"template.toml has no line for {key}")
    return made


def _told(found: "Proposal") -> str:
    tapped = found.tapped
    share = tapped.replayable / max(1, sum(tapped.outcomes.values()))
    features = ", ".join(name for name, _ in found.features[:8]) or "none named"
    current = found.pin or "not named by the log as an exact version"
    return (
        f"From the last {tapped.records:,} records of {found.topic}:\n"
        f"  current pin   {current}\n"
        f"  named in log  {', '.join(found.match) or 'nowhere'}\n"
        f"  features      {features} (by {', '.join(found.rules)})\n"
        f"  replayable    {share:.0%}, if all of it is the current pin's\n"
        f"Fill in {'' if found.pin else 'upgrade.current and '}the candidate's pin, look the rest over, then run:"
        " shadowtap check"
    )


def _key(name: str) -> str:
    """A TOML key, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json(name)


def json(value: object) -> str:
    """A TOML value: of texts and lists of texts JSON writes the same."""
    return json_text.dumps(value).decode()
