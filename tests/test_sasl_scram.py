"""
Tests of smtpsession.sasl.scram.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient as Scramp  # type: ignore[import-untyped]

from smtpsession.errors import SASLError
from smtpsession.sasl.exchange import (
    Challenge,
    Exchange,
    ExchangeContext,
    KeysWanted,
    Proof,
)
from smtpsession.sasl.gs2 import GS2Header
from smtpsession.sasl.keys import HASHES, ScramKeys
from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.sasl.scrammessages import ClientFinal
from tests.cases import TableTestCase, codes
from tests.exchanges import CONTEXT, ENDED, ScramClient, outcome, play
from tests.saslstrategies import preparedNames

KEYS = ScramKeys.derive("pencil", salt=b"sixteen octets..", iterations=4096)

BINDINGS = {"tls-exporter": b"from the session", "tls-server-end-point": b"hash"}
BOUND = evolve(
    CONTEXT, channelBindings=BINDINGS, offered=["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
)
CLIENT = ScramClient("user", "pencil")


@frozen
class Example:
    """A conversation of an RFC."""

    name: str
    serverNonce: str
    salt: bytes
    clientFirst: bytes
    serverFirst: bytes
    clientFinal: bytes
    serverFinal: bytes


EXAMPLES = [
    # RFC 5802, section 5.
    Example(
        name="SCRAM-SHA-1",
        serverNonce="3rfcNHYJY1ZVvWVs7j",
        salt=b64decode("QSXCR+Q6sek8bf92"),
        clientFirst=b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        serverFirst=b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"s=QSXCR+Q6sek8bf92,i=4096",
        clientFinal=b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        serverFinal=b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    # RFC 7677, section 3.
    Example(
        name="SCRAM-SHA-256",
        serverNonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt=b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="),
        clientFirst=b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        serverFirst=b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        clientFinal=b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        serverFinal=b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]

IMPOSSIBLE = [
    # name, (mechanism, header of the client), codes
    ("bound without -PLUS", ("SCRAM-SHA-256", ("p", "tls-exporter")), "535 5.7.8"),
    ("unbound with -PLUS", ("SCRAM-SHA-256-PLUS", ("n",)), "535 5.7.8"),
    ("none known, with -PLUS", ("SCRAM-SHA-256-PLUS", ("y",)), "535 5.7.8"),
    ("the offer of -PLUS was taken out", ("SCRAM-SHA-256", ("y",)), "535 5.7.8"),
    ("another binding", ("SCRAM-SHA-256-PLUS", ("p", "tls-unique")), "535 5.7.8"),
    ("in upper case", ("SCRAM-SHA-256-PLUS", ("p", "TLS-EXPORTER")), "535 5.7.8"),
]

NO_FIRST = [
    # name, first message, codes
    ("nothing", b"", "501 5.5.2"),
    ("malformed", b"n,,n=user", "501 5.5.2"),
    ("an extension that is demanded", b"n,,m=x,n=user,r=x", "501 5.5.2"),
    ("Latin-1", b"n,,n=caf\xe9,r=x", "501 5.5.2"),
    ("a control character in the name", b"n,,n=us\7er,r=x", "535 5.7.8"),
    ("nothing is left of it", "n,,n=\u00ad,r=x".encode(), "535 5.7.8"),
    ("a control character in the authzid", b"n,a=\7,n=user,r=x", "535 5.7.8"),
]

#: What a client may do wrong in a last message that is well formed.
CHANGES: list[tuple[str, Callable[[ClientFinal], ClientFinal]]] = [
    ("another nonce", lambda final: evolve(final, nonce="x" + final.nonce[1:])),
    ("its own nonce", lambda final: evolve(final, nonce=CLIENT.nonce)),
    ("a longer nonce", lambda final: evolve(final, nonce=final.nonce + "x")),
    ("another header", lambda final: evolve(final, binding=b"y,,")),
    ("a header with an authzid", lambda final: evolve(final, binding=b"n,a=x,")),
    ("data of a binding", lambda final: evolve(final, binding=b"n,,data")),
]

#: What is no last message, or none with a proof.
NO_FINAL = [
    b"",
    b"\xff",
    b"c=biws",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=AAAA",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,m=x,p=" + b"A" * 44,
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=" + b"A" * 43 + b"=",
]


def _start(name: str = "SCRAM-SHA-256", context: ExchangeContext = CONTEXT) -> Exchange:
    return BY_NAME[name].start(context)


def _keysOf(password: str) -> Callable[[Any], ScramKeys]:
    """The keys that an application has of this password, of the hash that is wanted."""
    return lambda wanted: ScramKeys.derive(password, wanted.hashName, iterations=4096)


def _proof(client: ScramClient, keys: Any = KEYS, **others: Any) -> object:
    """Whether a client has proved that it knows the password of the keys."""
    step = outcome(partial(_start, **others), client.first, keys, client.final)
    return step.isValid if isinstance(step, Proof) else step


class ExampleTests(TableTestCase):
    """The examples of the RFCs."""

    def test_examples(self):
        """The server says what the RFCs have it say."""
        for example in EXAMPLES:
            context = evolve(CONTEXT, nonce=partial(str, example.serverNonce))
            hashName = example.name.removeprefix("SCRAM-")
            keys = ScramKeys.derive("pencil", hashName, example.salt, 4096)
            self.assertEqual(
                [
                    Challenge(b""),
                    KeysWanted(example.name, "user", None, hashName),
                    Challenge(example.serverFirst),
                    Proof(True),
                    Challenge(example.serverFinal),
                    ENDED,
                ],
                play(
                    _start(example.name, context),
                    *(example.clientFirst, keys, example.clientFinal, True, b""),
                ),
            )


class OtherClientTests(TableTestCase):
    """A client that others wrote."""

    def test_everyHash(self):
        """It is authenticated with each hash function, bound to the channel or not."""
        for hashName in HASHES:
            for binding in (None, ("tls-server-end-point", b"hash")):
                for username in ("user", "a=b,c", "us\u00e9r", "I\u00adX"):
                    name = f"SCRAM-{hashName}" + ("-PLUS" if binding else "")
                    client = Scramp([name], username, "p\u00e9ncil", binding)
                    context = BOUND if binding else CONTEXT
                    steps = self._talk(client, _start(name, context), "p\u00e9ncil")
                    self.assertEqual(([Proof(True)], ENDED), steps, name)

    def test_wrongPassword(self):
        """It is not with another password."""
        for hashName in HASHES:
            name = f"SCRAM-{hashName}"
            client = Scramp([name], "user", "pencil")
            steps = self._talk(client, _start(name), "Pencil")
            self.assertEqual(([Proof(False)], ENDED), steps, name)

    def test_downgrade(self):
        """It notices an offer that was tampered with, and so does the server."""
        binding = ("tls-server-end-point", b"hash")
        # It binds, but was made to believe that the server cannot.
        client = Scramp(["SCRAM-SHA-256"], "user", "pencil", binding)
        first = client.get_client_first().encode()

        self.assertEqual(b"y,,", first[:3])
        start = partial(_start, context=BOUND)
        self.assertRefusesWith(
            lambda message: outcome(start, message), [("y", first, "535 5.7.8")]
        )

    def _talk(
        self, client: Any, exchange: Exchange, password: str
    ) -> tuple[list[Any], object]:
        """The proofs, and how it ended; the client checks the server's signature."""

        def final(challenge: Any) -> bytes:
            client.set_server_first(challenge.octets.decode())
            message: str = client.get_client_final()
            return message.encode()

        def end(challenge: Any) -> bytes:
            client.set_server_final(challenge.octets.decode())
            return b""

        first = client.get_client_first().encode()
        steps = play(exchange, first, _keysOf(password), final, lambda p: p.isValid)
        proofs = [step for step in steps if isinstance(step, Proof)]
        if isinstance(steps[-1], Challenge):
            try:
                steps.append(exchange.send(end(steps[-1])))
            except StopIteration:
                steps.append(ENDED)
        return proofs, steps[-1]


