"""
Tests of smtpsession.extensions.
"""

from __future__ import annotations

from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from smtpsession import Extension, MailParameter, RcptParameter
from smtpsession.addresses import SMTPAddress
from smtpsession.chunking import BINARYMIME, CHUNKING
from smtpsession.commands import Mail, Rcpt
from smtpsession.errors import SMTPError
from smtpsession.extensions import (
    BUILT_IN,
    DSN,
    EIGHT_BIT_MIME,
    ENHANCED_STATUS_CODES,
    PIPELINING,
    SIZE,
    SMTPUTF8,
)
from smtpsession.limits import COMMAND_LINE, ENVID, ORCPT
from smtpsession.offers import Offer, offerNow
from smtpsession.parameters import DSNEnvelope, DSNRcpt
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.settings import Settings
from tests.cases import TableTestCase

LIMITS = Settings(messageSize=1000)

MAIL = [
    # name, parameters, (bodyType, smtpUtf8, ret, envid)
    ("no parameters", "", ("7bit", False, None, None)),
    ("a size", " SIZE=500", ("7bit", False, None, None)),
    ("the largest size", " SIZE=1000", ("7bit", False, None, None)),
    ("a size that is not known", " SIZE=0", ("7bit", False, None, None)),
    ("zeros in front", " SIZE=00000000000000000999", ("7bit", False, None, None)),
    ("7-bit", " BODY=7BIT", ("7bit", False, None, None)),
    ("8-bit", " BODY=8BITMIME", ("8bitmime", False, None, None)),
    ("8-bit, mixed case", " body=8BitMime", ("8bitmime", False, None, None)),
    ("SMTPUTF8", " SMTPUTF8", ("7bit", True, None, None)),
    ("the whole message", " RET=FULL", ("7bit", False, "FULL", None)),
    ("only the headers", " RET=hdrs", ("7bit", False, "HDRS", None)),
    ("an envelope identifier", " ENVID=QQ+2B1", ("7bit", False, None, "QQ+1")),
    ("the longest", " ENVID=" + "a" * 100, ("7bit", False, None, "a" * 100)),
    (
        "all of them",
        " SIZE=1 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x",
        ("8bitmime", True, "FULL", "x"),
    ),
]

BAD_MAIL = [
    # name, parameters, codes
    #
    # RFC 5321, section 4.1.1.11: not known.
    ("unknown", " FOO=bar", "555 5.5.4"),
    ("unknown without a value", " FOO", "555 5.5.4"),
    ("unknown among others", " SIZE=1 FOO=bar", "555 5.5.4"),
    ("known, but not to us", " AUTH=<>", "555 5.5.4"),
    ("not offered", " REQUIRETLS", "555 5.5.4"),
    ("a parameter of RCPT", " NOTIFY=NEVER", "555 5.5.4"),
    ("another one", " ORCPT=rfc822;a", "555 5.5.4"),
    ("the keyword of the extension, not its parameter", " 8BITMIME", "555 5.5.4"),
    ("another one of these", " DSN", "555 5.5.4"),
    #
    # A value where none may be, and none where one must be.
    ("SMTPUTF8 with a value", " SMTPUTF8=yes", "501 5.5.4"),
    ("SIZE without", " SIZE", "501 5.5.4"),
    ("BODY without", " BODY", "501 5.5.4"),
    ("RET without", " RET", "501 5.5.4"),
    ("ENVID without", " ENVID", "501 5.5.4"),
    #
    # RFC 1870.
    ("a size that is no number", " SIZE=big", "501 5.5.4"),
    ("a negative size", " SIZE=-1", "501 5.5.4"),
    ("a signed size", " SIZE=+1", "501 5.5.4"),
    ("a fraction", " SIZE=1.5", "501 5.5.4"),
    ("a size with a unit", " SIZE=1K", "501 5.5.4"),
    ("a size with underscores", " SIZE=1_0", "501 5.5.4"),
    ("digits that are not ASCII", " SMTPUTF8 SIZE=\u0661", "501 5.5.4"),
    ("a superscript", " SMTPUTF8 SIZE=\xb2", "501 5.5.4"),
    ("a size of 21 digits", " SIZE=000000000000000000001", "501 5.5.4"),
    ("very many digits", " SIZE=" + "1" * 10_000, "501 5.5.4"),
    ("a size over the limit", " SIZE=1001", "552 5.3.4"),
    ("20 digits", " SIZE=99999999999999999999", "552 5.3.4"),
    #
    # RFC 6152.
    ("a body type that there is not", " BODY=8BIT", "501 5.5.4"),
    #
    # RFC 3461; more in the tests of the parameters.
    ("neither all nor headers", " RET=SOME", "501 5.5.4"),
    ("not xtext", " ENVID=a+2b", "501 5.5.4"),
    ("a hidden line end", " ENVID=a+0D+0Ab", "501 5.5.4"),
    ("an identifier of 101 octets", " ENVID=" + "a" * 101, "501 5.5.4"),
]

