"""
Clients of other authors log in.
"""

from __future__ import annotations

import smtplib
import ssl
from typing import Any

from twisted.cred.strcred import makeChecker
from twisted.internet.threads import deferToThread

from smtpsession import CramMD5Auth, PasswordAuth, PortalLogin, SMTPSession
from tests import certificates
from tests.integration.programs import find, missing
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store


class Submission(KeepingServer):
    """Lets bob in, and nobody else."""

    def onAuth(self, auth: Any, session: SMTPSession) -> str | None:
        if isinstance(auth, CramMD5Auth):
            isRight = auth.validatePassword("sesame")
        else:
            assert isinstance(auth, PasswordAuth)
            isRight = auth.password == "sesame"
        return auth.username if isRight and auth.username == "bob" else None


class LoginTestCase(NetworkTestCase):
    """A server for submission in this process."""

    async def serve(self, *mechanisms: str) -> tuple[Submission, int]:
        options = localOptions(
            certificates=store(), auth="required", mechanisms=mechanisms
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
