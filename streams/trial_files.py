"""Trial files: trials recorded elsewhere, a JSON object a line (`.jsonl`, `.jsonl.gz`; design.md section 7)."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import TrialLineError, UsageError
from schemas.trials import TrialLine, trial_line_from


def read_trial_lines(path: Path) -> Iterator[TrialLine]:
    """The trials of a file, read as they are asked for; empty lines are skipped.

    Raises:
        TrialLineError: names file and line, and what is wrong there.
        UsageError: the file cannot be opened.
    """
    return (line for _, line in numbered_trial_lines(path))


def numbered_trial_lines(path: Path) -> Iterator[tuple[int, TrialLine]]:
    """The same with line numbers, from 1."""
    number = 0
    try:
        for number, text in enumerate(_open(path), start=1):
            line = text.removeprefix(b"\xef\xbb\xbf").strip()
            if line:
                yield number, _trial_line(line, path, number)
    except (EOFError, zlib.error, gzip.BadGzipFile) as broken:
        raise TrialLineError(f"{path}:{number + 1}: the gzip file is broken ({broken})") from broken


def _open(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (FileNotFoundError, IsADirectoryError, PermissionError) as absent:
        raise UsageError(f"{path}: cannot be read ({absent.strerror})") from absent


def _trial_line(text: bytes, path: Path, number: int) -> TrialLine:
    try:
        return trial_line_from(text)
    except json.JSONDecodeError as wrong:
        raise TrialLineError(f"{path}:{number}: no JSON ({wrong.msg} at column {wrong.colno})") from wrong
    except UnicodeDecodeError as wrong:
        raise TrialLineError(f"{path}:{number}: no UTF-8 at byte {wrong.start}") from wrong
    except (ValueError, OverflowError) as wrong:
        raise TrialLineError(f"{path}:{number}: {wrong}") from wrong
    except RecursionError as wrong:
        raise TrialLineError(f"{path}:{number}: nested too deep") from wrong
