"""
Clients of other authors log in.
"""

from __future__ import annotations

import smtplib
import ssl
from base64 import b64encode
from typing import Any

from twisted.cred.strcred import makeChecker
from twisted.internet.threads import deferToThread

from smtpsession import (
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    PortalLogin,
    SMTPSession,
)
from smtpsession.sasl.bearer import OAUTHBEARER_ERROR, XOAUTH2_ERROR
from tests import certificates
from tests.integration.programs import Program, find, missing
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store, trusting

#: Whom a certificate is of.
PARTNER = "client.example.com"

#: The exit status of curl where it could not log in.
DENIED = 67


class Submission(KeepingServer):
    """Lets bob in, and a partner by its certificate, and nobody else."""

    def onAuth(self, auth: Any, session: SMTPSession) -> str | None:
        if isinstance(auth, ExternalAuth):
            isRight = auth.authzid in (None, auth.username)
            return PARTNER if isRight and auth.username == PARTNER else None
        if isinstance(auth, CramMD5Auth):
            isRight = auth.validatePassword("sesame")
        elif isinstance(auth, BearerAuth):
            isRight = auth.accessToken == "sesame"
        else:
            assert isinstance(auth, PasswordAuth)
            isRight = auth.password == "sesame"
        return auth.username if isRight and auth.username == "bob" else None


class LoginTestCase(NetworkTestCase):
    """A server for submission in this process."""

    async def serve(self, *mechanisms: str, **asking: Any) -> tuple[Submission, int]:
        """
        A server, and its port.

        @param asking: what it wants of the certificates of clients
        """
        options = localOptions(
            certificates=store(**asking), auth="required", mechanisms=mechanisms
        )
        factory = Submission(options=options)
        return factory, (await self.listen(factory)).getHost().port


class SmtplibTests(LoginTestCase):
    """The client of Python."""

    def login(self, port: int, password: str) -> None:
        """Log in after STARTTLS, and send a message."""
        authority = certificates.authority().certificatePEM.decode("ascii")
        context = ssl.create_default_context(cadata=authority)
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            client.starttls(context=context)
            client.login("bob", password)
            client.sendmail("alice@example.com", ["bob@example.org"], MESSAGE)

    async def test_mechanisms(self) -> None:
        """
        It logs in by each mechanism that it knows.
        """
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            factory, port = await self.serve(mechanism)
            await deferToThread(self.login, port, "sesame")
            [(session, _)] = factory.messages
            self.assertEqual(
                (session["user"], session["authMethod"]), ("bob", mechanism)
            )
            self.assertEqual(session["transmissionType"], "ESMTPSA")

    async def test_wrong(self) -> None:
        """
        With a wrong password it is refused, and there is no message.
        """
        factory, port = await self.serve("PLAIN")
        refused: Any = deferToThread(self.login, port, "open")
        error = await self.assertFailure(refused, smtplib.SMTPAuthenticationError)
        self.assertEqual(error.smtp_code, 535)
        self.assertEqual(factory.messages, [])

    async def test_wrongBearer(self) -> None:
        """
        By XOAUTH2 it learns what is wrong with its token, answers with nothing, and is
        refused.
        """
        factory, port = await self.serve("XOAUTH2")
        challenges: list[bytes | None] = []

        def respond(challenge: bytes | None = None) -> str:
            challenges.append(challenge)
            return "" if challenge else "user=bob\1auth=Bearer open\1\1"

        def run() -> None:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                client.starttls(context=trusting())
                client.ehlo()
                client.auth("XOAUTH2", respond)

        refused: Any = deferToThread(run)
        error = await self.assertFailure(refused, smtplib.SMTPAuthenticationError)
        self.assertEqual(error.smtp_code, 535)
        self.assertEqual(challenges, [None, XOAUTH2_ERROR])
        self.assertEqual(factory.messages, [])

    async def test_portal(self) -> None:
        """
        A checker of twisted.cred, as the command line of twistd names it, lets in
        whom it knows.
        """
        login = PortalLogin.fromCheckers(makeChecker("memory:bob:sesame"))
        options = localOptions(
            certificates=store(), auth="required", mechanisms=login.mechanisms
        )
        factory = KeepingServer(onAuth=login.onAuth, options=options)
        port = (await self.listen(factory)).getHost().port
        await deferToThread(self.login, port, "sesame")
        self.assertEqual(len(factory.messages), 1)
        await self.assertFailure(
            deferToThread(self.login, port, "open"), smtplib.SMTPAuthenticationError
        )


class SwaksTests(LoginTestCase):
    """swaks, which is a client for tests."""

    if (reason := missing("swaks")) is not None:
        skip = reason

    async def test_mechanisms(self) -> None:
        """
        It logs in by each mechanism that it is told.
        """
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            factory, port = await self.serve(mechanism)
            printed = await self.runProgram(
                *(find("swaks"), "--server", f"127.0.0.1:{port}", "--tls"),
                *("--from", "alice@example.com", "--to", "bob@example.org"),
                *("--auth", mechanism, "--auth-user", "bob"),
                *("--auth-password", "sesame"),
            )
            self.assertIn("235 2.7.0 Authentication succeeded", printed)
            [(session, _)] = factory.messages
            self.assertEqual(
                (session["user"], session["authMethod"]), ("bob", mechanism)
            )


