# -*- test-case-name: tests.test_model -*-
"""
What the classes of the session model have in common: to be given as plain JSON types,
and never to change where they are values.
"""

from __future__ import annotations

import math
from collections.abc import ItemsView, Iterator, Mapping
from typing import Any, TypeVar

from attrs import fields

_K = TypeVar("_K")
_V = TypeVar("_V", covariant=True)


class Model:
    """An attrs class of the model: its C{asDict} has the names of its fields."""

    __slots__ = ()

    def asDict(self) -> dict[str, Any]:
        """The same as plain JSON types under the same names."""
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(type(self))  # type: ignore[arg-type]
        }

    def _asPart(self) -> Any:
        """What stands for it in the C{asDict} of another."""
        return self.asDict()


class FrozenMapping(Mapping[_K, _V]):
    """A mapping that never changes, and may be a key itself if its values may."""

    __slots__ = ("_values",)

    _values: Mapping[_K, _V]

    def __init__(self, values: Mapping[_K, _V] | None = None) -> None:
        """
        @param values: what it maps, copied
        """
        object.__setattr__(self, "_values", dict(values or {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __getitem__(self, key: _K) -> _V:
        return self._values[key]

    def __iter__(self) -> Iterator[_K]:
        return iter(self._values)

    def items(self) -> ItemsView[_K, _V]:
        """Its pairs, as those of any mapping, but without asking for each value."""
        return self._values.items()

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would set attributes of what is immutable.
        return type(self), (self._values,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def asDict(self) -> dict[_K, _V]:
        """The same as a plain dictionary."""
        return dict(self._values)


def _plain(value: object) -> Any:
    """The value in JSON's types, as well as that can be done."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Model):
        return value._asPart()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if hasattr(type(value), "asDict"):
        return _plain(value.asDict())  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return str(value)
