"""
Clients of other authors in the place of a proxy, which say by XCLIENT who their client
is.
"""

from __future__ import annotations

from typing import Any

from smtpsession import Auth, SMTPSession, XClientAuth
from tests.integration.programs import Program, find, missing
from tests.integration.support import KeepingServer, NetworkTestCase, localOptions
from tests.integration.test_starttls import store

#: Of this machine, and not believed.
STRANGER = "127.0.0.2"


class Believing(KeepingServer):
    """
    Believes a proxy, which may log in bob.

    @ivar asked: what C{onAuth} was asked with
    @ivar connected: the address of each client, by the word of its proxy too
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("xclient", ["127.0.0.1"])
        super().__init__(options=localOptions(**options))
        self.asked: list[Auth] = []
        self.connected: list[str] = []

    def onConnect(self, session: SMTPSession) -> None:
        self.connected.append(session.remoteAddress)

    def onAuth(self, auth: Auth, session: SMTPSession) -> str | None:
        self.asked.append(auth)
        return "the user" if auth.username == "bob" else None


class SwaksTests(NetworkTestCase):
    """swaks, which knows the attributes of Postfix."""

    if (reason := missing("swaks")) is not None:
        skip = reason

    async def send(self, *arguments: str, **options: Any) -> tuple[Believing, Program]:
        """Have it send a message; it has ended."""
        factory = Believing(**options)
        port = (await self.listen(factory)).getHost().port
        return factory, await self.start("--server", f"127.0.0.1:{port}", *arguments)

    async def start(self, *arguments: str) -> Program:
        """Run it to its end."""
        process = self.startProgram(
            *(find("swaks"), "--helo", "client.example.com"),
            *("--from", "alice@example.com", "--to", "bob@example.org", *arguments),
        )
        await process.ended
        return process

    async def test_attributes(self) -> None:
        """
        What it says is in the session that its message comes in; it says hello again.
        """
        factory, _ = await self.send(
            *("--xclient-addr", "IPV6:2001:db8::1", "--xclient-name", "c.example.com"),
            *("--xclient-port", "4711", "--xclient-proto", "ESMTP"),
            *("--xclient-helo", "me.example.com"),
            *("--xclient-destaddr", "203.0.113.9", "--xclient-destport", "587"),
        )
        [(session, _)] = factory.messages
        expected = {
            "remoteAddress": "2001:db8::1",
            "remotePort": 4711,
            "clientHostname": "c.example.com",
            "hostNameAppearsAs": "client.example.com",
            "localAddress": "203.0.113.9",
            "localPort": 587,
            "peerAddress": "127.0.0.1",
            "user": None,
        }
        self.assertEqual({name: session[name] for name in expected}, expected)
        self.assertEqual(session["xClient"]["HELO"], "me.example.com")
        self.assertEqual(factory.connected, ["127.0.0.1", "2001:db8::1"])

    async def test_unavailable(self) -> None:
        """
        So is what it says that it does not know.
        """
        factory, _ = await self.send(
            *("--xclient-addr", "198.51.100.7", "--xclient-name", "[UNAVAILABLE]")
        )
        [(session, _)] = factory.messages
        self.assertEqual(session["xClient"], {"ADDR": "198.51.100.7", "NAME": None})
        self.assertEqual(session["clientHostname"], "[198.51.100.7]")

    async def test_login(self) -> None:
        """
        onAuth is asked about the name that it gives, in clear and in TLS, and the
        message is that of a user.
        """
        for options, tls, kind in (
            ({}, (), "ESMTPA"),
            ({"certificates": store()}, ("--tls",), "ESMTPSA"),
        ):
            factory, _ = await self.send("--xclient-login", "bob", *tls, **options)
            self.assertEqual(factory.asked, [XClientAuth(username="bob")])
            [(session, _)] = factory.messages
            self.assertEqual(
                (session["user"], session["authMethod"]), ("the user", "XCLIENT")
            )
            self.assertEqual(session["transmissionType"], kind)

    async def test_wrongLogin(self) -> None:
        """
        A name that onAuth refuses is 535, and its client is never there.
        """
        factory, process = await self.send(
            *("--xclient-addr", "198.51.100.7", "--xclient-login", "eve")
        )
        self.assertEqual(factory.asked, [XClientAuth(username="eve")])
        self.assertIn("535 5.7.8 Authentication failed", process.output)
        self.assertEqual(factory.connected, ["127.0.0.1"])
        self.assertEqual(factory.messages, [])

    async def test_elsewhere(self) -> None:
        """
        To an address that is not believed XCLIENT is not offered, and it gives up.
        """
        factory, process = await self.send(
            *("--xclient-addr", "198.51.100.7", "--local-interface", STRANGER)
        )
        self.assertIn("Host did not advertise XCLIENT", process.output)
        self.assertEqual(factory.connected, [STRANGER])
        self.assertEqual(factory.messages, [])

    async def test_unixSocket(self) -> None:
        """
        The clients of a UNIX socket are believed where that is said, and only there.
        """
        for xclient, connected in (
            (["unix"], ["", "198.51.100.7"]),
            (["0.0.0.0/0", "::/0"], [""]),
        ):
            factory = Believing(xclient=xclient)
            path = self.socketPath()
            await self.listen(factory, f"unix:{path}")
            await self.start("--socket", path, "--xclient-addr", "198.51.100.7")
            self.assertEqual(factory.connected, connected)


class CurlTests(NetworkTestCase):
    """curl, which says whatever it is told, offered or not."""

    if (reason := missing("curl")) is not None:
        skip = reason

    async def say(self, command: str, source: str) -> tuple[Believing, str]:
        """Have it say this from an address; what it prints."""
        factory = Believing()
        port = (await self.listen(factory)).getHost().port
        process = self.startProgram(
            *(find("curl"), "--disable", "--noproxy", "*", "--verbose", "--silent"),
            *("--url", f"smtp://127.0.0.1:{port}/client.example.com"),
            *("--interface", source, "--request", command),
        )
        await process.ended
        return factory, process.output

    async def test_elsewhere(self) -> None:
        """
        Where it is not offered it is 550, and the client is who it was; where it is,
        the same command is taken.
        """
        command = "XCLIENT ADDR=198.51.100.7"
        factory, printed = await self.say(command, STRANGER)
        self.assertIn("< 550 5.7.0 Not authorized", printed)
        self.assertEqual(factory.connected, [STRANGER])
        factory, printed = await self.say(command, "127.0.0.1")
        self.assertNotIn("< 550", printed)
        self.assertEqual(factory.connected, ["127.0.0.1", "198.51.100.7"])