RCPT = [
    # name, parameters, (notify, orcpt)
    ("no parameters", "", (None, None)),
    ("never", " NOTIFY=NEVER", (("NEVER",), None)),
    ("a list", " NOTIFY=SUCCESS,DELAY", (("SUCCESS", "DELAY"), None)),
    ("an original recipient", " ORCPT=rfc822;a+20b", (None, "rfc822;a b")),
    ("embedded UTF-8", " ORCPT=utf-8;\\x{E9}@b", (None, "utf-8;\xe9@b")),
    ("UTF-8 in xtext", " ORCPT=rfc822;+C3+A9@b", (None, "rfc822;\xe9@b")),
    ("both", " ORCPT=rfc822;a NOTIFY=FAILURE", (("FAILURE",), "rfc822;a")),
    ("mixed case", " notify=Never orcpt=RFC822;a", (("NEVER",), "RFC822;a")),
]

BAD_RCPT = [
    # name, parameters, codes
    ("unknown", " FOO=bar", "555 5.5.4"),
    ("unknown without a value", " FOO", "555 5.5.4"),
    ("a parameter of MAIL", " SIZE=1", "555 5.5.4"),
    ("another one", " SMTPUTF8", "555 5.5.4"),
    ("NOTIFY without a value", " NOTIFY", "501 5.5.4"),
    ("ORCPT without a value", " ORCPT", "501 5.5.4"),
    ("never and something", " NOTIFY=NEVER,DELAY", "501 5.5.4"),
    ("an occasion that there is not", " NOTIFY=ALWAYS", "501 5.5.4"),
    ("no type", " ORCPT=bob@example.org", "501 5.5.4"),
    ("no address", " ORCPT=rfc822;", "501 5.5.4"),
    ("not xtext", " ORCPT=rfc822;a+2b", "501 5.5.4"),
    ("a hidden line end", " ORCPT=rfc822;a+0D+0Ab", "501 5.5.4"),
    ("a hidden line end in UTF-8", " ORCPT=utf-8;a\\x{0A}b", "501 5.5.4"),
    ("501 octets", " ORCPT=rfc822;" + "a" * 494, "501 5.5.4"),
]

#: What needs SMTPUTF8 to be declared, RFC 6531, section 3.4, and RFC 6533, section 3.
UTF8_MAIL = [
    # name, arguments
    ("a local part", "FROM:<jos\xe9@example.org>"),
    ("a quoted one", 'FROM:<"jos\xe9"@example.org>'),
    ("a U-label", "FROM:<bob@b\xfccher.example>"),
]
UTF8_RCPT = [
    # name, arguments
    ("a local part", "TO:<jos\xe9@example.org>"),
    ("a U-label", "TO:<bob@b\xfccher.example>"),
    ("an original recipient", "TO:<bob@example.org> ORCPT=utf-8;jos\xe9@example.org"),
]


