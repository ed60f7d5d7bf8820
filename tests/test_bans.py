"""
Tests of smtpsession.bans, and of what a banned client is told.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.bans import Bans
from smtpsession.errors import SMTPError
from smtpsession.limits import BANS, Limits
from smtpsession.testing import MemoryServer
from tests.logins import EHLO, FAILED, PLAIN, WRONG, encoded, exchange, serverWith

BANNED = "421 4.7.0 Too many failed logins from your address"
HOST = "192.0.2.1"


class BansTests(SynchronousTestCase):
    """Failed logins, counted and forgotten."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.limits = Limits(authFailuresPerAddress=4, banTime=100)
        self.bans = Bans(self.clock.seconds)

    def fail(self, times: int) -> None:  # type: ignore[override]
        """Somebody fails so often, all at once."""
        for _ in range(times):
            self.bans.failed(HOST, self.limits)

    def test_limit(self) -> None:
        """So many failures are forgiven, and one more is not."""
        self.fail(4)
        self.assertFalse(self.bans.isBanned(HOST))
        self.fail(1)
        self.assertTrue(self.bans.isBanned(HOST))
        self.assertFalse(self.bans.isBanned("192.0.2.2"))

    def test_time(self) -> None:
        """A ban lasts for its time after the last failure, and no longer."""
        self.fail(5)
        self.clock.advance(50)
        self.fail(1)
        self.clock.advance(99)
        self.assertTrue(self.bans.isBanned(HOST))
        self.clock.advance(1)
        self.assertFalse(self.bans.isBanned(HOST))

    def test_decay(self) -> None:
        """In that time half of the failures are forgotten, and not all of them."""
        self.fail(4)
        self.clock.advance(100)
        self.fail(2)
        self.assertFalse(self.bans.isBanned(HOST))
        self.fail(1)
        self.assertTrue(self.bans.isBanned(HOST))

    def test_bounded(self) -> None:
        """So many are known at most; who has not failed for longest is forgotten."""
        self.bans.failed("longest", self.limits)
        self.fail(4)
        for number in range(BANS - 2):
            self.bans.failed(str(number), self.limits)
        self.fail(1)
        for number in range(2):
            self.bans.failed(f"new {number}", self.limits)
        self.assertEqual(len(self.bans._records), BANS)
        self.assertNotIn("longest", self.bans._records)
        self.assertTrue(self.bans.isBanned(HOST))