class ScramTests(TableTestCase):
    """SCRAM."""

    @given(preparedNames, preparedNames, st.none() | preparedNames)
    def test_anyNames(self, username, password, authzid):
        """A client that knows the password proves it, whatever it is called."""
        client = ScramClient(username, password, header=GS2Header("n", None, authzid))
        _, wanted, _, proof = play(
            _start(),
            client.first,
            ScramKeys.derive(password, iterations=1),
            client.final,
        )

        self.assertEqual(Proof(True), proof)
        self.assertEqual(
            KeysWanted("SCRAM-SHA-256", username, authzid, "SHA-256"), wanted
        )

    def test_prepared(self):
        """Names are prepared for the application, and not for the proof."""
        client = ScramClient("\u2168", "pencil", header=GS2Header("n", None, "\u00aa"))
        _, wanted, _, proof = play(_start(), client.first, KEYS, client.final)

        self.assertEqual(KeysWanted("SCRAM-SHA-256", "IX", "a", "SHA-256"), wanted)
        self.assertEqual(Proof(True), proof)

    def test_extensions(self):
        """Extensions that we do not know are ignored, but are part of the proof."""
        client = evolve(
            CLIENT, change=lambda final: evolve(final, extensions=b",z=foo")
        )

        self.assertEqual(True, _proof(client))

    def test_noFirst(self):
        """A first message that is malformed, or whose names are none, ends it."""
        self.assertRefusesWith(lambda octets: outcome(_start, octets), NO_FIRST)

    def test_wrongPassword(self):
        """Another password proves nothing."""
        self.assertEqual(False, _proof(evolve(CLIENT, password="Pencil")))

    def test_wrongFinal(self):
        """Nor does a proof about anything but this conversation."""
        rows = [
            (name, evolve(CLIENT, change=change), False) for name, change in CHANGES
        ]

        self.assertGives(_proof, rows)

    def test_noFinal(self):
        """Nor does what is no last message: who waits for the proof learns of it."""
        for octets in NO_FINAL:
            steps = play(_start(), CLIENT.first, KEYS, octets, False)
            self.assertEqual([Proof(False), ENDED], steps[-2:])

    def test_replay(self):
        """What proved it once does not prove it in another exchange."""
        said: list[bytes] = []

        def final(challenge: Any) -> bytes:
            said.append(CLIENT.final(challenge))
            return said[0]

        nonces = iter(("one", "two"))
        start = partial(_start, context=evolve(CONTEXT, nonce=lambda: next(nonces)))

        first = outcome(start, CLIENT.first, KEYS, final)
        second = outcome(start, CLIENT.first, KEYS, final)
        self.assertEqual((Proof(True), Proof(False)), (first, second))

    def test_refused(self):
        """Who is refused in spite of a valid proof does not get the server's."""
        steps = play(_start(), CLIENT.first, KEYS, CLIENT.final, False)

        self.assertEqual([Proof(True), ENDED], steps[-2:])

    def test_acceptedWithoutProof(self):
        """Without a valid proof nobody gets in, whatever the application says."""
        for keys, password in ((KEYS, "Pencil"), (None, "pencil")):
            client = evolve(CLIENT, password=password)
            begin = (_start, client.first, keys, client.final)
            self.assertEqual(Proof(False), outcome(*begin))
            self.assertRefusesWith(
                partial(outcome, *begin),
                [("accepted", True, "535 5.7.8")],
            )

    def test_lastAnswer(self):
        """The client's answer to the server's proof has to be empty."""
        steps = play(_start(), CLIENT.first, KEYS, CLIENT.final, True, b"x")

        self.assertIsInstance(steps[-1], SASLError)
        assert isinstance(steps[-1], SASLError)
        self.assertEqual("501 5.5.2", codes(steps[-1].reply))


