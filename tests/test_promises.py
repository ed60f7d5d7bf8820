"""
Tests of smtpsession.promises, and of the limits that LIMITS announces.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    DeliverBy,
    Extension,
    FutureRelease,
    MailParameter,
    RcptParameter,
    SMTPEnvelope,
)
from smtpsession import RRVS as Since
from smtpsession.authentication import AUTH
from smtpsession.extensions import BUILT_IN
from smtpsession.promises import (
    OPT_IN,
    REQUIRETLS,
    RRVS,
    deliverBy,
    futureRelease,
    mtPriority,
)
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.cases import TableTestCase
from tests.conversations import RCPT, RECIPIENT_OK, SENDER_OK

MAIL = "MAIL FROM:<alice@example.com>"
PROMISES = [REQUIRETLS, deliverBy(60), mtPriority("MIXER"), futureRelease(3600), RRVS]


def connect(
    extensions: list[Extension], secure: bool = True, **options: Any
) -> tuple[MemoryClient, list[str]]:
    """A client that has said EHLO, and the lines of the answer."""
    offered = [*BUILT_IN, *extensions]
    server = MemoryServer(options=memoryOptions(extensions=offered, **options))
    client = server.connect()
    client.hear()
    client.session.secure = secure
    return client, client.say("EHLO client.example.com")


def ahead(seconds: int) -> str:
    """A point in time, as a client writes it."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


BAD_BY = "501 5.5.4 Bad value of parameter BY"
ACCEPTED = [
    # parameters, the field of the envelope, what it then is
    ("REQUIRETLS", "requireTLS", True),
    ("BY=120;R", "deliverBy", DeliverBy(120, "R")),
    ("BY=-5;NT", "deliverBy", DeliverBy(-5, "N", True)),
    ("MT-PRIORITY=-9", "priority", -9),
    ("MT-PRIORITY=3", "priority", 3),
    ("HOLDFOR=3600", "futureRelease", FutureRelease(holdFor=3600)),
]
REFUSED = [
    # parameters, reply
    ("REQUIRETLS=yes", "501 5.5.4 Bad value of parameter REQUIRETLS"),
    ("BY=59;R", "553 5.7.0 Cannot be delivered in so short a time"),
    ("BY=0;R", BAD_BY),
    ("BY=1", BAD_BY),
    ("BY", BAD_BY),
    ("MT-PRIORITY=10", "501 5.5.4 Bad value of parameter MT-PRIORITY"),
    ("MT-PRIORITY=+1", "501 5.5.4 Bad value of parameter MT-PRIORITY"),
    ("MT-PRIORITY=-0", "501 5.5.4 Bad value of parameter MT-PRIORITY"),
    ("MT-PRIORITY", "501 5.5.4 Bad value of parameter MT-PRIORITY"),
    ("HOLDFOR=0", "501 5.5.4 Bad value of parameter HOLDFOR"),
    ("HOLDFOR=3601", "501 5.5.4 Cannot be held for so long"),
    ("HOLDFOR=x", "501 5.5.4 Bad value of parameter HOLDFOR"),
    ("HOLDUNTIL=" + ahead(9999), "501 5.5.4 Cannot be held for so long"),
    ("HOLDUNTIL=soon", "501 5.5.4 Bad value of parameter HOLDUNTIL"),
    (
        "HOLDFOR=60 HOLDUNTIL=" + ahead(60),
        "501 5.5.4 Bad value of parameter HOLDUNTIL",
    ),
    (
        "HOLDUNTIL=" + ahead(60) + " HOLDFOR=60",
        "501 5.5.4 Bad value of parameter HOLDFOR",
    ),
]
BAD_SINCE = [
    # the value of RRVS
    "never",
    "2014-04-03T23:01:00Z;X",
    "2014-04-03T23:01:00Z;",
    "2014-04-03T23:01:00Z;CR",
    ";C",
    "2014-04-03T23:01:00",
    "2014-04-03",
]

#: A parameter that makes a line as long as a test wants it, and lengthens none.
PADDING = Extension(
    keyword="X-PAD",
    rfc="none",
    mailParameters=(MailParameter("X-PAD", lambda envelope, value, _: None),),
    rcptParameters=(RcptParameter("X-PAD", lambda address, value: address),),
)
GRANTS = [
    # extension, whose line it lengthens, its parameter, by how many octets
    (AUTH, "MAIL", "AUTH=" + "+61" * 64 + "@example.com", 500),
    (REQUIRETLS, "MAIL", "REQUIRETLS", 11),
    (deliverBy(), "MAIL", "BY=-999999999;NT", 17),
    (mtPriority(), "MAIL", "MT-PRIORITY=-9", 15),
    (futureRelease(60), "MAIL", "HOLDUNTIL=" + ahead(30), 34),
    (RRVS, "RCPT", "RRVS=2014-04-03T23:01:00.9Z;C", 33),
]


