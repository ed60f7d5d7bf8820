"""
Tests of smtpsession.cred, with the checkers of twisted.cred.  The realm, and how
clients log out, are in tests.test_portals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

from attrs import define, field
from twisted.cred.checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface.verify import verifyObject

from smtpsession.cred import (
    BearerCredentials,
    CramMD5Credentials,
    ExternalCredentials,
    IBearerCredentials,
    IExternalCredentials,
    IScramCredentials,
    IXClientCredentials,
    PasswordCredentials,
    PortalLogin,
    ScramCredentials,
    XClientCredentials,
)
from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    ExternalAuth,
    ScramAuth,
    XClientAuth,
)
from smtpsession.sasl.exchange import KeysWanted, Proof
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.mechanisms import BY_NAME
from tests.exchanges import CONTEXT, ScramClient, outcome
from tests.portals import Checker, CredTestCase, Realm, cram, plain

KEYS = ScramKeys.derive("hunter2", iterations=1)

PASSWORDS = [
    # name, (user name, password), user
    ("the right one", ("bob", "hunter2"), b"bob"),
    ("beyond ASCII", ("jos\xe9", "p\xe4ssword"), "jos\xe9".encode()),
    ("the wrong one", ("bob", "hunter3"), None),
    ("another user's", ("bob", "p\xe4ssword"), None),
    ("another name", ("alice", "hunter2"), None),
    ("another case", ("Bob", "hunter2"), None),
]


BEARER = BearerAuth(method="XOAUTH2", username="bob", accessToken="ya29")
EXTERNAL = ExternalAuth(method="EXTERNAL", username="bob", certificate="his")
XCLIENT = XClientAuth(username="bob")


@define
class Asked:
    """
    A client of SCRAM that knows the password of some keys.

    @ivar given: the keys that it was let prove it for
    """

    knows: ScramKeys | None = None
    given: list[ScramKeys | None] = field(factory=list)

    def auth(self, authzid: str | None = None) -> ScramAuth:
        """What it asks with."""
        return ScramAuth(
            method="SCRAM-SHA-256",
            username="bob",
            authzid=authzid,
            hashName="SHA-256",
            validate=self._validate,
        )

    def _validate(self, keys: ScramKeys | None) -> Deferred[bool]:
        self.given.append(keys)
        return succeed(keys is not None and keys == self.knows)


class CheckerOfHashes(Checker):
    """One that has not the keys of every hash function."""

    hashNames = ("SHA-256",)


async def _checkKeys(credentials: Any) -> bytes:
    """A checker that knows the keys of one user."""
    keys = KEYS if credentials.username == b"bob" else None
    if not await credentials.validateKeys(keys):
        raise UnauthorizedLogin()
    name: bytes = credentials.username
    return name


class PasswordTests(CredTestCase):
    """Checkers of passwords."""

    def test_plain(self):
        """The checkers of twisted.cred check the passwords of PLAIN."""
        self._check(plain)

    def test_cram(self):
        """They check CRAM-MD5, for they have the passwords themselves."""
        self._check(cram)

    def test_hashed(self):
        """A file of hashes serves PLAIN, and refuses what it cannot check."""
        path = self.mktemp()
        with open(path, "w") as users:
            users.write(f"bob:{sha256(b'hunter2').hexdigest()}\n")
        checker = FilePasswordDB(
            path, hash=lambda name, sent, kept: sha256(sent).hexdigest().encode()
        )
        login = PortalLogin.fromCheckers(checker)

        self.assertEqual(b"bob", self.ask(login, plain("bob", "hunter2")))
        self.assertIsNone(self.ask(login, plain("bob", "hunter3")))
        self.assertIsNone(self.ask(login, cram("bob", "hunter2")))
        self.assertEqual(("PLAIN", "LOGIN"), login.mechanisms)

    def test_missingFile(self):
        """A file that is not there has no users."""
        login = PortalLogin.fromCheckers(FilePasswordDB(self.mktemp()))

        self.assertIsNone(self.ask(login, plain("bob", "hunter2")))

    def test_others(self):
        """Credentials for which there is no checker are refused."""
        login = PortalLogin.fromCheckers(self.memory(), AllowAnonymousAccess())

        for auth in (BEARER, EXTERNAL, XCLIENT):
            self.assertIsNone(self.ask(login, auth))

    def test_lastCounts(self):
        """Of two checkers for the same the last one counts."""
        other = InMemoryUsernamePasswordDatabaseDontUse(carol=b"tanstaaf")
        login = PortalLogin.fromCheckers(self.memory(), other)

        self.assertEqual(b"carol", self.ask(login, plain("carol", "tanstaaf")))
        self.assertIsNone(self.ask(login, plain("bob", "hunter2")))

    def _check(self, auth: Callable[[str, str], Auth]) -> None:
        for name, checker in self.checkers():
            login = PortalLogin.fromCheckers(checker)
            for how, pair, user in PASSWORDS:
                actual = self.ask(login, auth(*pair))
                self.assertEqual(user, actual, f"{name}, {how}")


class ScramTests(CredTestCase):
    """Checkers that have keys."""

    def setUp(self) -> None:
        super().setUp()
        self.login = PortalLogin.fromCheckers(Checker(_checkKeys, (IScramCredentials,)))

    def test_known(self):
        """A client that proves that it knows the password is let in."""
        client = Asked(KEYS)

        self.assertEqual(b"bob", self.ask(self.login, client.auth()))
        self.assertEqual([KEYS], client.given)

    def test_unproved(self):
        """One that does not is not."""
        client = Asked()

        self.assertIsNone(self.ask(self.login, client.auth()))
        self.assertEqual([KEYS], client.given)

    def test_exchange(self):
        """So it is with a real exchange, whose end the checker waits for."""
        self.assertEqual(b"bob", self._exchange("hunter2"))
        self.assertIsNone(self._exchange("hunter3"))

    def test_neverAsked(self):
        """
        A client is let prove something though the checker does not want it, so that it
        gets as far as any other; and it is refused.
        """
        refuses = Checker(lambda _: fail(UnauthorizedLogin()), (IScramCredentials,))
        accepts = Checker(lambda _: succeed(b"bob"), (IScramCredentials,))
        for checker in (refuses, accepts, self.memory()):
            client = Asked(KEYS)
            login = PortalLogin.fromCheckers(checker)
            self.assertIsNone(self.ask(login, client.auth()))
            self.assertEqual([None], client.given)

    def test_actingAsAnother(self):
        """
        One that may not act as whom it wants to is refused, after a proof with the keys
        of any other login: other keys would tell that there is such a user.
        """
        client = Asked(KEYS)

        self.assertIsNone(self.ask(self.login, client.auth("alice")))
        self.assertEqual([KEYS], client.given)

    def test_otherKeys(self):
        """Keys of another hash function are a mistake of the checker."""
        keys = ScramKeys.derive("hunter2", "SHA-1", iterations=1)
        checker = Checker(lambda c: c.validateKeys(keys), (IScramCredentials,))
        asked = PortalLogin.fromCheckers(checker).onAuth(Asked().auth(), self.session)

        self.failureResultOf(asked, ValueError)

    def _exchange(self, password: str) -> Any:
        """Who a client is that knows this password."""
        client = ScramClient("bob", password)
        start = partial(BY_NAME["SCRAM-SHA-256"].start, CONTEXT)
        proof: Deferred[bool] = Deferred()
        given: list[ScramKeys | None] = []

        def validate(keys: ScramKeys | None) -> Deferred[bool]:
            given.append(keys)
            return proof

        wanted = outcome(start, client.first)
        assert isinstance(wanted, KeysWanted)
        asked = self.login.onAuth(wanted.auth(validate), self.session)
        self.assertNoResult(asked)
        step = outcome(start, client.first, *given, client.final)
        assert isinstance(step, Proof)
        proof.callback(step.isValid)
        return self.successResultOf(asked)


class OtherTests(CredTestCase):
    """Checkers of what twisted.cred knows nothing of."""

    def test_bearer(self):
        """A checker of tokens gets the token, in octets."""
        seen = self._seen(IBearerCredentials, BEARER)

        self.assertEqual((b"bob", None), (seen.username, seen.authzid))
        self.assertEqual(b"ya29", seen.accessToken)

    def test_noName(self):
        """A token may come without a name, for the checker to find it."""
        auth = BearerAuth(method="OAUTHBEARER", username="", accessToken="ya29")

        self.assertEqual(b"", self._seen(IBearerCredentials, auth).username)

    def test_external(self):
        """A checker of certificates gets the certificate."""
        seen = self._seen(IExternalCredentials, EXTERNAL)

        self.assertEqual((b"bob", "his"), (seen.username, seen.certificate))

    def test_xclient(self):
        """A checker of what a proxy says gets the name."""
        self.assertEqual(b"bob", self._seen(IXClientCredentials, XCLIENT).username)

    def test_interfaces(self):
        """Credentials are what they say they are."""
        scram = Asked().auth("alice")
        for interface, credentials in (
            (IUsernamePassword, PasswordCredentials(plain("bob", "x"))),
            (IUsernameHashedPassword, CramMD5Credentials(cram("bob", "x"))),
            (IScramCredentials, ScramCredentials(scram)),
            (IBearerCredentials, BearerCredentials(BEARER)),
            (IExternalCredentials, ExternalCredentials(EXTERNAL)),
            (IXClientCredentials, XClientCredentials(XCLIENT)),
        ):
            self.assertTrue(verifyObject(interface, credentials))
        self.assertEqual(b"alice", ScramCredentials(scram).authzid)

    def test_repr(self):
        """Credentials show nothing."""
        for credentials in (
            PasswordCredentials(plain("bob", "hunter2")),
            BearerCredentials(BEARER),
        ):
            for secret in ("hunter2", "ya29"):
                self.assertNotIn(secret, repr(credentials))

    def _seen(self, interface: Any, auth: Auth) -> Any:
        """The credentials that the checker gets."""
        seen: list[Any] = []

        def check(credentials: Any) -> Deferred[bytes]:
            seen.append(credentials)
            return succeed(b"somebody")

        login = PortalLogin.fromCheckers(Checker(check, (interface,)))
        self.assertEqual(b"somebody", self.ask(login, auth))
        return seen[0]


class AuthzidTests(CredTestCase):
    """Clients that want to act as another."""

    def test_same(self):
        """Acting as oneself is nothing special."""
        login = PortalLogin.fromCheckers(self.memory())

        self.assertEqual(b"bob", self.ask(login, plain("bob", "hunter2", "bob")))

    def test_refused(self):
        """Nobody may act as another by default, for no checker would notice."""
        login = PortalLogin.fromCheckers(self.memory())

        self.assertIsNone(self.ask(login, plain("bob", "hunter2", "jos\xe9")))
        auth = ExternalAuth(
            method="EXTERNAL", username="bob", authzid="root", certificate="his"
        )
        accepts = Checker(lambda _: succeed(b"bob"), (IExternalCredentials,))
        self.assertIsNone(self.ask(PortalLogin.fromCheckers(accepts), auth))

    def test_honored(self):
        """A checker that looks at the authzid decides."""

        def check(credentials: Any) -> bytes:
            if credentials.authzid != "jos\xe9".encode():
                raise UnauthorizedLogin()
            name: bytes = credentials.authzid
            return name

        login = PortalLogin.fromCheckers(Checker(check), honorsAuthzid=True)
        for authzid, user in (("jos\xe9", "jos\xe9".encode()), ("root", None)):
            auth = plain("bob", "hunter2", authzid)
            self.assertEqual(user, self.ask(login, auth))


def _refuse(credentials: Any) -> Any:
    return fail(UnauthorizedLogin())


SCRAM = (
    *("SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"),
    *("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"),
)

MECHANISMS = [
    # name, checkers, mechanisms
    ("none", [], ()),
    ("of anonymous access", [AllowAnonymousAccess()], ()),
    (
        "of passwords that it has",
        [InMemoryUsernamePasswordDatabaseDontUse()],
        ("CRAM-MD5", "PLAIN", "LOGIN"),
    ),
    ("of passwords", [Checker(_refuse)], ("PLAIN", "LOGIN")),
    ("of keys", [Checker(_refuse, (IScramCredentials,))], SCRAM),
    (
        "of a few keys",
        [CheckerOfHashes(_refuse, (IScramCredentials,))],
        ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"),
    ),
    (
        "of tokens",
        [Checker(_refuse, (IBearerCredentials,))],
        ("OAUTHBEARER", "XOAUTH2"),
    ),
    ("of certificates", [Checker(_refuse, (IExternalCredentials,))], ("EXTERNAL",)),
    ("of what a proxy says", [Checker(_refuse, (IXClientCredentials,))], ()),
    (
        "several, the strongest first",
        [
            Checker(_refuse),
            Checker(_refuse, (IExternalCredentials,)),
            CheckerOfHashes(_refuse, (IScramCredentials,)),
        ],
        ("EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"),
    ),
]


class MechanismsTests(CredTestCase):
    """Which mechanisms there are users for."""

    def test_mechanisms(self):
        """There are those whose credentials some checker takes."""
        self.assertGives(
            lambda checkers: PortalLogin.fromCheckers(*checkers).mechanisms, MECHANISMS
        )

    def test_checkerAddedLater(self):
        """A checker that the portal gets later counts."""
        portal = Portal(Realm())
        login = PortalLogin(portal)
        portal.registerChecker(Checker(_refuse))

        self.assertEqual(("PLAIN", "LOGIN"), login.mechanisms)
