"""Whether a text holds any of many phrases. Most hold none, which few searches settle: phrases share parts."""

from collections import Counter
from collections.abc import Iterable, Mapping

_SHORTEST = 6  # characters of a part; shorter ones stand in too many texts


class Phrases:
    """Phrases to look for in a text of the same case, as they are written: within words too.

    Each is looked for only where a part of it stands in the text, by preference one that many other phrases share.

    >>> refuses = Phrases(["i must decline", "i decline to", "sorry, but"])
    >>> refuses.any_in("you must decline it"), refuses.any_in("so i must decline it")
    (False, True)
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        parts = {phrase: _parts(phrase) for phrase in phrases}
        shared = Counter(part for of_one in parts.values() for part in of_one)
        found: dict[str, list[str]] = {}
        for phrase, of_one in parts.items():
            found.setdefault(max(of_one, key=lambda part: (shared[part], len(part), part)), []).append(phrase)
        self._by_part: Mapping[str, tuple[str, ...]] = {part: tuple(those) for part, those in found.items()}

    def any_in(self, text: str) -> bool:
        """Whether any of the phrases stands in the text."""
        holds = text.__contains__
        for part in filter(holds, self._by_part):  # noqa: SIM110 - one generator less, which cost as much as a search
            if any(map(holds, self._by_part[part])):
                return True
        return False


def _parts(phrase: str) -> set[str]:
    """Every part of a phrase that is long enough; of a short phrase the whole."""
    ends = range(_SHORTEST, len(phrase) + 1)
    return {phrase[start:end] for end in ends for start in range(end - _SHORTEST + 1)} or {phrase}