class PromiseTests(TableTestCase):
    """What an application may let the server promise."""

    def test_bad(self) -> None:
        """A promise that cannot be announced cannot be made."""
        for promise, argument in (
            (deliverBy, -1),
            (deliverBy, 10**9),
            (mtPriority, "a\nSTARTTLS"),
            (mtPriority, ""),
            (mtPriority, "x" * 21),
            (futureRelease, 0),
            (futureRelease, 10**9),
        ):
            self.assertRaises(ValueError, promise, argument)

    def test_all(self) -> None:
        """All of them can be had at once."""
        client, offered = connect([*OPT_IN])
        keywords = [line[4:].partition(" ")[0] for line in offered]
        self.assertEqual(keywords[-5:], [each.keyword for each in OPT_IN])
        heard = client.say(
            f"{MAIL} REQUIRETLS BY=60;R MT-PRIORITY=1 HOLDFOR=60", f"{RCPT}"
        )
        self.assertEqual(heard, [SENDER_OK, RECIPIENT_OK])
        assert client.session.envelope.mailFrom is not None
        args = client.session.envelope.mailFrom.args
        self.assertEqual((args.BY, args.HOLDFOR, args.REQUIRETLS), ("60;R", "60", True))
        self.assertEqual(args["MT-PRIORITY"], "1")
        self.assertIsNone(args.HOLDUNTIL)

    def test_optIn(self) -> None:
        """None is offered, nor understood, unless the application asks for it."""
        client, offered = connect([])
        for extension in PROMISES:
            self.assertNotIn(extension.keyword, " ".join(offered))
            for parameter in extension.mailParameters:
                heard = client.say(f"{MAIL} {parameter.keyword}=1")
                self.assertEqual(heard[0][:9], "555 5.5.4", parameter.keyword)

    def test_offered(self) -> None:
        """Each is offered with what its RFC has behind the keyword."""
        _, offered = connect(PROMISES)
        for line in ("REQUIRETLS", "DELIVERBY 60", "MT-PRIORITY MIXER", "RRVS"):
            self.assertIn(line, [each[4:] for each in offered])
        [future] = [line for line in offered if "FUTURERELEASE" in line]
        self.assertRegex(
            future, r"FUTURERELEASE 3600 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
        )

    def test_plain(self) -> None:
        """Those that need not say anything behind the keyword do not."""
        _, offered = connect([deliverBy(), mtPriority()])
        self.assertEqual(
            [each[4:] for each in offered[-2:]], ["DELIVERBY", "MT-PRIORITY"]
        )

    def test_accepted(self) -> None:
        """What the client asks for is in the envelope, in a type of its own."""
        for parameters, field, expected in ACCEPTED:
            client, _ = connect(PROMISES)
            self.assertEqual(client.say(f"{MAIL} {parameters}"), [SENDER_OK])
            envelope = client.session.envelope
            self.assertEqual(getattr(envelope, field), expected, parameters)
            self.assertIn(field, envelope.asDict())

    def test_holdUntil(self) -> None:
        """A point in time within the limit is accepted."""
        client, _ = connect(PROMISES)
        self.assertEqual(client.say(f"{MAIL} HOLDUNTIL={ahead(60)}"), [SENDER_OK])
        release = client.session.envelope.futureRelease
        assert release is not None and release.holdUntil is not None
        self.assertTrue(release.holdUntil > datetime.now(timezone.utc))

    def test_refused(self) -> None:
        """What cannot be, or cannot be kept, is refused, and changes nothing."""
        for parameters, reply in REFUSED:
            client, _ = connect(PROMISES)
            self.assertEqual(client.say(f"{MAIL} {parameters}"), [reply], parameters)
            self.assertEqual(client.session.envelope, SMTPEnvelope())

    def test_requireTLSInClear(self) -> None:
        """RFC 8689, section 3: it is not offered without TLS, and so not taken."""
        client, offered = connect([REQUIRETLS], secure=False)
        self.assertNotIn("REQUIRETLS", " ".join(offered))
        heard = client.say(f"{MAIL} REQUIRETLS")
        self.assertEqual(heard, ["555 5.5.4 Parameter REQUIRETLS not recognized"])

    def test_rrvs(self) -> None:
        """RFC 7293: a recipient says since when it has to be the same person's."""
        client, _ = connect(PROMISES)
        client.say(MAIL)
        heard = client.say(
            f"{RCPT} RRVS=2014-04-03T23:01:00Z;C", f"{RCPT} RRVS=never", f"{RCPT}"
        )
        self.assertEqual(
            heard,
            [RECIPIENT_OK, "501 5.5.4 Bad value of parameter RRVS", RECIPIENT_OK],
        )
        first, second = client.session.envelope.rcptTo
        since = datetime(2014, 4, 3, 23, 1, tzinfo=timezone.utc)
        self.assertEqual(first.rrvs, Since(since, "C"))
        self.assertIsNotNone(first.dsn)
        self.assertIsNone(second.rrvs)
        self.assertEqual(first.asDict()["rrvs"], Since(since, "C").asDict())

    def test_badRRVS(self) -> None:
        """What is no point in time with its zone, or neither C nor R, is 501."""
        client, _ = connect(PROMISES)
        client.say(MAIL)
        for value in BAD_SINCE:
            heard = client.say(f"{RCPT} RRVS={value}")
            self.assertEqual(heard[0][:9], "501 5.5.4", value)
        heard = client.say(f"{RCPT} RRVS", f"{RCPT} RRVS=")
        self.assertEqual([line[:9] for line in heard], ["501 5.5.4"] * 2)
        self.assertEqual(client.session.envelope.rcptTo, [])


