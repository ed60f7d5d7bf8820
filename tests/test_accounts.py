"""
Tests of smtpsession.accounts.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from smtpsession import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramKeys,
    SMTPError,
    SMTPSession,
    XClientAuth,
    hashing,
)
from smtpsession.accountlines import AccountsError
from smtpsession.accounts import Accounts
from smtpsession.sasl.gs2 import GS2Header
from smtpsession.sasl.keys import ITERATIONS
from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.sasl.scram import scram
from smtpsession.scrypt import Scrypt
from smtpsession.secret import Scram, Secret
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.cases import FilesTestCase
from tests.certificates import selfSigned
from tests.exchanges import CONTEXT, ScramClient, play
from tests.logins import ACCEPTED, FAILED, encoded, exchange, hello
from tests.threadless import ThreadlessClock, ThreadlessPool

CHALLENGE = b"<1896.697170952@mx.example.org>"
KEYS = ScramKeys.derive("keys", iterations=4096)
CERTIFICATE = selfSigned("bob").certificate
FINGERPRINT = sha256(CERTIFICATE.public_bytes(Encoding.DER)).hexdigest()


def _scrypt(password: str, logN: int = 1) -> Scrypt:
    secret = Scrypt(b"salt", bytes(32), logN, 8, 1)
    return evolve(secret, digest=secret._hash(password))


USERS = f"""\
# Bob has several.
bob:{{PLAIN}}plain
bob:{_scrypt("hashed")}
bob:{{EXTERNAL}}{FINGERPRINT}

keys:{Scram(KEYS)}
hash:{_scrypt("hashed")}
jos\xe9:{{PLAIN}}p\xe4ssword
"""

TOKENS = f"""\
bob:{{SHA256}}{sha256(b"ya29").hexdigest()}
robot:{{SHA256}}{sha256(b"r2d2").hexdigest()}
"""


def plain(name: str, password: str, authzid: str | None = None) -> PasswordAuth:
    """What PLAIN asks with."""
    return PasswordAuth(
        method="PLAIN", username=name, password=password, authzid=authzid
    )


def cram(name: str, password: str) -> CramMD5Auth:
    """What CRAM-MD5 asks with."""
    digest = hmac.new(password.encode(), CHALLENGE, "md5").hexdigest()
    return CramMD5Auth(
        method="CRAM-MD5", username=name, challenge=CHALLENGE, digest=digest
    )


def bearer(token: str, name: str = "", authzid: str | None = None) -> BearerAuth:
    """What OAUTHBEARER and XOAUTH2 ask with."""
    return BearerAuth(
        method="OAUTHBEARER", username=name, accessToken=token, authzid=authzid
    )


def external(certificate: Any, authzid: str | None = None) -> ExternalAuth:
    """What EXTERNAL asks with."""
    return ExternalAuth(
        method="EXTERNAL", username="x", certificate=certificate, authzid=authzid
    )


class AccountsTestCase(FilesTestCase):
    """A test case with files, and without threads."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = os.path.abspath(self.folder)
        self.threads = ThreadlessPool()
        self.patch(hashing, "ThreadPool", self.threads)
        self.clock = ThreadlessClock()
        self.session = SMTPSession(remoteAddress="203.0.113.5")
        self.users = self.write("users", USERS.encode())
        self.tokens = self.write("tokens", TOKENS.encode())
        self.events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if str(event.get("log_namespace")).startswith("smtpsession."):
                self.events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def make(self, *paths: str | Path | None, **arguments: Any) -> Accounts:
        """Accounts that have been started."""
        paths = paths or (self.users, self.tokens)
        accounts = Accounts(*paths, reactor=self.clock, **arguments)
        accounts.start()
        self.addCleanup(accounts.stop)
        return accounts

    def login(self, accounts: Accounts, auth: Auth) -> Any:
        """Begin to log in."""
        return Deferred.fromCoroutine(accounts.onAuth(auth, self.session))

    def ask(self, accounts: Accounts, auth: Auth) -> Any:
        """Log in."""
        return self.successResultOf(self.login(accounts, auth))

    def said(self) -> list[str]:
        """The texts of the events that are not for debugging, so far."""
        return [
            each["log_format"]
            for each in self.events
            if each["log_level"].name != "debug"
        ]


