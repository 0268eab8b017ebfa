"""The answer breaks a rule of form that the feature's baseline answers kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from comparators.calibration import CalibratedComparator
from comparators.comparator import FINE, Kind, Pair, Score, inapplicable
from comparators.format.contract_sketch import ContractSketch, sketch_bytes, sketch_from_bytes, sketch_of
from comparators.format.contracts import contract_from, freeze, violations
from schemas.calibrations import CALIBRATING
from schemas.comparisons import Comparison


@dataclass(frozen=True)
class ContractViolation(CalibratedComparator):
    """1 where the answer breaks the contract learned from the feature's own baseline answers.

    The contract is learned from the feature's first 200 baseline answers and then frozen; until then nothing applies
    (`calibrating`), so the answers it was learned from never count as evidence. It is kept in table `calibrations`, and
    another contract starts a new epoch. The baseline's own later answers are scored too, and the candidate is held to
    their rate. Setting: `contract`, the text of a contract to use instead of learning one (`contracts.freeze`).

    Sees: `no_json`, `missing:$.id` (a key that 99 % had), `type:$.price:string`, `label:$.status` (never seen, where
    the labels had settled), `extra:$.note` (where the keys had), `language:fr`, `fence:+`, `fence:-`, `length:short`,
    `length:long` (an octave beyond all but 1 % of the lengths).

    Does not see: values, meaning, or habits that the baseline itself kept less than 95 % of the time.

    >>> from comparators.format.contract_sketch import sketch_of
    >>> from comparators.format.contracts import freeze
    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> contract = freeze(sketch_of(f'{{"id": {number}, "status": "open"}}' for number in range(100, 200)))
    >>> fine, wrong = Answer("m", text='{"id": 1, "status": "open"}'), Answer("m", text='{"id": 1, "status": "Open"}')
    >>> ContractViolation(contract=contract).compare(Pair(Request({}), fine, wrong))
    Score(value=1.0, reason='label:$.status', detail='label:$.status')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.PROPERTY
    window: ClassVar[int] = 200
    contract: str = ""

    def __post_init__(self) -> None:
        if self.contract:
            contract_from(self.contract)

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not self.contract:
            return inapplicable(CALIBRATING)
        if not pair.baseline.content:
            return inapplicable("no_text")
        broken = list(violations(contract_from(self.contract), pair.answer.content))
        return Score(1.0, broken[0], ", ".join(broken)) if broken else FINE

    @property
    def is_calibrated(self) -> bool:
        """Whether there is a contract."""
        return bool(self.contract)

    def observe(self, comparison: Comparison) -> str:
        """The sketch of one baseline answer."""
        text = comparison.trial.baseline.content
        return sketch_bytes(sketch_of([text])).decode() if text else ""

    def freeze(self, observations: Sequence[str]) -> str:
        """The contract of the sketches together."""
        return freeze(sum((sketch_from_bytes(text.encode()) for text in observations), start=ContractSketch()))

    def calibrated(self, text: str) -> "ContractViolation":
        """With this contract."""
        return replace(self, contract=text)