class UnknownUserTests(TableTestCase):
    """A user that there is not."""

    def test_neverValid(self):
        """Nobody can prove to be him."""
        for password in ("pencil", "", "\0"):
            client = evolve(CLIENT, password=password)
            self.assertEqual(False, _proof(client, keys=None))

    def test_sameShape(self):
        """He is asked the same as a user that there is, and gets as far."""
        keys = ScramKeys.derive("other")
        known = play(_start(), CLIENT.first, keys, CLIENT.final, False)
        unknown = play(_start(), CLIENT.first, None, CLIENT.final, False)

        self.assertEqual([type(step) for step in known], [type(s) for s in unknown])
        self.assertEqual(known[1], unknown[1])
        for one, other in zip(self._parts(known), self._parts(unknown), strict=True):
            self.assertEqual(len(one), len(other))
        # The nonce and the iterations; the salt differs.
        self.assertEqual(self._parts(known)[::2], self._parts(unknown)[::2])

    def test_sameSalt(self):
        """His salt is the same each time, and another than that of anybody else."""

        def salt(client: ScramClient, **others: Any) -> bytes:
            steps = play(_start(**others), client.first, None)
            return self._parts(steps)[1]

        self.assertEqual(salt(CLIENT), salt(evolve(CLIENT, nonce="other")))
        self.assertEqual(salt(CLIENT), salt(evolve(CLIENT, username="us\u00ader")))
        self.assertNotEqual(salt(CLIENT), salt(evolve(CLIENT, username="bob")))
        self.assertNotEqual(salt(CLIENT), salt(CLIENT, name="SCRAM-SHA-512"))
        secret = evolve(CONTEXT, secret=b"of another server")
        self.assertNotEqual(salt(CLIENT), salt(CLIENT, context=secret))

    def test_iterations(self):
        """He has as many iterations as the server was told that all have."""
        context = evolve(CONTEXT, iterations=4096)
        steps = play(_start(context=context), CLIENT.first, None)

        self.assertEqual(b"i=4096", self._parts(steps)[2])

    def _parts(self, steps: Any) -> list[bytes]:
        """What the server said first."""
        nonce, salt, iterations = steps[2].octets.split(b",")
        return [nonce, salt, iterations]