class OnAuthTests(AccountsTestCase):
    """Who is let in."""

    def test_logins(self) -> None:
        """Each mechanism with what is right, and with what is not."""
        rows: list[tuple[str, Auth, str | None]] = [
            ("a password", plain("bob", "plain"), "bob"),
            ("another line", plain("bob", "hashed"), "bob"),
            ("a hash", plain("hash", "hashed"), "hash"),
            ("keys of SCRAM", plain("keys", "keys"), "keys"),
            ("beyond ASCII", plain("jos\xe9", "p\xe4ssword"), "jos\xe9"),
            ("a wrong one", plain("bob", "PLAIN"), None),
            ("another user's", plain("keys", "plain"), None),
            ("nobody's", plain("eve", "plain"), None),
            ("another case", plain("Bob", "plain"), None),
            ("only a token", plain("robot", "r2d2"), None),
            ("what is in the file", plain("hash", str(_scrypt("hashed"))), None),
            ("acting as oneself", plain("bob", "plain", "bob"), "bob"),
            ("acting as nobody", plain("bob", "plain", ""), "bob"),
            ("acting as another", plain("bob", "plain", "keys"), None),
            ("CRAM-MD5", cram("bob", "plain"), "bob"),
            ("CRAM-MD5, a hash", cram("bob", "hashed"), None),
            ("CRAM-MD5, wrong", cram("bob", "eraser"), None),
            ("CRAM-MD5, nobody", cram("eve", "plain"), None),
            ("a token", bearer("ya29"), "bob"),
            ("a token and a name", bearer("ya29", "bob", "bob"), "bob"),
            ("a token and another name", bearer("ya29", "robot"), None),
            ("a token to act as another", bearer("ya29", "bob", "robot"), None),
            ("a token of nobody", bearer("ya30"), None),
            ("a certificate", external(CERTIFICATE), "bob"),
            ("a certificate and its name", external(CERTIFICATE, "bob"), "bob"),
            ("a certificate to act as another", external(CERTIFICATE, "keys"), None),
            ("a proxy", XClientAuth(username="keys"), "keys"),
            ("a proxy, a token", XClientAuth(username="robot"), "robot"),
            ("a proxy, SASLprep", XClientAuth(username="ke\xadys"), "keys"),
            ("a proxy, nobody", XClientAuth(username="eve"), None),
            ("a proxy, no name", XClientAuth(username="\0"), None),
        ]
        accounts = self.make()
        self.assertGives(lambda auth: self.ask(accounts, auth), rows)

    def test_pyOpenSSL(self) -> None:
        """A certificate may be of pyOpenSSL; another one is nobody's."""
        accounts = self.make()
        certificate = X509.from_cryptography(CERTIFICATE)
        self.assertEqual("bob", self.ask(accounts, external(certificate)))
        other = selfSigned("alice").certificate
        self.assertIsNone(self.ask(accounts, external(other)))

    def test_noFiles(self) -> None:
        """Without files there is nobody."""
        accounts = self.make(None, None)
        self.assertIsNone(self.ask(accounts, plain("bob", "plain")))
        self.assertIsNone(self.ask(accounts, bearer("ya29")))
        self.assertEqual((), accounts.mechanisms)

    def test_work(self) -> None:
        """Who fails costs the same, whoever it is."""
        work: list[tuple[object, ...]] = []
        for cls in (Scrypt, Scram):
            self.patch(cls, "matches", _counting(work))
        accounts = self.make()
        done = []
        for name in ("bob", "hash", "keys", "jos\xe9", "eve"):
            work.clear()
            self.assertIsNone(self.ask(accounts, plain(name, "wrong")))
            done.append(sorted(work))
        self.assertEqual(2, len(done[0]))
        self.assertEqual([done[0]] * 5, done)

    def test_inThreads(self) -> None:
        """A password is checked in a thread, and nobody waits for it."""
        self.threads.waits = True
        accounts = self.make()
        login = self.login(accounts, plain("bob", "hashed"))
        self.assertNoResult(login)
        self.assertEqual("bob", self.ask(accounts, bearer("ya29")))
        self.threads.work()
        self.assertEqual("bob", self.successResultOf(login))

    def test_bounded(self) -> None:
        """Where too many wait, a login is postponed, and not counted as failed."""
        self.threads.waits = True
        accounts = self.make(threads=1, queue=1)
        waiting = [self.login(accounts, plain("bob", "plain")) for _ in range(3)]
        error = self.failureResultOf(waiting.pop(), SMTPError).value
        self.assertEqual(454, error.reply.code)
        self.assertIn("login postponed", self.said()[0])
        self.threads.work()
        for login in waiting:
            self.assertEqual("bob", self.successResultOf(login))

    def test_cancelled(self) -> None:
        """A client that leaves is not waited for, and has not failed."""
        self.threads.waits = True
        accounts = self.make()
        login = self.login(accounts, plain("bob", "plain"))
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertEqual([], self.said())

    def test_notStarted(self) -> None:
        """Without C{start} it says so."""
        accounts = Accounts(self.users, reactor=self.clock)
        self.failureResultOf(self.login(accounts, plain("bob", "x")), RuntimeError)

    def test_logged(self) -> None:
        """A failed login is in the log, a success for debugging."""
        accounts = self.make()
        self.ask(accounts, plain("bob", "plain"))
        self.assertEqual([], self.said())
        self.ask(accounts, plain("bob", "wrong"))
        self.assertEqual("login-failed", self.events[-1]["event"])