class TableOfExtensionsTests(TableTestCase):
    """The extensions that are built in."""

    def test_builtIn(self):
        """Each extension has its keyword and says where it is defined."""
        self.assertEqual(
            [
                ("PIPELINING", "RFC 2920"),
                ("SIZE", "RFC 1870"),
                ("8BITMIME", "RFC 6152"),
                ("SMTPUTF8", "RFC 6531"),
                ("ENHANCEDSTATUSCODES", "RFC 2034"),
                ("DSN", "RFC 3461"),
                ("CHUNKING", "RFC 3030"),
                ("BINARYMIME", "RFC 3030"),
                ("LIMITS", "RFC 9422"),
                ("STARTTLS", "RFC 3207"),
                ("AUTH", "RFC 4954"),
                ("XCLIENT", "Postfix"),
                ("XFORWARD", "Postfix"),
            ],
            [(each.keyword, each.rfc) for each in BUILT_IN],
        )

    def test_parameters(self):
        """Each extension licenses its own parameters."""
        self.assertGives(
            _licensed,
            [
                ("PIPELINING", PIPELINING, ([], [])),
                ("SIZE", SIZE, (["SIZE"], [])),
                ("8BITMIME", EIGHT_BIT_MIME, (["BODY"], [])),
                ("SMTPUTF8", SMTPUTF8, (["SMTPUTF8"], [])),
                ("ENHANCEDSTATUSCODES", ENHANCED_STATUS_CODES, ([], [])),
                ("DSN", DSN, (["RET", "ENVID"], ["NOTIFY", "ORCPT"])),
            ],
        )

    def test_octets(self):
        """Each extension lengthens a command line by what its RFC says."""
        self.assertEqual(26, SIZE.mailOctets, "RFC 1870, section 3")
        self.assertEqual(17, EIGHT_BIT_MIME.mailOctets, "RFC 6152, section 2")
        self.assertEqual(10, SMTPUTF8.mailOctets, "RFC 6531, section 3.1")
        self.assertEqual(0, PIPELINING.mailOctets + ENHANCED_STATUS_CODES.mailOctets)

    def test_frozen(self):
        """A row of the table never changes."""
        with self.assertRaises(FrozenInstanceError):
            SIZE.keyword = "X"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            MailParameter("X", _ignore).keyword = "Y"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            RcptParameter("X", _keep).keyword = "Y"  # type: ignore[misc]


