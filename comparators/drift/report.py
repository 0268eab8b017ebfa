"""Verdicts as the JSON object of the command line, and as its exit code (design, section 8)."""

from dataclasses import asdict
from typing import Any

from comparators.drift.judge import FEATURE_ORDER
from schemas.verdicts import CandidateVerdict, Report, Verdict

EXIT_CODE = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.REVIEW: 5}
NO_VERDICT_YET = 3


def report_json(report: Report) -> dict[str, Any]:
    """The one object that `score`, `status` and `demo` print."""
    return asdict(report)


def candidate_json(verdict: CandidateVerdict) -> dict[str, Any]:
    """A candidate's part of it: the value of its verdict record."""
    return asdict(verdict)


def exit_code(report: Report, candidate: str | None = None) -> int:
    """Of the named candidate, or of the worst one: 0 PASS, 1 FAIL, 3 no verdict yet, 5 REVIEW."""
    verdicts = [c.verdict for c in report.candidates if candidate in (None, c.candidate)]
    worst = min(verdicts, key=FEATURE_ORDER.index, default=Verdict.NODATA)
    return EXIT_CODE.get(worst, NO_VERDICT_YET)