def _counting(work: list[tuple[object, ...]]) -> Any:
    def matches(self: Secret, password: str) -> bool:
        work.append(tuple(map(str, self.parameters)))
        return False

    return matches


class ConversationTests(AccountsTestCase):
    """Logins as a client sees them."""

    def connect(self, accounts: Accounts) -> MemoryClient:
        """A client that has said EHLO."""
        options = memoryOptions(
            auth="optional", allowInsecureAuth=True, mechanisms=accounts.mechanisms
        )
        return hello(MemoryServer(onAuth=accounts.onAuth, options=options))

    def scram(self, users: str, password: str, hashName: str) -> list[str]:
        """Log in as C{user}."""
        accounts = self.make(self.write("users", users.encode()))
        client, method = self.connect(accounts), f"SCRAM-{hashName}"
        return exchange(client, method, username="user", password=password)

    def test_scram(self) -> None:
        """SCRAM with keys, with a password, and with neither."""
        keys = {
            name: Scram(ScramKeys.derive("pencil", name, iterations=4096))
            for name in ("SHA-1", "SHA-256", "SHA-512")
        }
        for name in keys:
            rows = [
                ("keys", f"user:{keys[name]}", "pencil", [ACCEPTED]),
                ("wrong", f"user:{keys[name]}", "eraser", [FAILED]),
                ("a password", "user:{PLAIN}pencil", "pencil", [ACCEPTED]),
                ("a wrong one", "user:{PLAIN}eraser", "pencil", [FAILED]),
                ("nobody", "bob:{PLAIN}pencil", "pencil", [FAILED]),
                (
                    "keys before a password",
                    f"user:{{PLAIN}}eraser\nuser:{keys[name]}",
                    "pencil",
                    [ACCEPTED],
                ),
                (
                    "only a hash",
                    f"user:{_scrypt('pencil')}\nbob:{{PLAIN}}pencil",
                    "pencil",
                    [FAILED],
                ),
            ]
            for row, users, password, replies in rows:
                self.assertEqual(replies, self.scram(users, password, name), row)

    def test_derivedOnce(self) -> None:
        """Keys of a password are derived once."""
        accounts = self.make(self.write("users", b"user:{PLAIN}pencil\n"))
        for _ in range(3):
            client = self.connect(accounts)
            exchange(client, "SCRAM-SHA-256", username="user", password="pencil")
        self.assertEqual(1, self.threads.done)

    def test_iterations(self) -> None:
        """Keys that are derived have as many iterations as those made up."""
        accounts = self.make(self.write("users", b"user:{PLAIN}pencil\n"))
        for name in ("user", "nobody"):
            first = encoded(f"n,,n={name},r=abc")
            [line] = self.connect(accounts).say("AUTH SCRAM-SHA-256 " + first)
            challenge = b64decode(line[4:]).decode()
            self.assertTrue(challenge.endswith(f",i={ITERATIONS}"), challenge)

    def test_actingAsAnother(self) -> None:
        """
        SCRAM for another name fails after the proof, though the password is right.  Its
        keys are the ones of any other login: a different salt would tell that there is
        such a user.
        """
        exchange = scram("SCRAM-SHA-256", "SHA-256", CONTEXT)
        header = GS2Header(authzid="bob")
        client = ScramClient("user", "pencil", header=header)
        [_, wanted] = play(exchange, client.first)
        proofs: list[Any] = []

        def validate(keys: ScramKeys | None) -> Deferred[bool]:
            proofs.append(keys)
            return succeed(True)

        accounts = self.make(self.write("users", b"user:{PLAIN}pencil\n"))
        auth = wanted.auth(validate)  # type: ignore[union-attr]
        self.assertIsNone(self.ask(accounts, auth))
        [keys] = proofs
        assert keys is not None
        self.assertTrue(keys.matches("pencil"))

    def test_saltsOfOthers(self) -> None:
        """The salt of a name is the same whomever it wants to act as."""
        users = f"plain:{{PLAIN}}pencil\nkeys:{Scram(KEYS)}"
        accounts = self.make(self.write("users", users.encode()))
        for name in ("plain", "keys", "nobody"):
            salts = {self.saltOf(accounts, name, who) for who in ("", "a=other")}
            self.assertEqual(1, len(salts), name)

    def test_saltsOfProcesses(self) -> None:
        """
        The salts of a password that is kept as such are the same in each process that
        has the same secret, as those of names that are not there.
        """
        path = self.write("users", b"bob:{PLAIN}pencil\n")
        salts = {
            self.saltOf(self.make(path, scramSecret=secret), "bob")
            for secret in (b"one", b"one", b"two")
        }
        self.assertEqual(2, len(salts))

    def saltOf(self, accounts: Accounts, name: str, authzid: str = "") -> str:
        """What SCRAM says of a name before it knows anything of the client."""
        first = encoded(f"n,{authzid},n={name},r=abc")
        [line] = self.connect(accounts).say("AUTH SCRAM-SHA-256 " + first)
        return b64decode(line[4:]).decode().split(",")[1]

    def test_plain(self) -> None:
        """PLAIN, right and wrong."""
        client = self.connect(self.make())
        self.assertEqual([FAILED], client.say("AUTH PLAIN " + encoded("\0bob\0wrong")))
        self.assertEqual(
            [ACCEPTED], client.say("AUTH PLAIN " + encoded("\0bob\0hashed"))
        )
        self.assertEqual("bob", client.session.user)


