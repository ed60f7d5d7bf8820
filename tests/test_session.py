"""
Tests of smtpsession.session, and of the model as a whole.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from attrs import asdict, fields
from attrs.exceptions import FrozenInstanceError

from smtpsession import (
    DSNEnvelope,
    DSNRcpt,
    ProxyInfo,
    SMTPAddress,
    SMTPAddressArgs,
    SMTPEnvelope,
    SMTPSession,
    TLSCipherInfo,
)
from smtpsession.session import newIdentifier
from tests.cases import TableTestCase

#: The fields of each class of the model, in order.
MODEL: dict[type, list[str]] = {
    SMTPSession: [
        "id",
        "secure",
        "servername",
        "localAddress",
        "localPort",
        "remoteAddress",
        "remotePort",
        "peerAddress",
        "clientHostname",
        "hostNameAppearsAs",
        "openingCommand",
        # transmissionType follows from the others.
        "tlsOptions",
        "user",
        "transaction",
        "envelope",
        "xClient",
        "xForward",
        "authMethod",
        "peerCertificate",
        "proxy",
        "state",
    ],
    TLSCipherInfo: ["name", "standardName", "version"],
    SMTPEnvelope: [
        *("mailFrom", "rcptTo", "bodyType", "smtpUtf8", "requireTLS", "dsn"),
        *("deliverBy", "priority", "futureRelease", "submitter", "state"),
    ],
    DSNEnvelope: ["ret", "envid"],
    SMTPAddress: ["address", "args", "dsn", "rrvs", "localPart", "domain"],
    DSNRcpt: ["notify", "orcpt"],
    ProxyInfo: [
        "version",
        "protocol",
        "sourceAddress",
        "sourcePort",
        "destinationAddress",
        "destinationPort",
        "tlvs",
        "isLocal",
    ],
}

#: What a session is before anything is known of its client.
UNKNOWN: dict[str, Any] = {
    "secure": False,
    "servername": None,
    "localAddress": "",
    "localPort": 0,
    "remoteAddress": "",
    "remotePort": 0,
    "peerAddress": "",
    "clientHostname": "",
    "hostNameAppearsAs": "",
    "openingCommand": "",
    "transmissionType": "SMTP",
    "tlsOptions": None,
    "user": None,
    "transaction": 0,
    "envelope": {
        "mailFrom": None,
        "rcptTo": [],
        "bodyType": "7bit",
        "smtpUtf8": False,
        "requireTLS": False,
        "dsn": None,
        "deliverBy": None,
        "priority": None,
        "futureRelease": None,
        "submitter": None,
        "state": {},
    },
    "xClient": {},
    "xForward": {},
    "authMethod": None,
    "peerCertificate": None,
    "proxy": None,
    "state": {},
}

TRANSMISSION_TYPES = [
    # opening command, secure, user, SMTPUTF8, the IANA "with" keyword
    #
    # Nothing has been said yet.
    ("", False, None, False, "SMTP"),
    ("", True, None, False, "SMTP"),
    # HELO is SMTP without extensions, and so without names for them.
    ("HELO", False, None, False, "SMTP"),
    ("HELO", False, None, True, "SMTP"),
    ("HELO", False, "bob", False, "SMTP"),
    ("HELO", False, "bob", True, "SMTP"),
    ("HELO", True, None, False, "SMTP"),
    ("HELO", True, None, True, "SMTP"),
    ("HELO", True, "bob", False, "SMTP"),
    ("HELO", True, "bob", True, "SMTP"),
    # RFC 3848, and RFC 6531, section 4.3.
    ("EHLO", False, None, False, "ESMTP"),
    ("EHLO", False, None, True, "UTF8SMTP"),
    ("EHLO", False, "bob", False, "ESMTPA"),
    ("EHLO", False, "bob", True, "UTF8SMTPA"),
    ("EHLO", True, None, False, "ESMTPS"),
    ("EHLO", True, None, True, "UTF8SMTPS"),
    ("EHLO", True, "bob", False, "ESMTPSA"),
    ("EHLO", True, "bob", True, "UTF8SMTPSA"),
    ("LHLO", False, None, False, "LMTP"),
    ("LHLO", False, None, True, "UTF8LMTP"),
    ("LHLO", False, "bob", False, "LMTPA"),
    ("LHLO", False, "bob", True, "UTF8LMTPA"),
    ("LHLO", True, None, False, "LMTPS"),
    ("LHLO", True, None, True, "UTF8LMTPS"),
    ("LHLO", True, "bob", False, "LMTPSA"),
    ("LHLO", True, "bob", True, "UTF8LMTPSA"),
    # A user is anything but None.
    ("EHLO", False, 0, False, "ESMTPA"),
    ("EHLO", False, "", False, "ESMTPA"),
    ("EHLO", False, False, False, "ESMTPA"),
]


class User:
    """A user as an application may have it, which knows itself as a dictionary."""

    def asDict(self) -> dict[str, Any]:
        return {"name": "bob", "roles": {"admin"}, "token": b"secret"}


class ModelTests(TableTestCase):
    """The classes of the model."""

    def test_fields(self):
        """Each class has its fields, under these names and in this order."""
        for cls, names in MODEL.items():
            self.assertEqual(
                names,
                [each.name for each in fields(cls)],
                cls.__name__,
            )

    def test_transmissionTypeIsPartOfIt(self):
        """How the message was transmitted is read like a field."""
        self.assertEqual("SMTP", SMTPSession().transmissionType)
        with self.assertRaises(AttributeError):
            SMTPSession().transmissionType = "ESMTP"  # type: ignore[misc]

    def test_frozen(self):
        """What describes one thing only never changes."""
        values = [
            TLSCipherInfo("TLS_AES_256_GCM_SHA384", None, "TLSv1.3"),
            ProxyInfo(1, "TCP4"),
            DSNEnvelope(),
            DSNRcpt(),
            SMTPAddress(""),
        ]
        for value in values:
            for name in MODEL[type(value)]:
                with self.assertRaises(FrozenInstanceError):
                    setattr(value, name, None)

    def test_mutable(self):
        """A session and an envelope change, that is what they are for."""
        session = SMTPSession()
        session.secure = True
        session.state["seen"] = 1
        session.envelope.mailFrom = SMTPAddress("bob@example.org")

        self.assertTrue(session.secure)
        self.assertEqual({"seen": 1}, session.state)

    def test_noOtherFields(self):
        """A field that there is not cannot be set by mistake."""
        with self.assertRaises(AttributeError):
            SMTPSession().clientHostName = "x"  # type: ignore[attr-defined]
        with self.assertRaises(AttributeError):
            SMTPEnvelope().mailfrom = None  # type: ignore[attr-defined]

    def test_asDictNames(self):
        """As JSON each class has the same names."""
        values: list[Any] = [
            TLSCipherInfo("TLS_AES_256_GCM_SHA384", None, "TLSv1.3"),
            DSNEnvelope(),
            DSNRcpt(),
            SMTPAddress(""),
            SMTPEnvelope(),
        ]
        for value in values:
            self.assertEqual(set(MODEL[type(value)]), set(value.asDict()))
        self.assertEqual(
            {*MODEL[ProxyInfo], "alpn", "authority", "uniqueId", "netns", "tls"},
            set(ProxyInfo(1, "TCP4").asDict()),
        )
        self.assertEqual(
            {*MODEL[SMTPSession], "transmissionType"}, set(SMTPSession().asDict())
        )


class SMTPSessionTests(TableTestCase):
    """Sessions."""

    def test_unknown(self):
        """Before anything is known of the client, a session says just that."""
        session = SMTPSession(id="x")

        self.assertEqual({"id": "x", **UNKNOWN}, session.asDict())

    def test_ownContainers(self):
        """No two sessions share an envelope or notes."""
        one, other = SMTPSession(), SMTPSession()
        one.state["a"] = one.xClient["B"] = one.xForward["C"] = "d"
        one.envelope.rcptTo.append(SMTPAddress("bob@example.org"))

        self.assertEqual(({}, {}, {}), (other.state, other.xClient, other.xForward))
        self.assertEqual([], other.envelope.rcptTo)

    def test_identity(self):
        """A session is equal to itself only, and may be a key of a dictionary."""
        one, other = SMTPSession(id="x"), SMTPSession(id="x")

        self.assertEqual(one, one)
        self.assertNotEqual(one, other)
        self.assertEqual({one: 1, other: 2}[one], 1)

    def test_transmissionType(self):
        """The IANA keyword follows from what was said and done."""
        for opening, secure, user, utf8, expected in TRANSMISSION_TYPES:
            session = SMTPSession(openingCommand=opening, secure=secure, user=user)
            session.envelope.smtpUtf8 = utf8
            self.assertEqual(
                expected, session.transmissionType, (opening, secure, user, utf8)
            )

    def test_transmissionTypeFollows(self):
        """It is of the present transaction."""
        session = SMTPSession(openingCommand="EHLO")
        session.envelope = SMTPEnvelope(smtpUtf8=True)
        self.assertEqual("UTF8SMTP", session.transmissionType)
        session.envelope = SMTPEnvelope()
        self.assertEqual("ESMTP", session.transmissionType)

    def test_asDict(self):
        """A session as JSON has everything that is known, in plain types."""
        session = SMTPSession(
            id="0123456789abcdefghijklmn",
            secure=True,
            servername="mx.example.org",
            localAddress="192.0.2.1",
            localPort=25,
            remoteAddress="2001:db8::1",
            remotePort=50000,
            peerAddress="2001:db8::4",
            clientHostname="client.example.com",
            hostNameAppearsAs="[192.0.2.2]",
            openingCommand="EHLO",
            tlsOptions=TLSCipherInfo("A", "B", "TLSv1.3"),
            user="bob",
            transaction=3,
            xClient={"NAME": None, "ADDR": "192.0.2.3"},
            xForward={"HELO": "x"},
            authMethod="PLAIN",
            proxy=ProxyInfo(
                2,
                "TCP6",
                "2001:db8::2",
                4000,
                "2001:db8::3",
                25,
                {1: b"h2", 5: b"\xff"},
            ),
            state={"score": 1.5, 2: ("a", b"b"), "set": {"c"}, "path": Path("d")},
        )
        session.envelope = SMTPEnvelope(
            mailFrom=SMTPAddress("alice@example.com", SMTPAddressArgs({"SIZE": "9"})),
            rcptTo=[SMTPAddress("jos\xe9@example.org", dsn=DSNRcpt(("NEVER",)))],
            bodyType="8bitmime",
            smtpUtf8=True,
            requireTLS=True,
            dsn=DSNEnvelope("FULL", "QQ1"),
            submitter="bob@example.com",
            state={"note": b"x"},
        )

        self.assertEqual(
            {
                "id": "0123456789abcdefghijklmn",
                "secure": True,
                "servername": "mx.example.org",
                "localAddress": "192.0.2.1",
                "localPort": 25,
                "remoteAddress": "2001:db8::1",
                "remotePort": 50000,
                "peerAddress": "2001:db8::4",
                "clientHostname": "client.example.com",
                "hostNameAppearsAs": "[192.0.2.2]",
                "openingCommand": "EHLO",
                "transmissionType": "UTF8SMTPSA",
                "tlsOptions": {"name": "A", "standardName": "B", "version": "TLSv1.3"},
                "user": "bob",
                "transaction": 3,
                "envelope": {
                    "mailFrom": {
                        "address": "alice@example.com",
                        "localPart": "alice",
                        "domain": "example.com",
                        "args": {"SIZE": "9"},
                        "dsn": None,
                        "rrvs": None,
                    },
                    "rcptTo": [
                        {
                            "address": "jos\xe9@example.org",
                            "localPart": "jos\xe9",
                            "domain": "example.org",
                            "args": {},
                            "dsn": {"notify": ["NEVER"], "orcpt": None},
                            "rrvs": None,
                        }
                    ],
                    "bodyType": "8bitmime",
                    "smtpUtf8": True,
                    "requireTLS": True,
                    "dsn": {"ret": "FULL", "envid": "QQ1"},
                    "deliverBy": None,
                    "priority": None,
                    "futureRelease": None,
                    "submitter": "bob@example.com",
                    "state": {"note": "x"},
                },
                "xClient": {"NAME": None, "ADDR": "192.0.2.3"},
                "xForward": {"HELO": "x"},
                "authMethod": "PLAIN",
                "peerCertificate": None,
                "proxy": {
                    "version": 2,
                    "protocol": "TCP6",
                    "sourceAddress": "2001:db8::2",
                    "sourcePort": 4000,
                    "destinationAddress": "2001:db8::3",
                    "destinationPort": 25,
                    "tlvs": {"1": "h2", "5": "\\xff"},
                    "isLocal": False,
                    "alpn": "h2",
                    "authority": None,
                    "uniqueId": "ff",
                    "netns": None,
                    "tls": None,
                },
                "state": {"score": 1.5, "2": ["a", "b"], "set": ["c"], "path": "d"},
            },
            json.loads(json.dumps(session.asDict())),
        )

    def test_asDictOfAnything(self):
        """Whatever an application keeps in a session, JSON can be made of it."""

        def asJSON(value: object) -> bool:
            session = SMTPSession(user=value, peerCertificate=value)
            session.state["value"] = [value]
            return bool(json.dumps(session.asDict()))

        self.assertGives(
            asJSON,
            [
                ("an object", object(), True),
                ("an exception", ValueError("x"), True),
                ("a dictionary of other types", {(1, 2): {None: b"\xff"}}, True),
                ("a class that has asDict()", User, True),
                ("an object whose asDict() has other types", User(), True),
            ],
        )

    def test_asDictTakesNothing(self):
        """What can be read only once is left for the application to read."""
        session = SMTPSession()
        session.state["lines"] = iter(["one", "two"])
        json.dumps(session.asDict())

        self.assertEqual(["one", "two"], list(session.state["lines"]))

    def test_asDictOfItself(self):
        """A session that is kept in a session is given by its identifier."""
        session = SMTPSession()
        session.state["self"] = [session]

        self.assertEqual({"self": [session.id]}, session.asDict()["state"])

    def test_asDictOfNoNumber(self):
        """What JSON has no number for is given as text."""
        session = SMTPSession()
        session.state["score"] = float("nan")

        self.assertEqual({"score": "nan"}, session.asDict()["state"])

    def test_asDictIsACopy(self):
        """What is done to the dictionary is not done to the session."""
        session = SMTPSession()
        copy = session.asDict()
        copy["state"]["a"] = "b"
        copy["envelope"]["rcptTo"].append("c")

        self.assertEqual({}, session.state)
        self.assertEqual([], session.envelope.rcptTo)


class SMTPEnvelopeTests(TableTestCase):
    """Envelopes."""

    def test_empty(self):
        """Before MAIL FROM, an envelope is empty."""
        self.assertEqual(
            {
                "mailFrom": None,
                "rcptTo": [],
                "bodyType": "7bit",
                "smtpUtf8": False,
                "requireTLS": False,
                "dsn": None,
                "deliverBy": None,
                "priority": None,
                "futureRelease": None,
                "submitter": None,
                "state": {},
            },
            asdict(SMTPEnvelope()),
        )

    def test_nullReversePath(self):
        """A message from nobody is told from one that has no sender yet."""
        envelope = SMTPEnvelope(mailFrom=SMTPAddress(""))

        self.assertNotEqual(None, envelope.mailFrom)
        self.assertEqual("", envelope.asDict()["mailFrom"]["address"])

    def test_repeatedRecipient(self):
        """A recipient that comes twice has two places."""
        bob, eve = SMTPAddress("bob@example.org"), SMTPAddress("eve@example.org")
        envelope = SMTPEnvelope(rcptTo=[bob, eve, bob])

        self.assertEqual(
            ["bob@example.org", "eve@example.org", "bob@example.org"],
            [each["address"] for each in envelope.asDict()["rcptTo"]],
        )


class IdentifierTests(TableTestCase):
    """The identifiers of sessions."""

    def test_unique(self):
        """No two are the same, even of the same moment."""
        self.patch(time, "time_ns", lambda: 1_700_000_000_000_000_000)

        self.assertEqual(10_000, len({newIdentifier() for _ in range(10_000)}))

    def test_sortedByTime(self):
        """They sort as the moments do, from one microsecond to the next and later."""
        moments = [1_700_000_000_000_000_000]
        for later in (10**3, 10**3, 10**6, 10**9, 60 * 10**9, 10**16, 10**17, 10**18):
            moments.append(moments[-1] + later)
        identifiers = []
        for moment in moments:
            self.patch(time, "time_ns", lambda moment=moment: moment)
            identifiers.append(newIdentifier())

        self.assertEqual(sorted(identifiers), identifiers)

    def test_plain(self):
        """They are made of 24 lower-case letters and digits, fit for a file's name."""
        for _ in range(1000):
            self.assertRegex(newIdentifier(), r"\A[0-9a-z]{24}\Z")

    def test_everySession(self):
        """Every session has its own."""
        self.assertNotEqual(SMTPSession().id, SMTPSession().id)
