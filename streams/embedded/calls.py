"""What a simulated provider was asked, so that a test can prove that nothing was asked twice."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

OK = 200


class Call(NamedTuple):
    """One request that reached the provider.

    `status` is None while it is in flight, and for good where the connection broke before the answer was out.
    """

    request: str
    arm: str
    model: str
    status: int | None


class Calls:
    """Append-only log of calls, in order of arrival."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._asked: Counter[tuple[str, str]] = Counter()
        self._in_flight = 0
        self.most_in_flight = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    @property
    def asked(self) -> Mapping[tuple[str, str], int]:
        """(request header, arm header) to how often it was asked, whatever came of it."""
        return dict(self._asked)

    @property
    def answered(self) -> Mapping[tuple[str, str], int]:
        """(request header, arm header) to how often an answer went out whole: what a real provider would bill."""
        return Counter((call.request, call.arm) for call in self._calls if call.status == OK)

    @property
    def statuses(self) -> Mapping[int | None, int]:
        """How often each HTTP status was given."""
        return Counter(call.status for call in self._calls)

    @property
    def in_flight(self) -> int:
        """Calls that are not answered yet."""
        return self._in_flight

    def begin(self, request: str, arm: str, model: str) -> tuple[int, int]:
        """Note a call; gives its place in the log and how often the same was asked before."""
        repeat = self._asked[request, arm]
        self._asked[request, arm] += 1
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        self._calls.append(Call(request, arm, model, None))
        return len(self._calls) - 1, repeat

    def end(self, place: int, status: int | None) -> None:
        """Note how a call ended."""
        self._in_flight -= 1
        self._calls[place] = self._calls[place]._replace(status=status)
