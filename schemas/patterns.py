"""Regular expressions that others write: in settings, in JSON Schemas."""

import re

_NESTED_REPEAT = re.compile(r"\([^()]*[*+}][^()]*\)[*+{]")


def may_take_for_ever(pattern: str) -> bool:
    """Whether a pattern repeats what is repeated, which can take exponential time.

    >>> [may_take_for_ever(pattern) for pattern in ("(a+)+$", "(ab)+c*")]
    [True, False]
    """
    return _NESTED_REPEAT.search(pattern) is not None
