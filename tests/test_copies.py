"""
Copies of what an application may keep or hand to another process.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from smtpsession import RRVS, SMTPAddress, SMTPEnvelope
from smtpsession.parameters import NO_ARGS, DSNEnvelope, DSNRcpt, SMTPAddressArgs
from tests.cases import TableTestCase

ARGS = SMTPAddressArgs({"SIZE": "1000", "SMTPUTF8": True, "X-FOO": "bar"})
SINCE = datetime(2026, 2, 28, tzinfo=timezone.utc)
RECIPIENT = SMTPAddress(
    '"Bob"@B\xfccher.example', ARGS, DSNRcpt(("SUCCESS",), "rfc822;bob@example.org")
)

COPIED: list[tuple[str, Any]] = [
    # name, original
    ("an address", SMTPAddress("bob@example.org")),
    ("the null reverse-path", SMTPAddress("")),
    ("an address with args and DSN", RECIPIENT),
    ("an address that was given its DSN", RECIPIENT.withDSN(DSNRcpt(("NEVER",)))),
    ("an address with RRVS", SMTPAddress("bob@example.org", rrvs=RRVS(SINCE, "C"))),
    ("args", ARGS),
    ("no args", NO_ARGS),
    ("an empty envelope", SMTPEnvelope()),
    (
        "an envelope",
        SMTPEnvelope(
            mailFrom=SMTPAddress("alice@example.com", ARGS),
            rcptTo=[RECIPIENT, SMTPAddress("eve@example.org"), RECIPIENT],
            bodyType="8bitmime",
            smtpUtf8=True,
            dsn=DSNEnvelope("FULL", "QQ1"),
        ),
    ),
]


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


class CopyTests(TableTestCase):
    """Addresses and envelopes, copied and pickled."""

    WAYS: tuple[Callable[[Any], Any], ...] = (copy.copy, copy.deepcopy, pickled)

    def test_same(self):
        """A copy is equal to its original, in every part of it."""
        for way in self.WAYS:
            self.assertGives(
                lambda value: (way(value), way(value).asDict()),  # noqa: B023
                [(name, value, (value, value.asDict())) for name, value in COPIED],
            )

    def test_parts(self):
        """The parts of an address that are not compared are copied too."""
        for way in self.WAYS:
            address = way(RECIPIENT)
            self.assertEqual(
                ("Bob", "xn--bcher-kva.example"), (address.localPart, address.domain)
            )
            self.assertEqual("1000", address.args.SIZE)

    def test_apart(self):
        """A deep copy of an envelope does not change with its original."""
        envelope = SMTPEnvelope(rcptTo=[RECIPIENT])
        copies = [copy.deepcopy(envelope), pickled(envelope)]
        envelope.rcptTo.clear()

        self.assertEqual([[RECIPIENT]] * 2, [each.rcptTo for each in copies])

    def test_stillImmutable(self):
        """What never changes does not in a copy either."""
        for way in self.WAYS:
            with self.assertRaises(AttributeError):
                way(RECIPIENT).args.SIZE = "2"
            with self.assertRaises(AttributeError):
                way(RECIPIENT).address = "eve@example.org"
