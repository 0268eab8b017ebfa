"""What a row of the table counted, and the error of a count that is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


class RowError(AssertionError):
    """A fault did harm; the message says which count is wrong."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise RowError(what)


@dataclass(frozen=True, slots=True)
class Counted:
    """Exchanges tapped, comparisons, lost and double ones, arms asked again, and what was in flight at each fault."""

    exchanges: int = 0
    compared: int = 0
    lost: int = 0
    double: int = 0
    again: int = 0
    in_flight: tuple[int, ...] = ()
    note: str = ""

    def saying(self, note: str) -> "Counted":
        """The same with what else is to be told."""
        return replace(self, note=note)


def added(several: Sequence[Counted], note: str) -> Counted:
    """The sum of upgrades that were counted apart."""
    return Counted(
        sum(one.exchanges for one in several),
        sum(one.compared for one in several),
        sum(one.lost for one in several),
        sum(one.double for one in several),
        sum(one.again for one in several),
        tuple(flying for one in several for flying in one.in_flight),
        note,
    )