class CurlTests(LoginTestCase):
    """curl, which has mechanisms that few other clients have."""

    if (reason := missing("curl")) is not None:
        skip = reason

    def start(self, port: int, mechanism: str, *arguments: str) -> Program:
        """Have it log in by this mechanism, after STARTTLS, and send a message."""
        folder = self.makeFolder()
        (folder / "ca.pem").write_bytes(certificates.authority().certificatePEM)
        (folder / "message").write_bytes(MESSAGE)
        return self.startProgram(
            *(find("curl"), "--disable", "--noproxy", "*", "--verbose", "--silent"),
            *("--url", f"smtp://127.0.0.1:{port}/client.example.com", "--ssl-reqd"),
            *("--cacert", str(folder / "ca.pem")),
            *("--mail-from", "alice@example.com", "--mail-rcpt", "bob@example.org"),
            *("--upload-file", str(folder / "message")),
            *("--login-options", f"AUTH={mechanism}", *arguments),
        )

    def identity(self, name: str) -> str:
        """Where a certificate of a client and its key are."""
        path = self.makeFolder() / "client.pem"
        path.write_bytes(certificates.client(name).pem)
        return str(path)

    async def present(
        self, name: str | None, *arguments: str
    ) -> tuple[Submission, Program]:
        """Have it log in by EXTERNAL with a certificate of this name; it has ended."""
        factory, port = await self.serve(
            "EXTERNAL",
            "PLAIN",
            clientCertificates="request",
            ca=certificates.authority().certificatePEM,
        )
        if name is not None:
            path = self.identity(name)
            arguments = ("--cert", path, "--key", path, *arguments)
        process = self.start(port, "EXTERNAL", *arguments)
        await process.ended
        return factory, process

    def assertUser(self, factory: Submission, user: str, mechanism: str) -> None:
        """The one message is of this user."""
        [(session, content)] = factory.messages
        self.assertEqual(content, MESSAGE)
        self.assertEqual((session["user"], session["authMethod"]), (user, mechanism))
        self.assertEqual(session["transmissionType"], "ESMTPSA")

    async def test_bearer(self) -> None:
        """
        With a token it logs in by OAUTHBEARER and XOAUTH2, whether it sends that at
        once or is asked first.
        """
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            for initially in ((), ("--sasl-ir",)):
                factory, port = await self.serve(mechanism)
                token = ("--user", "bob", "--oauth2-bearer", "sesame")
                process = self.start(port, mechanism, *token, *initially)
                self.assertEqual(await process.ended, 0, process.output)
                self.assertUser(factory, "bob", mechanism)

    async def test_wrongBearer(self) -> None:
        """
        It learns what is wrong with a token, and then it is refused: after its answer,
        where it has one.
        """
        rows = [
            ("OAUTHBEARER", OAUTHBEARER_ERROR, ["> AQ==", "< 535 5.7.8"]),
            # To this one it has none, and leaves.
            ("XOAUTH2", XOAUTH2_ERROR, []),
        ]
        for mechanism, error, others in rows:
            factory, port = await self.serve(mechanism)
            token = ("--user", "bob", "--oauth2-bearer", "open")
            process = self.start(port, mechanism, *token)
            self.assertEqual(await process.ended, DENIED)
            said = "< 334 " + b64encode(error).decode("ascii")
            for each in (said, *others):
                self.assertIn(each, process.output)
            self.assertEqual(factory.messages, [])

    async def test_external(self) -> None:
        """
        With a certificate it logs in by EXTERNAL, saying who it is or leaving that to
        the certificate.
        """
        for arguments in (("--user", f"{PARTNER}:"), ("--user", ":", "--sasl-ir")):
            factory, process = await self.present(PARTNER, *arguments)
            self.assertIn("< 235 2.7.0", process.output)
            self.assertUser(factory, PARTNER, "EXTERNAL")

    async def test_wrongExternal(self) -> None:
        """
        Whose certificate is of somebody else, or who wants to act as somebody else, is
        refused.
        """
        for name, user in (("eve.example.com", PARTNER), (PARTNER, "bob")):
            factory, process = await self.present(name, "--user", f"{user}:")
            self.assertEqual(await process.ended, DENIED)
            self.assertIn("< 535 5.7.8", process.output)
            self.assertEqual(factory.messages, [])

    async def test_noCertificate(self) -> None:
        """
        Without a certificate EXTERNAL is not offered.
        """
        factory, process = await self.present(None, "--user", f"{PARTNER}:")
        self.assertEqual(await process.ended, DENIED)
        self.assertIn("AUTH PLAIN\n", process.output.replace("\r", ""))
        self.assertNotIn("> AUTH", process.output)
        self.assertEqual(factory.messages, [])
