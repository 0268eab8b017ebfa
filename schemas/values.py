"""Values: what is made once and never changed, such as an answer or a trial."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(cls: type[T]) -> type[T]:
    """A dataclass that type checkers hold to be frozen, with slots and a hash.

    Python would keep its word at run time, too, but then takes three times as long to make one, and a worker makes a
    dozen of them for each exchange.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
