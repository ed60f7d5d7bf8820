"""
Clients of other authors log in to accounts that are in files.
"""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from scramp import ScramClient  # type: ignore[import-untyped]
from twisted.internet.threads import deferToThread

from smtpsession.accounts import Accounts
from smtpsession.passwords import makeSecret
from tests import certificates
from tests.integration.support import (
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store

Client = smtplib.SMTP
Login = Callable[[Client], Any]


def _answer(client: Client, text: str) -> str:
    """What the server answers to a line of SASL, out of base64 if it is a challenge."""
    code, reply = client.docmd(b64encode(text.encode()).decode())
    return b64decode(reply).decode() if code == 334 else f"{code}"


def _refuseOthers(code: int, reply: bytes) -> None:
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


def byPassword(mechanism: str, name: str, password: str) -> Login:
    """Log in as the client of Python does it by itself."""

    def login(client: Client) -> None:
        client.user, client.password = name, password
        method = getattr(client, "auth_" + mechanism.lower().replace("-", "_"))
        client.auth(mechanism, method)

    return login


def byScram(mechanism: str, name: str, password: str) -> Login:
    """Log in with SCRAM, whose server has to prove itself."""

    def login(client: Client) -> None:
        scram = ScramClient([mechanism], name, password)
        client.docmd("AUTH", mechanism)
        scram.set_server_first(_answer(client, scram.get_client_first()))
        answer = _answer(client, scram.get_client_final())
        if answer == "535":
            raise smtplib.SMTPAuthenticationError(535, b"")
        scram.set_server_final(answer)
        _refuseOthers(*client.docmd(""))

    return login


def byToken(name: str, token: str) -> Login:
    """Log in with XOAUTH2."""

    def login(client: Client) -> None:
        text = f"user={name}\1auth=Bearer {token}\1\1"
        code, reply = client.docmd(
            "AUTH", "XOAUTH2 " + b64encode(text.encode()).decode()
        )
        if code == 334:
            code, reply = client.docmd("")
        _refuseOthers(code, reply)

    return login


def byCertificate(client: Client) -> None:
    """Log in with what TLS has shown."""
    _refuseOthers(*client.docmd("AUTH", "EXTERNAL ="))


class AccountsTests(NetworkTestCase):
    """A server for submission in this process."""

    def setUp(self) -> None:
        self.folder = self.makeFolder()
        self.identity = certificates.issue("alice@example.com", isClient=True)
        fingerprint = hashlib.sha256(
            self.identity.certificate.public_bytes(Encoding.DER)
        ).hexdigest()
        self.write(
            "users",
            "clear:{PLAIN}sesame",
            f"hashed:{makeSecret('SCRYPT', 'sesame')}",
            f"keys:{makeSecret('SCRAM-SHA-256', 'sesame')}",
            f"alice:{{EXTERNAL}}{fingerprint}",
        )
        self.write("tokens", f"robot:{{SHA256}}{hashlib.sha256(b'r2d2').hexdigest()}")

    def write(self, name: str, *lines: str) -> None:
        """Put another file in the place of this one."""
        new = self.folder / "new"
        new.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        os.replace(new, self.folder / name)

    async def serve(self, *more: str) -> tuple[Accounts, int]:
        """
        Start a server.

        @param more: mechanisms besides those that the accounts serve
        """
        accounts = Accounts(self.folder / "users", self.folder / "tokens")
        accounts.start()
        self.addCleanup(accounts.stop)
        authority = certificates.authority().certificatePEM
        options = localOptions(
            certificates=store(clientCertificates="request", ca=authority),
            auth="required",
            mechanisms=(*accounts.mechanisms, *more),
        )
        factory = KeepingServer(onAuth=accounts.onAuth, options=options)
        return accounts, (await self.listen(factory)).getHost().port

    def connect(self, port: int, login: Login) -> bytes:
        """Log in after STARTTLS, and give the reply to MAIL."""
        authority = certificates.authority().certificatePEM.decode("ascii")
        context = ssl.create_default_context(cadata=authority)
        context.check_hostname = False
        pem = self.folder / "client.pem"
        if not pem.exists():
            pem.write_bytes(self.identity.pem)
        context.load_cert_chain(pem)
        with Client("127.0.0.1", port, timeout=PATIENCE) as client:
            client.starttls(context=context)
            client.ehlo()
            login(client)
            return b"%d %b" % client.mail("alice@example.com")

    async def assertLetIn(self, port: int, login: Login) -> None:
        """A client is let in."""
        reply = await deferToThread(self.connect, port, login)
        self.assertEqual(b"250 2.1.0 Sender OK", reply)

    async def assertRefused(self, port: int, login: Login) -> None:
        """A client is told 535."""
        asked: Any = deferToThread(self.connect, port, login)
        error = await self.assertFailure(asked, smtplib.SMTPAuthenticationError)
        self.assertEqual(535, error.smtp_code)

    async def test_passwords(self) -> None:
        """PLAIN and LOGIN let in whom any line with a password names."""
        _, port = await self.serve()
        for mechanism in ("PLAIN", "LOGIN"):
            for name in ("clear", "hashed", "keys"):
                await self.assertLetIn(port, byPassword(mechanism, name, "sesame"))
            for name in ("hashed", "nobody"):
                await self.assertRefused(port, byPassword(mechanism, name, "open"))

    async def test_cram(self) -> None:
        """CRAM-MD5, where it is wanted, lets in whose password is there in clear."""
        _, port = await self.serve("CRAM-MD5")
        await self.assertLetIn(port, byPassword("CRAM-MD5", "clear", "sesame"))
        await self.assertRefused(port, byPassword("CRAM-MD5", "clear", "open"))
        await self.assertRefused(port, byPassword("CRAM-MD5", "hashed", "sesame"))

    async def test_scram(self) -> None:
        """SCRAM lets in who has keys, or a password in clear."""
        _, port = await self.serve()
        for name in ("clear", "keys"):
            await self.assertLetIn(port, byScram("SCRAM-SHA-256", name, "sesame"))
        await self.assertLetIn(port, byScram("SCRAM-SHA-512", "clear", "sesame"))
        for name in ("clear", "keys", "hashed", "nobody"):
            await self.assertRefused(port, byScram("SCRAM-SHA-256", name, "open"))

    async def test_others(self) -> None:
        """Tokens and certificates let in whose they are."""
        _, port = await self.serve()
        await self.assertLetIn(port, byToken("robot", "r2d2"))
        await self.assertRefused(port, byToken("robot", "c3po"))
        await self.assertRefused(port, byToken("clear", "r2d2"))
        await self.assertLetIn(port, byCertificate)
        self.identity = certificates.issue("alice@example.com", isClient=True)
        (self.folder / "client.pem").unlink()
        await self.assertRefused(port, byCertificate)

    async def test_reload(self) -> None:
        """Who is in the file when it is read again is let in, and nobody else."""
        accounts, port = await self.serve()
        self.write("users", "new:{PLAIN}sesame")
        accounts.reload()
        await self.assertLetIn(port, byPassword("PLAIN", "new", "sesame"))
        await self.assertRefused(port, byPassword("PLAIN", "hashed", "sesame"))
