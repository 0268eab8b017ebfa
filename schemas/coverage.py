"""Coverage: how many of the exchanges that are owed a comparison have one."""

from collections import Counter
from collections.abc import Mapping

from schemas.outcomes import NOT_OWED
from schemas.values import immutable


@immutable
class Spent:
    """Requests to providers and USD of the whole upgrade and of one day; `unpriced` exchanges have no known price."""

    requests: int = 0
    usd: float = 0.0
    requests_today: int = 0
    usd_today: float = 0.0
    unpriced: int = 0


@immutable
class Share:
    """Coverage of a candidate, or of one of its features: numbers of exchanges."""

    outcomes: Mapping[str, int]
    compared: int

    @property
    def consumed(self) -> int:
        """Exchanges that were tapped, whatever became of them."""
        return sum(self.outcomes.values())

    @property
    def owed(self) -> int:
        """Exchanges that should have been compared."""
        return self.consumed - sum(self.outcomes.get(outcome, 0) for outcome in NOT_OWED)

    @property
    def ratio(self) -> float | None:
        """Compared / owed, from 0; None where nothing is owed (yet). Above 1 while the ledger lags behind."""
        return self.compared / self.owed if self.owed > 0 else None


@immutable
class Coverage:
    """Outcomes by (candidate, feature, outcome) and comparisons by (candidate, feature), of one upgrade."""

    outcomes: Mapping[tuple[str, str, str], int]
    compared: Mapping[tuple[str, str], int]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of all candidates, sorted."""
        return tuple(sorted({key[0] for key in self.outcomes} | {key[0] for key in self.compared}))

    def of(self, candidate: str, feature: str | None = None) -> Share:
        """Coverage of a candidate, or of one of its features."""
        outcomes: Counter[str] = Counter()
        for (name, of_feature, outcome), count in self.outcomes.items():
            if name == candidate and feature in (None, of_feature):
                outcomes[outcome] += count
        compared = sum(
            count
            for (name, of_feature), count in self.compared.items()
            if name == candidate and feature in (None, of_feature)
        )
        return Share(outcomes, compared)