class MechanismsTests(AccountsTestCase):
    """What the accounts can serve."""

    def mechanisms(self, users: str) -> tuple[str, ...]:
        """Of such a users file."""
        return self.make(self.write("others", users.encode())).mechanisms

    def test_mechanisms(self) -> None:
        """Those of at least one account, the strongest first, without CRAM-MD5."""
        everything = tuple(each for each in BY_NAME if each != "CRAM-MD5")
        passwords = ("PLAIN", "LOGIN")
        rows = [
            ("nobody", "", ()),
            ("a hash", f"a:{_scrypt('x')}", passwords),
            (
                "keys",
                f"a:{Scram(KEYS)}\nb:{_scrypt('x')}",
                ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", *passwords),
            ),
            ("a certificate", f"a:{{EXTERNAL}}{FINGERPRINT}", ("EXTERNAL",)),
            (
                "a password",
                "a:{PLAIN}x",
                (*(each for each in everything if "SCRAM" in each), *passwords),
            ),
        ]
        self.assertGives(self.mechanisms, rows)
        self.assertEqual(everything, self.make().mechanisms)
        self.assertEqual(
            ("OAUTHBEARER", "XOAUTH2"), self.make(None, self.tokens).mechanisms
        )


class ReloadTests(AccountsTestCase):
    """Files that change."""

    def test_changed(self) -> None:
        """A file that has changed is read at a login, once a second at the most."""
        accounts = self.make()
        self.write("users", b"eve:{PLAIN}apple\n")
        self.assertIsNone(self.ask(accounts, plain("eve", "apple")))
        self.clock.advance(1)
        self.assertEqual("eve", self.ask(accounts, plain("eve", "apple")))
        self.assertIsNone(self.ask(accounts, plain("bob", "plain")))
        self.assertIn("accounts reloaded", self.said()[1])

    def test_tokens(self) -> None:
        """The same with the tokens file."""
        accounts = self.make()
        self.write("tokens", b"")
        self.clock.advance(1)
        self.assertIsNone(self.ask(accounts, bearer("ya29")))

    def test_unchanged(self) -> None:
        """A file that has not changed is not read."""
        accounts = self.make()
        for _ in range(3):
            self.clock.advance(2)
            self.ask(accounts, bearer("ya29"))
        self.assertEqual([], self.said())

    def test_bad(self) -> None:
        """A bad file changes nothing; what is wrong is said once, until it is good."""
        accounts = self.make()
        self.write("users", b"eve:{PLAIN}apple\nbob\n")
        for _ in range(3):
            self.clock.advance(1)
            self.assertEqual("bob", self.ask(accounts, plain("bob", "plain")))
        [event] = [each for each in self.events if each["log_level"].name == "error"]
        self.assertEqual((f"{self.users}:2: " + _FORM,), event["error"].problems)

        self.write("users", b"eve:{PLAIN}apple\n")
        self.clock.advance(1)
        self.assertEqual("eve", self.ask(accounts, plain("eve", "apple")))

    def test_gone(self) -> None:
        """A file that is gone changes nothing."""
        accounts = self.make()
        os.remove(self.users)
        for _ in range(3):
            self.clock.advance(1)
            self.assertEqual("bob", self.ask(accounts, plain("bob", "plain")))
        self.assertEqual(1, len(self.said()))

    def test_reload(self) -> None:
        """C{reload} does not wait, and raises what is wrong with either file."""
        accounts = self.make()
        self.write("users", b"eve:{PLAIN}apple\n")
        accounts.reload()
        self.assertEqual("eve", self.ask(accounts, plain("eve", "apple")))

        self.write("users", b"bob:{PLAIN}plain\n")
        self.write("tokens", b"bob\n")
        error = self.assertRaises(AccountsError, accounts.reload)
        self.assertEqual((f"{self.tokens}:1: " + _FORM,), error.problems)
        self.assertEqual("eve", self.ask(accounts, plain("eve", "apple")))
        self.assertEqual("bob", self.ask(accounts, bearer("ya29")))

    def test_folder(self) -> None:
        """A path stays the same when the process goes to another folder."""
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        accounts = self.make(Path(os.path.relpath(self.users)))
        os.chdir("/")
        accounts.reload()
        self.assertEqual("bob", self.ask(accounts, plain("bob", "plain")))

    def test_start(self) -> None:
        """Without good files there are no accounts; all that is wrong is said."""
        self.write("users", b"bob\n")
        os.remove(self.tokens)
        error = self.assertRaises(AccountsError, self.make)
        self.assertEqual(
            (
                f"{self.users}:1: " + _FORM,
                f"{self.tokens}: No such file or directory",
            ),
            error.problems,
        )


_FORM = "not of the form name:{SCHEME}value"