class LineTests(SynchronousTestCase):
    """How long a line may be for their sake."""

    def reply(self, rows: list[Any], command: str, more: int) -> str:
        """
        What is said to a command with the parameters of these rows that is so many
        octets longer than all of them grant.
        """
        rows = [row for row in rows if row[1] == command]
        options = memoryOptions(
            extensions=[*(row[0] for row in rows), PADDING],
            auth="optional" if AUTH in [row[0] for row in rows] else "none",
            allowInsecureAuth=True,
            errors=100,
        )
        client = MemoryServer(options=options).connect()
        client.session.secure = True
        client.say("EHLO client.example.com")
        if command == "RCPT":
            client.say(MAIL)
        parameters = " ".join([*(row[2] for row in rows), "X-PAD="])
        line = f"{MAIL if command == 'MAIL' else RCPT} {parameters}"
        octets = 512 + sum(row[3] for row in rows) + more
        [reply] = client.say(line.ljust(octets - len("\r\n"), "x"))
        return reply

    def test_each(self) -> None:
        """Each lengthens the line of its command by what its RFC says."""
        for row in GRANTS:
            for more, code in ((0, "250"), (1, "500")):
                reply = self.reply([row], row[1], more)
                self.assertEqual(reply[:3], code, (row[0].keyword, more))

    def test_together(self) -> None:
        """All together lengthen it by the sum, and not by one octet more."""
        for command in ("MAIL", "RCPT"):
            self.assertEqual(self.reply(GRANTS, command, 0)[:3], "250")
            self.assertEqual(
                self.reply(GRANTS, command, 1), "500 5.5.2 Line too long", command
            )


class LimitsTests(SynchronousTestCase):
    """LIMITS, RFC 9422."""

    def test_announced(self) -> None:
        """What is announced is what the options say."""
        _, offered = connect([], recipients=5, transactions=7, recipientDomains=2)
        expected = "LIMITS RCPTMAX=5 MAILMAX=7 RCPTDOMAINMAX=2"
        self.assertIn(expected, [line[4:] for line in offered])

    def test_enforced(self) -> None:
        """What is announced is what is enforced, over all of a connection."""
        client, _ = connect([], recipients=2, transactions=3, recipientDomains=2)
        tooMany = "452 4.5.3 Too many domains"
        for domains, expected in (
            ("aab", [RECIPIENT_OK, RECIPIENT_OK, "452 4.5.3 Too many recipients"]),
            ("bc", [RECIPIENT_OK, tooMany]),
            ("cab", [tooMany, RECIPIENT_OK, RECIPIENT_OK]),
        ):
            client.say("RSET", MAIL)
            rcpts = [f"RCPT TO:<bob@{each}.example>" for each in domains]
            self.assertEqual(client.say(*rcpts), expected)
        [last] = client.say("RSET", MAIL)[1:]
        self.assertEqual(last, "421 4.7.0 Too many messages, connect again")

    def test_freeOfDomains(self) -> None:
        """Without a limit domains are not even counted."""
        client, _ = connect([])
        client.say(MAIL, *(f"RCPT TO:<bob@d{n}.example>" for n in range(100)))
        self.assertEqual(len(client.session.envelope.rcptTo), 100)

    def test_postmaster(self) -> None:
        """RFC 5321, section 4.5.1: who has no domain is always welcome."""
        client, _ = connect([], recipientDomains=1)
        heard = client.say(
            MAIL, RCPT, "RCPT TO:<postmaster>", "RCPT TO:<a@other.example>"
        )
        self.assertEqual(heard[1:3], [RECIPIENT_OK, RECIPIENT_OK])
        self.assertEqual(heard[3][:3], "452")
