"""
Tests of smtpsession.dialogue: the table of verbs and states, with no protocol.

The tables here are written by hand, from RFC 5321 and RFC 2033, so that a row that is
changed by accident is noticed.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ServerOptions, SMTPAddress, SMTPSession
from smtpsession.actions import HANG_UP, READ_BODY, Accepted, Ask, Refused, Say
from smtpsession.dialogue import Dialogue
from smtpsession.rules import State
from smtpsession.verbs import RULES
from smtpsession.replies import Reply

#: The columns of the tables.
STATES = [
    State.GREETED,
    State.READY,
    State.SENDER,
    State.RECIPIENTS,
    State.REFUSED,
]

#: What comes back to a line in each of these states, where the application accepts.
SMTP = [
    # line, codes
    ("HELO client.example.com", [250, 250, 250, 250, 503]),
    ("EHLO client.example.com", [250, 250, 250, 250, 503]),
    ("MAIL FROM:<alice@example.com>", [503, 250, 503, 503, 503]),
    ("RCPT TO:<bob@example.org>", [503, 503, 250, 250, 503]),
    ("DATA", [503, 503, 554, 354, 503]),
    ("RSET", [250, 250, 250, 250, 503]),
    ("NOOP", [250, 250, 250, 250, 503]),
    ("VRFY bob", [252, 252, 252, 252, 503]),
    ("EXPN staff", [502, 502, 502, 502, 503]),
    ("HELP", [214, 214, 214, 214, 503]),
    ("QUIT", [221, 221, 221, 221, 221]),
    # Known elsewhere, not here.
    ("LHLO client.example.com", [500, 500, 500, 500, 500]),
    ("STARTTLS", [503, 502, 503, 503, 503]),
    ("AUTH PLAIN", [503, 502, 503, 503, 503]),
    ("XCLIENT PORT=1", [550, 550, 503, 503, 503]),
    ("XFORWARD PORT=1", [503, 550, 503, 503, 503]),
    ("TURN", [500, 500, 500, 500, 500]),
    ("WHAT", [500, 500, 500, 500, 500]),
    ("", [500, 500, 500, 500, 500]),
]

#: The same under LMTP: other hellos, and RFC 2033 wants 503 for DATA too early.
LMTP = [
    ("LHLO client.example.com", [250, 250, 250, 250, 503]),
    ("HELO client.example.com", [500, 500, 500, 500, 500]),
    ("EHLO client.example.com", [500, 500, 500, 500, 500]),
    ("MAIL FROM:<alice@example.com>", [503, 250, 503, 503, 503]),
    ("RCPT TO:<bob@example.org>", [503, 503, 250, 250, 503]),
    ("DATA", [503, 503, 503, 354, 503]),
    ("RSET", [250, 250, 250, 250, 503]),
    ("NOOP", [250, 250, 250, 250, 503]),
    ("VRFY bob", [252, 252, 252, 252, 503]),
    ("EXPN staff", [502, 502, 502, 502, 503]),
    ("HELP", [214, 214, 214, 214, 503]),
    ("QUIT", [221, 221, 221, 221, 221]),
]

#: Where each of these lines leads, from each state; all others change nothing.
LEADS_TO = [
    # line, states after it
    (
        "HELO client.example.com",
        [State.READY, State.READY, State.READY, State.READY, State.REFUSED],
    ),
    (
        "EHLO client.example.com",
        [State.READY, State.READY, State.READY, State.READY, State.REFUSED],
    ),
    (
        "MAIL FROM:<alice@example.com>",
        [
            State.GREETED,
            State.SENDER,
            State.SENDER,
            State.RECIPIENTS,
            State.REFUSED,
        ],
    ),
    (
        "RCPT TO:<bob@example.org>",
        [
            State.GREETED,
            State.READY,
            State.RECIPIENTS,
            State.RECIPIENTS,
            State.REFUSED,
        ],
    ),
    (
        "DATA",
        [State.GREETED, State.READY, State.SENDER, State.MESSAGE, State.REFUSED],
    ),
    (
        "RSET",
        [State.GREETED, State.READY, State.READY, State.READY, State.REFUSED],
    ),
    ("QUIT", [State.CLOSED] * 5),
]

REFUSAL = Refused(Reply(550, "No", "5.7.1"))


def exchange(dialogue: Dialogue, line: str, outcome: Any = None) -> list[int]:
    """Hand in a line, answer what is asked with the outcome, and give the codes."""
    actions = dialogue.receive(line.encode())
    if isinstance(actions[0], Ask):
        actions = dialogue.answered(outcome or Accepted())
    return [each.reply.code for each in actions if isinstance(each, Say)]


def dialogueIn(state: State, **options: Any) -> Dialogue:
    """A dialogue that stands there."""
    options.setdefault("hostname", "mx.example.org")
    dialogue = Dialogue(SMTPSession(), ServerOptions(**options))
    dialogue.connected()
    dialogue.answered(REFUSAL if state is State.REFUSED else Accepted())
    hello = "LHLO x" if options.get("protocol") == "lmtp" else "EHLO x"
    steps = [
        hello,
        "MAIL FROM:<alice@example.com>",
        "RCPT TO:<bob@example.org>",
        "DATA",
    ]
    order = [State.READY, State.SENDER, State.RECIPIENTS, State.MESSAGE]
    if state in order:
        for line in steps[: order.index(state) + 1]:
            exchange(dialogue, line)
    assert dialogue.state is state
    return dialogue


class TableTests(SynchronousTestCase):
    """Every verb in every state."""

    def assertTable(self, rows: list[tuple[str, list[int]]], protocol: str) -> None:
        for line, codes in rows:
            for state, code in zip(STATES, codes, strict=True):
                dialogue = dialogueIn(state, protocol=protocol)
                self.assertEqual(exchange(dialogue, line), [code], (line, state))

    def test_smtp(self) -> None:
        """
        Under SMTP each verb has its reply in each state.
        """
        self.assertTable(SMTP, "smtp")

    def test_lmtp(self) -> None:
        """
        So it has under LMTP.
        """
        self.assertTable(LMTP, "lmtp")

    def test_tablesAreWhole(self) -> None:
        """
        The tables of this test name every verb that there is.
        """
        for rows, protocol in ((SMTP, "smtp"), (LMTP, "lmtp")):
            named = {line.partition(" ")[0] for line, _ in rows}
            self.assertEqual(set(RULES[protocol]) - named, set())

    def test_states(self) -> None:
        """
        Each verb leads where it should, and nowhere if it is refused.
        """
        for line, after in LEADS_TO:
            for before, expected in zip(STATES, after, strict=True):
                dialogue = dialogueIn(before)
                exchange(dialogue, line)
                self.assertIs(dialogue.state, expected, (line, before))

    def test_othersLeadNowhere(self) -> None:
        """
        All other lines leave the state as it is.
        """
        leading = {line for line, _ in LEADS_TO}
        for line, _ in SMTP:
            for state in STATES:
                if line not in leading:
                    dialogue = dialogueIn(state)
                    exchange(dialogue, line)
                    self.assertIs(dialogue.state, state, (line, state))

    def test_refusalsLeadNowhere(self) -> None:
        """
        What the application refuses leaves the state and the envelope as they are.
        """
        for line, before in (
            ("HELO client.example.com", State.RECIPIENTS),
            ("MAIL FROM:<alice@example.com>", State.READY),
            ("RCPT TO:<bob@example.org>", State.SENDER),
            ("RCPT TO:<bob@example.org>", State.RECIPIENTS),
        ):
            dialogue = dialogueIn(before)
            envelope = dialogue.session.envelope
            recipients = list(envelope.rcptTo)
            self.assertEqual(exchange(dialogue, line, REFUSAL), [550], line)
            self.assertIs(dialogue.state, before, line)
            self.assertIs(dialogue.session.envelope, envelope, line)
            self.assertEqual(envelope.rcptTo, recipients, line)


class ActionTests(SynchronousTestCase):
    """What the dialogue wants done."""

    def test_connect(self) -> None:
        """
        First of all the application is asked whether it wants the client.
        """
        dialogue = Dialogue(SMTPSession(), ServerOptions(hostname="mx.example.org"))
        self.assertEqual(dialogue.connected(), (Ask("onConnect"),))
        [greeting] = dialogue.answered(Accepted())
        assert isinstance(greeting, Say)
        self.assertEqual(str(greeting.reply), "220 mx.example.org ESMTP ready")

    def test_questions(self) -> None:
        """
        HELO, MAIL and RCPT ask the application, each its own callback.
        """
        for line, state, callback in (
            ("HELO x", State.GREETED, "onHelo"),
            ("MAIL FROM:<>", State.READY, "onMailFrom"),
            ("RCPT TO:<bob@example.org>", State.SENDER, "onRcptTo"),
        ):
            [ask] = dialogueIn(state).receive(line.encode())
            assert isinstance(ask, Ask)
            self.assertEqual(ask.callback, callback)
            self.assertEqual(len(ask.arguments), 1)

    def test_nothingIsAskedInVain(self) -> None:
        """
        The application is not asked about what the dialogue refuses by itself.
        """
        for line in ("HELO", "HELO -", "MAIL", "MAIL FROM:<x>", "MAIL FROM:<> X=Y"):
            [said] = dialogueIn(State.READY).receive(line.encode())
            self.assertIsInstance(said, Say, line)

    def test_data(self) -> None:
        """
        DATA says 354, then has the message read.
        """
        said, read = dialogueIn(State.RECIPIENTS).receive(b"DATA")
        assert isinstance(said, Say)
        self.assertEqual(said.reply.code, 354)
        self.assertIs(read, READ_BODY)

    def test_quit(self) -> None:
        """
        QUIT says 221, then hangs up: two actions.
        """
        said, hangUp = dialogueIn(State.READY).receive(b"QUIT")
        assert isinstance(said, Say)
        self.assertEqual(said.reply.code, 221)
        self.assertIs(hangUp, HANG_UP)

    def test_refusalThatHangsUp(self) -> None:
        """
        421 and 521 hang up, other refusals do not.
        """
        for code, last in ((421, True), (521, True), (420, False), (550, False)):
            dialogue = dialogueIn(State.READY)
            dialogue.receive(b"MAIL FROM:<>")
            actions = dialogue.answered(Refused(Reply(code, "No")))
            self.assertEqual(HANG_UP in actions, last, code)
            self.assertEqual(dialogue.state is State.CLOSED, last, code)

    def test_hangUp(self) -> None:
        """
        From outside the dialogue can be ended at any time.
        """
        for state in [*STATES, State.MESSAGE]:
            dialogue = dialogueIn(state)
            reply = Reply(421, "Enough", "4.3.2")
            self.assertEqual(dialogue.hangUp(reply), (Say(reply), HANG_UP))
            self.assertIs(dialogue.state, State.CLOSED)

    def test_message(self) -> None:
        """
        After the message there is a reply, under LMTP one for each recipient, and the
        next transaction may begin.
        """
        for protocol, count in (("smtp", 1), ("lmtp", 2)):
            dialogue = dialogueIn(State.RECIPIENTS, protocol=protocol)
            exchange(dialogue, "RCPT TO:<carol@example.org>")
            dialogue.receive(b"DATA")
            actions = dialogue.answered(Accepted())
            self.assertEqual(len(actions), count, protocol)
            self.assertIs(dialogue.state, State.READY)
            self.assertEqual(dialogue.session.transaction, 1)

    def test_changedRecipients(self) -> None:
        """
        So many replies as recipients were accepted, whatever becomes of their list.
        """
        for changed in ([], [SMTPAddress("a@example.org")] * 3):
            dialogue = dialogueIn(State.RECIPIENTS, protocol="lmtp")
            exchange(dialogue, "RCPT TO:<carol@example.org>")
            dialogue.receive(b"DATA")
            dialogue.session.envelope.rcptTo[:] = changed
            self.assertEqual(len(dialogue.answered(Accepted())), 2)
            for line in ("MAIL FROM:<>", "RCPT TO:<a@example.org>"):
                exchange(dialogue, line)
            dialogue.receive(b"DATA")
            self.assertEqual(len(dialogue.answered(Accepted())), 1)

    def test_wrongResult(self) -> None:
        """
        A result that is not of the contract leaves the question open, for another one.
        """
        dialogue = dialogueIn(State.MESSAGE)
        self.assertRaises(TypeError, dialogue.answered, Accepted(250))
        [said] = dialogue.answered(REFUSAL)
        self.assertEqual(said, Say(REFUSAL.reply))


class MistakeTests(SynchronousTestCase):
    """What counts against the limit of errors."""

    def countsAsMistake(self, line: str, outcome: Any = None) -> bool:
        """Whether this line ends a conversation that may have no mistake."""
        dialogue = dialogueIn(State.READY, errors=0)
        return exchange(dialogue, line, outcome) == [421]

    def test_mistakes(self) -> None:
        """
        What is not understood, out of order or malformed is a mistake.
        """
        for line in (
            "",
            "WHAT",
            "NOOP \x00",
            "MAIL",
            "MAIL FROM:<a b>",
            "MAIL FROM:<> COLOR=BLUE",
            "MAIL FROM:<> SIZE=x",
            "NOOP " + "x" * 600,
        ):
            self.assertTrue(self.countsAsMistake(line), line[:40])

    def test_noMistakes(self) -> None:
        """
        What is understood and refused is not, nor what a pipelining client sends behind
        a MAIL that is refused (RFC 2920, section 3.1).
        """
        for line in (
            "DATA",
            "RCPT TO:<bob@example.org>",
            "NOOP",
            "EXPN staff",
            "VRFY bob",
            "MAIL FROM:<alice@example.com> SIZE=99999999999",
            "MAIL FROM:<jörg@example.com>",
        ):
            self.assertFalse(self.countsAsMistake(line), line)
        self.assertFalse(self.countsAsMistake("MAIL FROM:<>", REFUSAL))
        syntax = Refused(Reply(501, "I do not like it", "5.5.4"))
        self.assertFalse(self.countsAsMistake("MAIL FROM:<>", syntax))

    def test_overlong(self) -> None:
        """
        A line that was too long to be kept is one.
        """
        dialogue = dialogueIn(State.READY, errors=1)
        [said] = dialogue.receiveOverlong()
        assert isinstance(said, Say)
        self.assertEqual(said.reply.code, 500)
        self.assertIn(HANG_UP, dialogue.receiveOverlong())

    def test_overlongAndFollowed(self) -> None:
        """
        Where octets follow such a line, nobody knows how many: it ends there.
        """
        for beginning, codes in (
            (b"BDAT 5 LAST", [421]),
            (b"bdat " + b"0" * 59, [421]),
            (b"BDAT" + b"x" * 60, [500]),
            (b"NOOP BDAT 5", [500]),
        ):
            actions = dialogueIn(State.READY).receiveOverlong(beginning)
            said = [each.reply.code for each in actions if isinstance(each, Say)]
            self.assertEqual(said, codes, beginning)
            self.assertEqual(HANG_UP in actions, codes == [421], beginning)

    def test_limit(self) -> None:
        """
        So many mistakes are forgiven as the option says, on the whole connection.
        """
        for errors in (0, 1, 5):
            dialogue = dialogueIn(State.READY, errors=errors)
            for _ in range(errors):
                self.assertEqual(exchange(dialogue, "WHAT"), [500])
                self.assertEqual(exchange(dialogue, "NOOP"), [250])
                self.assertEqual(exchange(dialogue, "HELO x"), [250])
            self.assertEqual(exchange(dialogue, "WHAT"), [421])
            self.assertIs(dialogue.state, State.CLOSED)

    def test_refusedClient(self) -> None:
        """
        A refused client that goes on makes a mistake with each command.
        """
        dialogue = dialogueIn(State.REFUSED, errors=2)
        heard = [exchange(dialogue, "NOOP") for _ in range(3)]
        self.assertEqual(heard, [[503], [503], [421]])


class LineLimitTests(SynchronousTestCase):
    """How long a line may be."""

    def test_byOffer(self) -> None:
        """
        512 octets at first and after HELO; after EHLO as much more as the extensions
        need for their parameters.
        """
        dialogue = dialogueIn(State.GREETED)
        self.assertEqual(dialogue.lineLimit, 512)
        exchange(dialogue, "EHLO x")
        self.assertGreaterEqual(dialogue.lineLimit, 512 + 500)
        exchange(dialogue, "HELO x")
        self.assertEqual(dialogue.lineLimit, 512)

    def test_byVerb(self) -> None:
        """
        Only the verb that has the parameters may have the longer line.
        """
        dialogue = dialogueIn(State.SENDER)
        self.assertEqual(exchange(dialogue, "NOOP " + "x" * 505), [250])
        self.assertEqual(exchange(dialogue, "NOOP " + "x" * 506), [500])
        orcpt = "RCPT TO:<bob@example.org> ORCPT=rfc822;" + "x" * 490
        self.assertEqual(exchange(dialogue, orcpt), [250])