class OfferTests(TableTestCase):
    """What EHLO and LHLO offer."""

    def test_lines(self):
        """The answer to EHLO has a line for each extension."""
        self.assertEqual(
            (
                "PIPELINING",
                "SIZE 1000",
                "8BITMIME",
                "SMTPUTF8",
                "ENHANCEDSTATUSCODES",
                "DSN",
                "CHUNKING",
                "BINARYMIME",
                "LIMITS RCPTMAX=1000 MAILMAX=1000",
            ),
            _offer().lines,
        )

    def test_nothing(self):
        """HELO offers nothing, and so lengthens nothing."""
        offer = _offer(())

        self.assertEqual(((), 0, 0), (offer.lines, offer.mailOctets, offer.rcptOctets))

    def test_octets(self):
        """What is offered is allowed its place in a line."""
        offer = _offer()

        self.assertEqual(26 + 17 + 10 + DSN.mailOctets + 16, offer.mailOctets)
        self.assertEqual(DSN.rcptOctets, offer.rcptOctets)

    def test_longestMail(self):
        """The longest path with all parameters at their longest fits into a line."""
        path = "a" * 64 + "@" + ".".join(["b" * 63, "c" * 63, "d" * 61])
        line = (
            f"MAIL FROM:<{path}> SIZE={'0' * 19}1 BODY=8BITMIME SMTPUTF8"
            f" RET=FULL ENVID={'e' * ENVID}\r\n"
        )

        self.assertTrue(len(line) <= COMMAND_LINE + _offer().mailOctets)
        self.assertTrue(DSN.mailOctets >= len(f" RET=FULL ENVID={'e' * ENVID}"))

    def test_longestRcpt(self):
        """So does the longest recipient."""
        parameters = " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + "a" * (ORCPT - 7)

        self.assertTrue(DSN.rcptOctets >= len(parameters))

    def test_needs(self):
        """What needs another extension is offered with it only, in any order."""

        def keywords(*extensions: Extension) -> tuple[str, ...]:
            return _offer(extensions).lines

        self.assertEqual((), keywords(BINARYMIME))
        both = ("CHUNKING", "BINARYMIME")
        self.assertEqual(both, keywords(CHUNKING, BINARYMIME))
        self.assertEqual(both[::-1], keywords(BINARYMIME, CHUNKING))
        absent = evolve(CHUNKING, offer=lambda session, settings: None)
        self.assertEqual((), keywords(absent, BINARYMIME))
        # RFC 6531, section 3.1: a server with SMTPUTF8 has to offer 8BITMIME.
        self.assertEqual((), keywords(SMTPUTF8))
        both = ("SMTPUTF8", "8BITMIME")
        self.assertEqual(both, keywords(SMTPUTF8, EIGHT_BIT_MIME))

    def test_anyOrder(self):
        """Each of two extensions that know BODY has its values, in whatever order."""
        for rows in (
            (EIGHT_BIT_MIME, CHUNKING, BINARYMIME),
            (BINARYMIME, CHUNKING, EIGHT_BIT_MIME),
        ):
            offer = _offer(rows)
            for value in ("7bit", "8bitmime", "binarymime"):
                envelope = offer.envelope(_sender(f" BODY={value.upper()}"), LIMITS)
                self.assertEqual(value, envelope.bodyType)

    def test_noBinaryWithoutChunks(self):
        """BODY=BINARYMIME is refused where no message can be sent so."""
        without = tuple(each for each in BUILT_IN if each is not CHUNKING)
        self.assertRefusesWith(
            lambda text: _offer(without).envelope(_sender(text), LIMITS),
            [("BINARYMIME", " BODY=BINARYMIME", "501 5.5.4")],
        )

    def test_offeredNow(self):
        """An extension may look at the session and not be offered now."""
        afterTLS = Extension(
            keyword="X-TLS",
            rfc="none",
            offer=lambda session, limits: "now" if session.secure else None,
            mailParameters=(MailParameter("X-T", _ignore),),
            mailOctets=5,
        )
        clear = _offer((afterTLS,))
        secure = offerNow((afterTLS,), SMTPSession(secure=True), LIMITS)

        self.assertEqual(((), 0), (clear.lines, clear.mailOctets))
        self.assertEqual((("X-TLS now",), 5), (secure.lines, secure.mailOctets))
        self.assertRefusesWith(
            lambda offer: offer.envelope(_sender(" X-T=1"), LIMITS),
            [("not offered", clear, "555 5.5.4")],
        )
        secure.envelope(_sender(" X-T=1"), LIMITS)

    def test_sameForAll(self):
        """Clients that are offered the same share one object."""
        other = SMTPSession(remoteAddress="192.0.2.7")
        self.assertIs(_offer(), offerNow(BUILT_IN, other, LIMITS))
        self.assertIsNot(_offer(), offerNow(BUILT_IN, other, Settings(messageSize=2)))


