"""
Tests of smtpsession.delivery.relaying.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smtpsession import SMTPAddress, SMTPEnvelope
from smtpsession.delivery.relaying import (
    NextHopLost,
    Offers,
    mailCommand,
    outcome,
    rcptCommand,
    refusal,
)
from smtpsession.errors import SMTPError
from smtpsession.extensions import BUILT_IN
from smtpsession.parameters import DSNEnvelope, DSNRcpt, SMTPAddressArgs
from smtpsession.replies import Reply
from smtpsession.timing import RRVS, DeliverBy, FutureRelease
from smtpsession.testing import MemoryServer, memoryOptions
from tests.cases import TableTestCase
from tests.strategies import mailboxes, notifies, orcpts, utf8Orcpts, xtextTexts

EVERYTHING = (
    *("8BITMIME", "BINARYMIME", "CHUNKING", "DSN", "SMTPUTF8", "REQUIRETLS"),
    *("PIPELINING", "DELIVERBY", "MT-PRIORITY MIXER", "FUTURERELEASE 9 9", "RRVS"),
)


def offering(*keywords: str, isVerified: bool = False) -> Offers:
    reply = Reply(250, "\n".join(["next.example.net", *keywords]))
    return Offers.parse(reply, isVerified)


ALL = offering(*EVERYTHING, isVerified=True)
NONE = offering()


def envelope(sender: str = "alice@example.com", **fields: Any) -> SMTPEnvelope:
    return SMTPEnvelope(mailFrom=SMTPAddress(sender), **fields)


def sized(octets: int) -> SMTPEnvelope:
    args = SMTPAddressArgs({"SIZE": str(octets)})
    return SMTPEnvelope(mailFrom=SMTPAddress("alice@example.com", args))


def without(keyword: str) -> Offers:
    return offering(*(each for each in EVERYTHING if each != keyword), isVerified=True)


ALICE = b"MAIL FROM:<alice@example.com>"
DSN = DSNEnvelope("HDRS", "a+b")
RETURN, GO_ON = DeliverBy(60, "R"), DeliverBy(60, "N")
HOLD = FutureRelease(holdFor=60)

MAIL = [
    ("plain", (envelope(), NONE), ALICE),
    ("plain, to one with everything", (envelope(), ALL), ALICE),
    ("null", (envelope(""), NONE), b"MAIL FROM:<>"),
    ("quoted", (envelope('"a b"@example.com'), NONE), b'MAIL FROM:<"a b"@example.com>'),
    (
        "8-bit",
        (envelope(bodyType="8bitmime"), offering("8BITMIME")),
        ALICE + b" BODY=8BITMIME",
    ),
    (
        "binary",
        (envelope(bodyType="binarymime"), offering("BINARYMIME", "CHUNKING")),
        ALICE + b" BODY=BINARYMIME",
    ),
    (
        "internationalized",
        (envelope("ü@example.com", smtpUtf8=True), offering("SMTPUTF8")),
        "MAIL FROM:<ü@example.com> SMTPUTF8".encode(),
    ),
    ("REQUIRETLS", (envelope(requireTLS=True), ALL), ALICE + b" REQUIRETLS"),
    ("SIZE", (sized(1000), offering("SIZE 2000")), ALICE + b" SIZE=1300"),
    ("SIZE, no limit", (sized(9), offering("SIZE 0")), ALICE + b" SIZE=309"),
    ("SIZE, not said", (sized(9), offering("SIZE")), ALICE + b" SIZE=309"),
    ("SIZE, at the limit", (sized(9), offering("SIZE 9")), ALICE + b" SIZE=309"),
    ("SIZE, no number", (sized(9), offering("SIZE \u00b2")), ALICE + b" SIZE=309"),
    ("SIZE, not offered", (sized(9), NONE), ALICE),
    ("SIZE, not declared", (envelope(), offering("SIZE 9")), ALICE),
    ("DSN", (envelope(dsn=DSN), offering("dsn")), ALICE + b" RET=HDRS ENVID=a+2Bb"),
    ("DSN without a word", (envelope(dsn=DSNEnvelope()), ALL), ALICE),
    ("DSN, not offered", (envelope(dsn=DSN), NONE), ALICE),
    ("BY", (envelope(deliverBy=RETURN), ALL), ALICE + b" BY=60;R"),
    ("BY, not offered, to go on", (envelope(deliverBy=GO_ON), NONE), ALICE),
    ("priority", (envelope(priority=-3), ALL), ALICE + b" MT-PRIORITY=-3"),
    ("priority, not offered", (envelope(priority=-3), NONE), ALICE),
    ("HOLDFOR", (envelope(futureRelease=HOLD), ALL), ALICE + b" HOLDFOR=60"),
    (
        "all of it",
        (
            envelope(bodyType="8bitmime", smtpUtf8=True, requireTLS=True, dsn=DSN),
            ALL,
        ),
        ALICE + b" BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+2Bb",
    ),
]

NO_MAIL = [
    ("too large", (sized(1001), offering("SIZE 1000")), "552 5.3.4"),
    ("8-bit", (envelope(bodyType="8bitmime"), without("8BITMIME")), "554 5.6.3"),
    ("binary", (envelope(bodyType="binarymime"), without("BINARYMIME")), "554 5.6.3"),
    ("no chunks", (envelope(bodyType="binarymime"), without("CHUNKING")), "554 5.6.3"),
    ("SMTPUTF8", (envelope(smtpUtf8=True), without("SMTPUTF8")), "553 5.6.7"),
    ("REQUIRETLS", (envelope(requireTLS=True), without("REQUIRETLS")), "550 5.7.30"),
    ("BY", (envelope(deliverBy=RETURN), without("DELIVERBY")), "554 5.3.3"),
    ("HOLDFOR", (envelope(futureRelease=HOLD), NONE), "554 5.3.3"),
    (
        "REQUIRETLS, but whose TLS is it",
        (envelope(requireTLS=True), offering(*EVERYTHING)),
        "550 5.7.30",
    ),
]


def recipient(address: str = "bob@example.org", *dsn: Any) -> SMTPAddress:
    return SMTPAddress(address, dsn=DSNRcpt(*dsn) if dsn else None)


BOB = b"RCPT TO:<bob@example.org>"
RCPT = [
    ("plain", (recipient(), NONE), BOB),
    ("Postmaster", (recipient("Postmaster"), NONE), b"RCPT TO:<Postmaster>"),
    ("NEVER", (recipient("bob@example.org", ("NEVER",)), ALL), BOB + b" NOTIFY=NEVER"),
    (
        "both",
        (
            recipient(
                "bob@example.org", ("SUCCESS", "DELAY"), "rfc822;b=b@example.org"
            ),
            ALL,
        ),
        BOB + b" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+3Db@example.org",
    ),
    (
        "ORCPT beyond ASCII",
        (recipient("bob@example.org", None, "utf-8;ü@example.org"), ALL),
        BOB + rb" ORCPT=utf-8;\x{FC}@example.org",
    ),
    ("not offered", (recipient("bob@example.org", ("NEVER",)), NONE), BOB),
]


def since(action: str | None) -> SMTPAddress:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return SMTPAddress("bob@example.org", rrvs=RRVS(moment, action))


RCPT += [
    ("RRVS", (since("R"), ALL), BOB + b" RRVS=2026-01-01T00:00:00Z;R"),
    ("RRVS, not offered, to go on", (since("C"), NONE), BOB),
]
NO_RCPT = [
    ("RRVS", (since("R"), without("RRVS")), "550 5.7.19"),
    ("RRVS without a word", (since(None), without("RRVS")), "550 5.7.19"),
]

REFUSALS = [
    ("permanent", Reply(550, "No", "5.1.1"), "550 5.1.1 No"),
    ("temporary", Reply(452, "Full", "4.2.2"), "452 4.2.2 Full"),
    ("no enhanced code", Reply(550, "No"), "550 5.0.0 No"),
    ("421", Reply(421, "Bye", "4.3.2"), "451 4.3.2 Bye"),
    ("421, no enhanced code", Reply(421, "Bye"), "451 4.0.0 Bye"),
    ("521", Reply(521, "No mail here"), "556 5.0.0 No mail here"),
]


class OffersTests(TableTestCase):
    """What the answer to EHLO says."""

    def test_keywords(self) -> None:
        """The first line is none, and case does not matter."""
        offers = offering("auth plain Login", "SIZE 1000", "")
        self.assertEqual(
            offers.keywords, {"AUTH": ("PLAIN", "LOGIN"), "SIZE": ("1000",)}
        )
        self.assertNotIn("NEXT.EXAMPLE.NET", offers)


class CommandTests(TableTestCase):
    """MAIL and RCPT."""

    def test_mail(self) -> None:
        """What the next hop offers is used where the envelope asks for it."""
        self.assertGives(lambda given: mailCommand(*given), MAIL)

    def test_refused(self) -> None:
        """Without what the message needs it is refused, and nothing is left out."""
        self.assertRefusesWith(lambda given: mailCommand(*given), NO_MAIL)

    def test_rcpt(self) -> None:
        """So it is with each recipient."""
        self.assertGives(lambda given: rcptCommand(*given), RCPT)
        self.assertRefusesWith(lambda given: rcptCommand(*given), NO_RCPT)


class RoundTripTests(TableTestCase):
    """A server of ours as the next hop."""

    @given(
        mailboxes,
        mailboxes,
        st.sampled_from(("7bit", "8bitmime", "binarymime")),
        st.builds(
            DSNEnvelope,
            st.sampled_from((None, "FULL", "HDRS")),
            st.none() | xtextTexts.filter(lambda text: 0 < len(text) < 30),
        ),
        st.builds(DSNRcpt, st.none() | notifies, st.none() | orcpts | utf8Orcpts),
    )
    def test_envelope(self, sender, address, bodyType, dsn, rcptDSN):
        """What it understands is what we have understood."""
        client = MemoryServer(options=memoryOptions(extensions=BUILT_IN)).connect()
        client.hear()
        lines = [line[4:] for line in client.say("EHLO mx.example.org")]
        offers = Offers.parse(Reply(250, "\n".join(lines)))
        given = envelope(sender, bodyType=bodyType, smtpUtf8=True, dsn=dsn)
        recipient = SMTPAddress(address, dsn=rcptDSN)
        mail = mailCommand(given, offers).decode("utf-8")
        rcpt = rcptCommand(recipient, offers).decode("utf-8")

        self.assertEqual(client.say(mail), ["250 2.1.0 Sender OK"], mail)
        self.assertEqual(client.say(rcpt), ["250 2.1.5 Recipient OK"], rcpt)

        understood = client.session.envelope
        self.assertEqual(str(understood.mailFrom), sender)
        self.assertEqual(understood.bodyType, bodyType)
        self.assertTrue(understood.smtpUtf8)
        self.assertEqual(understood.dsn, dsn)
        [found] = understood.rcptTo
        self.assertEqual((found.address, found.dsn), (address, rcptDSN))


class ReplyTests(TableTestCase):
    """What our client is told."""

    def test_refusals(self) -> None:
        """
        What the next hop has said, unless that would end our client's connection.
        """
        self.assertGives(lambda reply: str(refusal(reply).reply), REFUSALS)

    def test_lost(self) -> None:
        """Who says 421 or 521 is gone."""
        for code in (421, 521):
            self.assertIsInstance(refusal(Reply(code, "")), NextHopLost)
        self.assertNotIsInstance(refusal(Reply(550, "")), NextHopLost)

    def test_outcome(self) -> None:
        """The last word is accepted, refused, or makes no sense."""
        self.assertEqual(outcome(Reply(250, "Q1", "2.6.0")), Reply(250, "Q1", "2.6.0"))
        self.assertEqual(outcome(Reply(251, "Q1")), Reply(250, "Q1", "2.0.0"))
        refused = outcome(Reply(554, "Spam", "5.7.1"))
        assert isinstance(refused, SMTPError)
        self.assertEqual(str(refused.reply), "554 5.7.1 Spam")
        self.assertIsInstance(outcome(Reply(354, "Go on")), NextHopLost)
