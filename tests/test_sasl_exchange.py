"""
Tests of smtpsession.sasl.exchange: what holds for every mechanism.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed

from smtpsession.errors import SASLError
from smtpsession.sasl.auth import Auth
from smtpsession.sasl.exchange import (
    Challenge,
    ExchangeContext,
    KeysWanted,
    Proof,
)
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.mechanisms import BY_NAME, MECHANISMS
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ENDED, play

#: Responses that lead somewhere, for some mechanism.
_responses = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b"\0bob\0hunter2",
        b"bob",
        b"bob b913a602c7eda7a495b4e6e7334d3890",
        b"n,,n=user,r=fyko",
        b"y,a=bob,n=user,r=fyko",
        b"p=tls-exporter,,n=user,r=fyko",
        b"c=biws,r=fyko3rfcNHYJY1ZVvWVs7j,p=dHzb",
        b"n,a=bob,\1auth=Bearer a\1\1",
        b"n,,\1auth=\1\1",
        b"user=bob\1auth=Bearer a\1\1",
    ]
)
_keys = st.just(ScramKeys.derive("pencil", iterations=1))


class ContextTests(TableTestCase):
    """What exchanges know of their connection."""

    def test_nonces(self):
        """By default each nonce is new, and fits SCRAM and CRAM-MD5."""
        context = ExchangeContext(hostname="mx.example.org")
        nonces = {context.nonce() for _ in range(100)}

        self.assertEqual(100, len(nonces))
        self.assertTrue(all(len(nonce) >= 24 for nonce in nonces))
        for nonce in nonces:
            self.assertRegex(nonce, r"\A[A-Za-z0-9_-]+\Z")

    def test_secret(self):
        """By default the secret is the same for a process, and is not shown."""
        one, other = (ExchangeContext(hostname=name) for name in "ab")

        self.assertEqual(one.secret, other.secret)
        self.assertNotIn("secret", repr(one))

    def test_keysWanted(self):
        """An application is asked for keys with all that is known of the client."""
        wanted = KeysWanted("SCRAM-SHA-1", "bob", "alice", "SHA-1")
        given: list[ScramKeys | None] = []

        def validate(keys: ScramKeys | None) -> Deferred[bool]:
            given.append(keys)
            return succeed(False)

        auth = wanted.auth(validate)

        self.assertEqual(
            ("SCRAM-SHA-1", "bob", "alice", "SHA-1"),
            (auth.method, auth.username, auth.authzid, auth.hashName),
        )
        auth.validateKeys(None)
        self.assertEqual([None], given)


class ContractTests(TableTestCase):
    """What each exchange owes to whoever runs it."""

    def test_begin(self):
        """Each begins with a challenge, an empty one where the client is to speak."""
        begins = {m.name: play(m.start(CONTEXT))[0] for m in MECHANISMS}
        says = {n: c.octets for n, c in begins.items() if isinstance(c, Challenge)}

        self.assertEqual(set(BY_NAME), set(says))
        self.assertEqual(
            {"LOGIN", "CRAM-MD5"}, {name for name, octets in says.items() if octets}
        )

    def test_close(self):
        """Each can be given up at once."""
        for mechanism in MECHANISMS:
            exchange = mechanism.start(CONTEXT)
            next(exchange)
            exchange.close()

    def test_authType(self):
        """Each asks the application with what the table says."""
        said = {
            "PLAIN": (b"\0bob\0hunter2",),
            "LOGIN": (b"bob", b"hunter2"),
            "CRAM-MD5": (b"bob b913a602c7eda7a495b4e6e7334d3890",),
            "OAUTHBEARER": (b"n,,\1auth=Bearer a\1\1",),
            "XOAUTH2": (b"user=bob\1auth=Bearer a\1\1",),
        }
        for name, responses in said.items():
            auth = play(BY_NAME[name].start(CONTEXT), *responses)[-1]
            self.assertIs(BY_NAME[name].authType, type(auth))

    @given(
        st.sampled_from([m.name for m in MECHANISMS]),
        st.lists(_responses, min_size=4, max_size=4),
        st.booleans(),
        st.none() | _keys,
    )
    def test_anyResponses(self, name, responses, accepts, keys):
        """
        Whatever the client says, an exchange ends, raises nothing but `SASLError`, and
        leaves nobody who was asked without an answer.
        """
        exchange = BY_NAME[name].start(CONTEXT)
        said = iter(responses)
        waits = False

        def answer(step: object) -> object:
            nonlocal waits
            if isinstance(step, KeysWanted):
                waits = True
                return keys
            if isinstance(step, Proof):
                waits = False
            return next(said) if isinstance(step, Challenge) else accepts

        step: object = next(exchange)
        while step is not ENDED:
            self.assertIsInstance(step, (Challenge, Auth, KeysWanted, Proof))
            try:
                step = exchange.send(answer(step))
            except (SASLError, StopIteration):
                step = ENDED
        self.assertFalse(waits)