class EnvelopeTests(TableTestCase):
    """The parameters of MAIL."""

    def test_parameters(self):
        """What is offered is understood, and kept in the envelope."""
        self.assertGives(lambda text: _summary(_envelope(text)), MAIL)

    def test_refused(self):
        """What is not offered gets 555, what is malformed 501, a large size 552."""
        self.assertRefusesWith(_envelope, BAD_MAIL)

    def test_sender(self):
        """The envelope has the sender, with all that it came with."""
        sender = _sender(" SIZE=1")

        self.assertEqual(sender, _offer().envelope(sender, LIMITS).mailFrom)

    def test_notOffered(self):
        """After HELO no parameter is understood, and there is no DSN."""
        parameters = [(n, text) for n, text, _ in MAIL if text]

        self.assertRefusesWith(
            lambda text: _offer(()).envelope(_sender(text), LIMITS),
            [(name, text, "555 5.5.4") for name, text in parameters],
        )
        self.assertEqual(None, _offer(()).envelope(_sender(""), LIMITS).dsn)

    def test_dsnOffered(self):
        """Where DSN is offered, the envelope says so even if nothing was asked."""
        self.assertEqual(DSNEnvelope(), _offer().envelope(_sender(""), LIMITS).dsn)

    def test_noSharedEnvelope(self):
        """Every transaction has an envelope of its own."""
        offer = _offer()
        first = offer.envelope(_sender(" RET=FULL"), LIMITS)
        first.rcptTo.append(SMTPAddress("bob@example.org"))
        second = offer.envelope(_sender(""), LIMITS)

        self.assertEqual([], second.rcptTo)
        self.assertEqual(DSNEnvelope(), second.dsn)

    def test_utf8(self):
        """An address beyond ASCII needs SMTPUTF8 declared, RFC 6531, section 3.5."""

        def envelope(arguments: str) -> bool:
            sender = Mail.parse(arguments.encode("utf-8")).address
            return _offer().envelope(sender, LIMITS).smtpUtf8

        declared = [(n, text + " SMTPUTF8", True) for n, text in UTF8_MAIL]

        self.assertGives(envelope, declared)
        self.assertRefusesWith(envelope, [(n, t, "553 5.6.7") for n, t in UTF8_MAIL])


class RecipientTests(TableTestCase):
    """The parameters of RCPT."""

    def test_parameters(self):
        """What is offered is understood, and kept with the recipient."""

        def asked(text: str) -> tuple[object, object]:
            dsn = _recipient(text).dsn
            assert dsn is not None
            return dsn.notify, dsn.orcpt

        self.assertGives(asked, RCPT)

    def test_refused(self):
        """What is not offered gets 555, what is malformed 501."""
        self.assertRefusesWith(_recipient, BAD_RCPT)

    def test_address(self):
        """The recipient is otherwise as it was given."""
        given = Rcpt.parse(b"TO:<Bob@Example.org> NOTIFY=NEVER").address
        recipient = _offer().recipient(given, SMTPEnvelope())

        self.assertEqual("Bob@Example.org", recipient.address)
        self.assertEqual("example.org", recipient.domain)
        self.assertEqual({"NOTIFY": "NEVER"}, dict(recipient.args))
        self.assertEqual(None, given.dsn)

    def test_notOffered(self):
        """After HELO no parameter is understood, and there is no DSN."""
        offer = _offer(())

        self.assertRefusesWith(
            lambda text: offer.recipient(_rcptTo(text), SMTPEnvelope()),
            [(name, text, "555 5.5.4") for name, text, _ in RCPT if text],
        )
        self.assertEqual(None, offer.recipient(_rcptTo(""), SMTPEnvelope()).dsn)

    def test_dsnOffered(self):
        """Where DSN is offered, the recipient says so even if nothing was asked."""
        self.assertEqual(DSNRcpt(), _recipient("").dsn)

    def test_utf8(self):
        """What is beyond ASCII needs SMTPUTF8 declared with MAIL."""

        def recipient(arguments: str, smtpUtf8: bool = False) -> str:
            given = Rcpt.parse(arguments.encode("utf-8")).address
            envelope = SMTPEnvelope(smtpUtf8=smtpUtf8)
            return _offer().recipient(given, envelope).address

        self.assertRefusesWith(recipient, [(n, t, "553 5.6.7") for n, t in UTF8_RCPT])
        for name, arguments in UTF8_RCPT:
            self.assertIn(recipient(arguments, smtpUtf8=True), arguments, name)