class ConnectionTests(SynchronousTestCase):
    """What the clients of a server see of it."""

    def failOnce(self, server: MemoryServer, host: str = HOST) -> list[str]:
        """Connect, fail to log in, and leave."""
        client = server.connect(host)
        client.hear()
        client.say(EHLO)
        heard = client.say(WRONG)
        client.leave()
        return heard

    def test_banned(self) -> None:
        """A banned client is told so in place of the greeting; others are greeted."""
        server = serverWith(authFailuresPerAddress=1, banTime=100)
        for _ in range(2):
            self.assertEqual(self.failOnce(server), [FAILED])
        client = server.connect(HOST)
        self.assertEqual(client.hear(), [BANNED])
        self.assertTrue(client.closed)
        self.assertEqual(server.connect("192.0.2.2").hear()[0][:3], "220")
        server.clock.advance(100)
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_ourFault(self) -> None:
        """A login that cannot be decided now blames nobody."""

        def onAuth(auth: object, session: object) -> None:
            raise SMTPError(454, "Later", "4.7.0")

        server = serverWith(onAuth, authFailuresPerAddress=1)
        for _ in range(3):
            self.failOnce(server)
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_brokenOff(self) -> None:
        """Who breaks off, or is not understood, has not guessed."""
        server = serverWith(authFailuresPerAddress=1, authFailures=10)
        client = server.connect(HOST)
        client.hear()
        client.say(EHLO)
        for _ in range(3):
            client.say("AUTH PLAIN")
            self.assertEqual(client.say("*")[0][:3], "501")
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_behindProxy(self) -> None:
        """Who is banned is so through a proxy that sends XCLIENT, too."""
        server = serverWith(authFailuresPerAddress=1, xclient=["198.51.100.1"])
        for _ in range(2):
            self.failOnce(server)
        for host, expected in ((HOST, BANNED), ("192.0.2.2", "220")):
            proxy = server.connect("198.51.100.1")
            proxy.hear()
            proxy.say(EHLO)
            [heard] = proxy.say(f"XCLIENT ADDR={host}")
            self.assertTrue(heard.startswith(expected), heard)
            self.assertEqual(proxy.closed, expected == BANNED)

    def test_clock(self) -> None:
        """A clock that is set back bans nobody, and is no error."""
        server = serverWith(authFailuresPerAddress=3)
        server.clock.rightNow = 2 * 10**9
        for seconds in (0, 3600, 10**9):
            server.clock.rightNow -= seconds
            self.failOnce(server)
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_gone(self) -> None:
        """
        Who does not wait for the answer has failed: his password is hashed all the
        same, and he must not have any number of them.
        """
        server = serverWith(
            lambda auth, session: Deferred(), authFailuresPerAddress=1, banTime=100
        )
        for _ in range(2):
            self.assertEqual(self.failOnce(server), [])
        self.assertEqual(server.connect(HOST).hear(), [BANNED])

    def test_goneFromChallenge(self) -> None:
        """The same where the application waits for a response to its challenge."""
        server = serverWith(authFailuresPerAddress=1)
        for _ in range(2):
            client = server.connect(HOST)
            client.hear()
            client.say(EHLO)
            exchange(client, "SCRAM-SHA-256", 1, isAtOnce=True)
            client.leave()
        self.assertEqual(server.connect(HOST).hear(), [BANNED])

    def test_goneFromRefusal(self) -> None:
        """
        Who is told in a challenge that its token is not good has failed, whatever it
        does then: otherwise any number of tokens could be tried.
        """
        wrong = encoded("user=bob\1auth=Bearer wrong\1\1")
        for farewells in ([], ["*"], ["?"], [""]):
            server = serverWith(authFailuresPerAddress=1)
            for _ in range(2):
                self.assertEqual(server.connect(HOST).hear()[0][:3], "220")
                client = server.connect(HOST)
                client.hear()
                client.say(EHLO)
                self.assertEqual(client.say(f"AUTH XOAUTH2 {wrong}")[0][:3], "334")
                client.say(*farewells)
                client.leave()
            self.assertEqual(server.connect(HOST).hear(), [BANNED], farewells)

    def test_slowAfterRefusal(self) -> None:
        """The same for who does nothing then, and it is one failure."""
        wrong = encoded("n,,\1auth=Bearer wrong\1\1")
        server = serverWith(authFailuresPerAddress=1)
        for expected in ("220", "220", "421"):
            client = server.connect(HOST)
            self.assertEqual(client.hear()[0][:3], expected)
            client.say(EHLO)
            client.say(f"AUTH OAUTHBEARER {wrong}")

    def test_postponedInChallenge(self) -> None:
        """A token that cannot be looked at now blames nobody."""

        def onAuth(auth: object, session: object) -> None:
            raise SMTPError(454, "Later", "4.7.0")

        server = serverWith(onAuth, authFailuresPerAddress=1)
        for _ in range(3):
            client = server.connect(HOST)
            client.hear()
            client.say(EHLO)
            client.say("AUTH XOAUTH2 " + encoded("user=bob\1auth=Bearer x\1\1"))
            self.assertEqual(client.say(""), ["454 4.7.0 Later"])
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_goneOtherwise(self) -> None:
        """Who leaves before he logs in, or after, has not failed."""
        server = serverWith(
            authFailuresPerAddress=1,
            onMailFrom=lambda address, session: Deferred(),
        )
        for lines in ([], ["AUTH LOGIN"], [PLAIN], [PLAIN, "MAIL FROM:<a@b.example>"]):
            client = server.connect(HOST)
            client.hear()
            client.say(EHLO)
            for line in lines:
                client.say(line)
            client.leave()
        self.failOnce(server)
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")

    def test_proxy(self) -> None:
        """Who may send XCLIENT speaks for many, and is not banned for one of them."""
        server = serverWith(authFailuresPerAddress=1, xclient=[HOST])
        for _ in range(3):
            self.failOnce(server)
        self.assertEqual(server.connect(HOST).hear()[0][:3], "220")
