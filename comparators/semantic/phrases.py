"""Whether a text holds any of many phrases. Most hold none, which few searches settle: phrases share words."""

from collections.abc import Iterable, Mapping

_SHORTEST_WORD = 4  # letters; shorter ones stand in too many texts


class Phrases:
    """Phrases to look for in a text of the same case, as they are written: within words too.

    Each is looked for only where a word of its own stands in the text, by preference one that other phrases share.

    >>> refuses = Phrases(["i must decline", "i decline to", "sorry, but"])
    >>> refuses.any_in("you must decline it"), refuses.any_in("so i must decline it")
    (False, True)
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        every = tuple(phrases)
        found: dict[str, list[str]] = {}
        for phrase in every:
            found.setdefault(_most_shared(phrase, every), []).append(phrase)
        self._by_word: Mapping[str, tuple[str, ...]] = {word: tuple(those) for word, those in found.items()}

    def any_in(self, text: str) -> bool:
        """Whether any of the phrases stands in the text."""
        holds = text.__contains__
        return any(any(map(holds, self._by_word[word])) for word in filter(holds, self._by_word))


def _most_shared(phrase: str, phrases: tuple[str, ...]) -> str:
    words = [word for word in phrase.split() if len(word) >= _SHORTEST_WORD] or [phrase]
    return max(words, key=lambda word: (sum(word in other for other in phrases), len(word), word))
