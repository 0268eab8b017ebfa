"""Logs for people (text) or for machines (a JSON object per line), to stderr."""

import logging
import sys
from datetime import UTC, datetime

from schemas import json_text

TELL_ALL = ("slack_sdk", "faust", "mode", "aiohttp", "clickhouse_connect")
"""Libraries that at level DEBUG write whole requests: addresses that are secrets, texts of users."""

TALKATIVE = ("faust", "mode", "sentence_transformers")
"""Libraries that at level INFO tell each step of starting and stopping, a hundred lines that hide ours."""

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class JsonLines(logging.Formatter):
    """`ts` (UTC, RFC 3339), `level`, `logger`, `message`, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json_text.dumps(fields).decode()


def log_to_stderr(level: str, log_format: str) -> None:
    """Send the logs of this process to stderr, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    chosen = logging.getLogger().level
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it warns of every reconnect
    logging.getLogger("faust.app").setLevel(logging.ERROR)  # it warns of each first assignment
    for library in TELL_ALL:
        logging.getLogger(library).setLevel(max(logging.INFO, chosen))
    for library in TALKATIVE:
        logging.getLogger(library).setLevel(logging.INFO if chosen <= logging.DEBUG else max(logging.WARNING, chosen))