class OwnExtensionTests(TableTestCase):
    """An extension of a user's own."""

    def test_parameters(self):
        """It licenses parameters and fills in what it likes."""

        def fillMail(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
            envelope.requireTLS = True

        def fillRcpt(address: SMTPAddress, value: str) -> SMTPAddress:
            return SMTPAddress(value)

        own = Extension(
            keyword="X-OWN",
            rfc="none",
            offer=lambda session, limits: "a b",
            mailParameters=(MailParameter("X-FLAG", fillMail, takesValue=False),),
            rcptParameters=(RcptParameter("X-TO", fillRcpt),),
            mailOctets=7,
            rcptOctets=100,
        )
        offer = _offer((*BUILT_IN, own))

        self.assertEqual("X-OWN a b", offer.lines[-1])
        self.assertTrue(offer.envelope(_sender(" X-FLAG"), LIMITS).requireTLS)
        self.assertEqual(
            "eve@example.net",
            offer.recipient(_rcptTo(" X-TO=eve@example.net"), SMTPEnvelope()).address,
        )
        self.assertEqual(_offer().mailOctets + 7, offer.mailOctets)
        self.assertEqual(_offer().rcptOctets + 100, offer.rcptOctets)

    def test_utf8(self):
        """What is beyond ASCII in its parameters needs SMTPUTF8 declared too."""

        def fill(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
            envelope.state["X"] = value

        own = Extension(
            keyword="X", rfc="none", mailParameters=(MailParameter("X", fill),)
        )

        def filled(arguments: str) -> object:
            envelope = _offer((*BUILT_IN, own)).envelope(_sender(arguments), LIMITS)
            return envelope.state["X"]

        self.assertRefusesWith(filled, [("alone", " X=\xfc", "553 5.6.7")])
        self.assertGives(filled, [("with SMTPUTF8", " X=\xfc SMTPUTF8", "\xfc")])

    def test_prepare(self):
        """It may prepare every envelope and every recipient."""

        def prepareEnvelope(envelope: SMTPEnvelope) -> None:
            envelope.requireTLS = True

        def prepareRecipient(address: SMTPAddress) -> SMTPAddress:
            return address.withDSN(DSNRcpt(orcpt="rfc822;x"))

        own = Extension(
            keyword="X-OWN",
            rfc="none",
            prepareEnvelope=prepareEnvelope,
            prepareRecipient=prepareRecipient,
        )
        offer = _offer((own,))

        self.assertTrue(offer.envelope(_sender(""), LIMITS).requireTLS)
        self.assertEqual(
            DSNRcpt(orcpt="rfc822;x"), offer.recipient(_rcptTo(""), SMTPEnvelope()).dsn
        )

    def test_refuses(self):
        """It refuses a value with a `ValueError`, or with a reply of its own."""

        def refuse(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
            if value == "bad":
                raise ValueError(value)
            raise SMTPError(550, "Not today", "5.7.1")

        own = Extension(
            keyword="X-OWN", rfc="none", mailParameters=(MailParameter("X", refuse),)
        )

        self.assertRefusesWith(
            lambda text: _offer((own,)).envelope(_sender(text), LIMITS),
            [
                ("a ValueError", " X=bad", "501 5.5.4"),
                ("an SMTPError", " X=other", "550 5.7.1"),
            ],
        )


def _ignore(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    pass


def _keep(address: SMTPAddress, value: str) -> SMTPAddress:
    return address


def _licensed(extension: Extension) -> tuple[list[str], list[str]]:
    return (
        [each.keyword for each in extension.mailParameters],
        [each.keyword for each in extension.rcptParameters],
    )


def _offer(extensions: tuple[Extension, ...] = BUILT_IN) -> Offer:
    return offerNow(extensions, SMTPSession(), LIMITS)


def _sender(parameters: str) -> SMTPAddress:
    return Mail.parse(f"FROM:<bob@example.org>{parameters}".encode()).address


def _rcptTo(parameters: str) -> SMTPAddress:
    return Rcpt.parse(f"TO:<bob@example.org>{parameters}".encode()).address


def _envelope(parameters: str) -> SMTPEnvelope:
    return _offer().envelope(_sender(parameters), LIMITS)


def _recipient(parameters: str) -> SMTPAddress:
    return _offer().recipient(_rcptTo(parameters), SMTPEnvelope())


def _summary(envelope: SMTPEnvelope) -> tuple[object, ...]:
    assert envelope.dsn is not None
    return envelope.bodyType, envelope.smtpUtf8, envelope.dsn.ret, envelope.dsn.envid
