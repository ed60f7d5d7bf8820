"""
Tests of smtpsession.model; of each class of the model, test_session tests the names.
"""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

from attrs import define

from smtpsession.model import FrozenMapping, Model
from tests.cases import TableTestCase


@define
class Part(Model):
    """A class of a model as the session's are."""

    value: Any = None
    _private: int = 1


class Named(Part):
    """One that is known by its name where it is a part."""

    def _asPart(self) -> str:
        return "a name"


class ModelTests(TableTestCase):
    """Classes that are given as plain JSON types."""

    def test_plain(self):
        """Whatever the fields have, it is given in JSON's types."""
        self.assertGives(
            lambda value: json.loads(json.dumps(Part(value).asDict()))["value"],
            [
                ("nothing", None, None),
                ("numbers", [1, 1.5, True], [1, 1.5, True]),
                ("no number", [float("nan"), float("-inf")], ["nan", "-inf"]),
                ("octets of text", "jos\xe9".encode(), "jos\xe9"),
                ("other octets", b"a\xff", "a\\xff"),
                ("a frozen mapping", FrozenMapping({1: b"a"}), {"1": "a"}),
                ("containers", {"a": (1, frozenset({b"b"}))}, {"a": [1, ["b"]]}),
                ("another", Part(b"a"), {"value": "a", "_private": 1}),
                ("one that has a name", [Named()], ["a name"]),
                ("anything else", Part, str(Part)),
            ],
        )

    def test_whole(self):
        """One that has a name as a part is given in full where it is asked itself."""
        self.assertEqual({"value": 2, "_private": 1}, Named(2).asDict())


class FrozenMappingTests(TableTestCase):
    """Mappings that never change."""

    def test_mapping(self):
        """It maps what it was made of, in the same order."""
        frozen = FrozenMapping({2: "b", 1: "a"})

        self.assertEqual([(2, "b"), (1, "a")], list(frozen.items()))
        self.assertEqual({1: "a", 2: "b"}, frozen.asDict())
        self.assertEqual((2, "a", None), (len(frozen), frozen[1], frozen.get(3)))
        self.assertFalse(FrozenMapping())

    def test_equality(self):
        """It is equal to what maps the same, in whatever order."""
        one, other = FrozenMapping({1: "a", 2: "b"}), FrozenMapping({2: "b", 1: "a"})

        self.assertEqual(one, other)
        self.assertEqual(one, {1: "a", 2: "b"})
        self.assertEqual(hash(one), hash(other))
        self.assertNotEqual(one, FrozenMapping({1: "a"}))

    def test_immutable(self):
        """It never changes, whatever happens to what it was made of."""
        values = {1: "a"}
        frozen = FrozenMapping(values)
        values[1] = frozen.asDict()[1] = "b"

        for name in ("_values", "other"):
            with self.assertRaises(AttributeError):
                setattr(frozen, name, {})
        with self.assertRaises(TypeError):
            frozen[1] = "c"  # type: ignore[index]
        self.assertEqual("a", frozen[1])

    def test_copies(self):
        """A copy is equal, and of the same class."""
        frozen = FrozenMapping({1: "a"})

        for each in (
            copy.copy(frozen),
            copy.deepcopy(frozen),
            pickle.loads(pickle.dumps(frozen)),
        ):
            self.assertEqual(frozen, each)
            self.assertIsInstance(each, FrozenMapping)

    def test_repr(self):
        """It is shown for who debugs."""
        self.assertEqual("FrozenMapping({1: 'a'})", repr(FrozenMapping({1: "a"})))