class ChannelBindingTests(TableTestCase):
    """SCRAM bound to its TLS connection."""

    def test_bound(self):
        """A client that binds proves it, by each of the bindings that there are."""
        for binding, data in BINDINGS.items():
            for flag in (GS2Header("p", binding), GS2Header("p", binding, "bob")):
                client = evolve(CLIENT, header=flag, bindingData=data)
                proof = _proof(client, name="SCRAM-SHA-256-PLUS", context=BOUND)
                self.assertEqual(True, proof)

    def test_anotherConnection(self):
        """Who relays what was said on another connection proves nothing."""
        for data in (b"", b"from another", BINDINGS["tls-server-end-point"]):
            client = evolve(
                CLIENT, header=GS2Header("p", "tls-exporter"), bindingData=data
            )
            proof = _proof(client, name="SCRAM-SHA-256-PLUS", context=BOUND)
            self.assertEqual(False, proof)

    def test_impossible(self):
        """What contradicts what was offered is refused before anybody is asked."""

        def begin(row: tuple[str, tuple[str, ...]]) -> object:
            name, header = row
            client = evolve(CLIENT, header=GS2Header(*header))
            return outcome(partial(_start, name, BOUND), client.first)

        self.assertRefusesWith(begin, IMPOSSIBLE)

    def test_notOffered(self):
        """A client that could bind may go on where that was not offered."""
        client = evolve(CLIENT, header=GS2Header("y"))

        self.assertEqual(True, _proof(client))

    def test_unbound(self):
        """A client that cannot bind may go on without, offered or not."""
        self.assertEqual(True, _proof(CLIENT, context=BOUND))
