"""
Tests of smtpsession.errors.
"""

from __future__ import annotations

from smtpsession import errors
from smtpsession.errors import (
    BareNewline,
    CertificateError,
    ConfigError,
    DeliveryStopped,
    HeaderTooLarge,
    MessageAborted,
    MessageDiscarded,
    MessageError,
    MessageRefused,
    MessageTooLarge,
    ProxyError,
    SASLError,
    SMTPError,
    SMTPSessionError,
)
from smtpsession.replies import (
    BAD_FORWARD_PATH,
    LOCAL_ERROR,
    TOO_MANY_CLIENTS,
    UNKNOWN_COMMAND,
    EnhancedCode,
    Reply,
)
from tests.cases import TableTestCase, codes

#: Each error and the one that it is a kind of, as the docstring of the module draws it.
TREE = {
    SMTPSessionError: Exception,
    SMTPError: SMTPSessionError,
    SASLError: SMTPError,
    MessageError: SMTPSessionError,
    MessageRefused: MessageError,
    MessageTooLarge: MessageRefused,
    BareNewline: MessageRefused,
    HeaderTooLarge: MessageRefused,
    MessageAborted: MessageError,
    MessageDiscarded: MessageError,
    DeliveryStopped: SMTPSessionError,
    ProxyError: SMTPSessionError,
    ConfigError: SMTPSessionError,
    CertificateError: SMTPSessionError,
}

REFUSALS = [
    # name, (code, text, enhanced), codes of the reply
    ("with an enhanced code", (550, "No", "5.7.1"), "550 5.7.1"),
    ("with one as an object", (550, "No", EnhancedCode(5, 7, 1)), "550 5.7.1"),
    ("transient without one", (450, "Later", None), "450 4.0.0"),
    ("permanent without one", (550, "No", None), "550 5.0.0"),
    ("the lowest code", (400, "", None), "400 4.0.0"),
    ("the highest code", (599, "", None), "599 5.0.0"),
]

NOT_REFUSALS = [
    # name, (code, text, enhanced)
    ("success", (250, "OK", None)),
    ("go on", (354, "Go on", None)),
    ("just below", (399, "", None)),
    ("just above", (600, "", None)),
    ("codes that contradict each other", (550, "No", "4.0.0")),
    ("not an enhanced code", (550, "No", "5.7")),
]


class TreeTests(TableTestCase):
    """The tree of errors."""

    def test_tree(self):
        """Each error is a kind of the one above it, and of no other."""
        for error, parent in TREE.items():
            # What a parser raises is a ValueError besides.
            parents = [each for each in error.__bases__ if each is not ValueError]
            self.assertEqual([parent], parents, error.__name__)

    def test_complete(self):
        """The tree has every error of the module."""
        defined = {
            value
            for value in vars(errors).values()
            if isinstance(value, type) and value.__module__ == errors.__name__
        }

        self.assertEqual(defined, set(TREE))

    def test_drawn(self):
        """The drawing in the docstring of the module names every error."""
        drawing = errors.__doc__ or ""

        self.assertEqual([], [e.__name__ for e in TREE if e.__name__ not in drawing])


class SMTPErrorTests(TableTestCase):
    """How a callback refuses."""

    def test_reply(self):
        """The error carries the reply, whose class of failure is that of its code."""
        self.assertGives(lambda row: codes(SMTPError(*row).reply), REFUSALS)

    def test_notARefusal(self):
        """Nothing is refused with a code of success, nor with contradicting codes."""
        self.assertRefuses(ValueError, lambda row: SMTPError(*row), NOT_REFUSALS)

    def test_text(self):
        """The client is told the text of the error."""
        self.assertEqual(
            Reply(550, "Relaying denied", "5.7.1"),
            SMTPError(550, "Relaying denied", "5.7.1").reply,
        )

    def test_saying(self):
        """An error can be made from a reply, and then carries it."""
        rows = [
            (reply.text, reply, reply)
            for reply in (
                TOO_MANY_CLIENTS,
                LOCAL_ERROR,
                UNKNOWN_COMMAND,
                BAD_FORWARD_PATH,
            )
        ]

        self.assertGives(lambda reply: SMTPError.saying(reply).reply, rows)

    def test_sayingTheSame(self):
        """It carries this reply and no copy, so that none is made for each refusal."""
        self.assertIs(UNKNOWN_COMMAND, SMTPError.saying(UNKNOWN_COMMAND).reply)

    def test_str(self):
        """The error is shown as its reply."""
        self.assertEqual("550 5.7.1 No", str(SMTPError(550, "No", "5.7.1")))

    def test_causeIsPrivate(self):
        """What caused the error is neither in its reply nor in its text."""
        error = SMTPError(451, "Try later", "4.3.0")
        error.__cause__ = RuntimeError("the password is hunter2")

        self.assertEqual(b"451 4.3.0 Try later\r\n", error.reply.encode())
        self.assertNotIn("hunter2", str(error))


class MessageErrorTests(TableTestCase):
    """Why a message does not arrive."""

    def test_replies(self):
        """A message that cannot be accepted is refused with the code of the RFC."""
        rows: list[tuple[str, MessageRefused, str]] = [
            (
                "over the limit, RFC 1870 section 6.3",
                MessageTooLarge(1000),
                "552 5.3.4",
            ),
            ("a bare CR or LF, RFC 5321 section 2.3.8", BareNewline(), "550 5.6.0"),
            ("a header section over the limit", HeaderTooLarge(), "552 5.3.4"),
        ]

        self.assertGives(lambda error: codes(error.reply), rows)

    def test_limit(self):
        """A message over the limit is told which limit."""
        error = MessageTooLarge(1000)

        self.assertEqual(1000, error.limit)
        self.assertIn("1000", error.reply.text)

    def test_str(self):
        """An error about a message says what it is about."""
        self.assertEqual(str(BareNewline().reply), str(BareNewline()))
        self.assertIn("client", str(MessageAborted()))
        self.assertIn("discarded", str(MessageDiscarded()))
        self.assertIn("consumer", str(DeliveryStopped()))
