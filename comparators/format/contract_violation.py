"""The answer breaks a rule of form that the feature's baseline answers kept."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.format.contracts import contract_from, violations


@dataclass(frozen=True)
class ContractViolation(Comparator):
    """1 where the answer breaks the contract learned from the feature's own baseline answers.

    Setting: `contract`, the text that `contracts.freeze` makes of a sketch of baseline answers (at least 50) at the end
    of a calibration window. Without it nothing applies (`no_contract`). As a setting it is part of the dimension's
    identity: another contract starts a new epoch, so the answers it was learned from never count as evidence. The
    baseline's own later answers are scored too, and the candidate is held to their rate.

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

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY
    contract: str = ""

    def __post_init__(self) -> None:
        if self.contract:
            contract_from(self.contract)

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not self.contract:
            return Score(None, "no_contract")
        if not pair.baseline.content:
            return Score(None, "no_text")
        broken = list(violations(contract_from(self.contract), pair.answer.content))
        return Score(1.0, broken[0], ", ".join(broken)) if broken else Score(0.0)
