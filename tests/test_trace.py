"""
Tests of smtpsession.trace: the headers in front of a delivered message.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPAddress, SMTPEnvelope, SMTPSession, TLSCipherInfo
from smtpsession.trace import deliveredTo, messageId, received, returnPath

MOMENT = 1_000_000_000.75


def sessionOf(mailFrom: str | None = "alice@example.com", **fields: Any) -> SMTPSession:
    envelope = SMTPEnvelope(
        mailFrom=None if mailFrom is None else SMTPAddress(mailFrom)
    )
    return SMTPSession(
        **{
            "id": "abc",
            "envelope": envelope,
            "remoteAddress": "192.0.2.1",
            "clientHostname": "mail.example.com",
            "hostNameAppearsAs": "client.example.com",
            "openingCommand": "EHLO",
            **fields,
        }
    )


class ReturnPathTests(SynchronousTestCase):
    """RFC 5321, section 4.4: Return-Path."""

    def test_address(self) -> None:
        """
        The reverse-path in its brackets, quoting kept.
        """
        rows = [
            ("alice@example.com", "Return-Path: <alice@example.com>\r\n"),
            ('"a b"@example.com', 'Return-Path: <"a b"@example.com>\r\n'),
            ("", "Return-Path: <>\r\n"),
        ]
        for address, header in rows:
            self.assertEqual(returnPath(sessionOf(address)), header)


class DeliveredToTests(SynchronousTestCase):
    """RFC 9228: Delivered-To."""

    def test_address(self) -> None:
        """
        The recipient as it was given.
        """
        header = deliveredTo(SMTPAddress("Bob@Example.ORG"))
        self.assertEqual(header, "Delivered-To: Bob@Example.ORG\r\n")


class ReceivedTests(SynchronousTestCase):
    """RFC 5321, section 4.4: Received."""

    def receivedOf(self, *recipients: str, **fields: Any) -> str:
        addresses = [SMTPAddress(each) for each in recipients]
        return received(sessionOf(**fields), addresses, "mx.example.org", MOMENT)

    def test_oneRecipient(self) -> None:
        """
        Where from, by whom, with what, for whom and when.
        """
        self.assertEqual(
            self.receivedOf("bob@example.org"),
            "Received: from client.example.com (mail.example.com [192.0.2.1])\r\n"
            "\tby mx.example.org with ESMTP id abc.0\r\n"
            "\tfor <bob@example.org>;\r\n"
            "\tSun, 09 Sep 2001 01:46:40 +0000\r\n",
        )

    def test_severalRecipients(self) -> None:
        """
        Several recipients are not named, for they may not know of each other.
        """
        header = self.receivedOf("bob@example.org", "carol@example.org")
        self.assertNotIn("for <", header)
        self.assertNotIn("example.org>", header)

    def test_client(self) -> None:
        """
        A client without a name has its address only, IPv6 with its tag.
        """
        rows = [
            ("192.0.2.1", "[192.0.2.1]", "([192.0.2.1])"),
            ("2001:db8::1", "[2001:db8::1]", "([IPv6:2001:db8::1])"),
            ("2001:db8::1", "x.example", "(x.example [IPv6:2001:db8::1])"),
            ("", "localhost", "(localhost)"),
        ]
        for address, name, expected in rows:
            header = self.receivedOf(remoteAddress=address, clientHostname=name)
            self.assertIn(f"from client.example.com {expected}\r\n", header)

    def test_with(self) -> None:
        """
        The "with" keyword is the session's transmission type.
        """
        rows: list[tuple[dict[str, Any], str]] = [
            ({"openingCommand": "HELO"}, "SMTP"),
            ({"openingCommand": "EHLO"}, "ESMTP"),
            ({"openingCommand": "LHLO"}, "LMTP"),
            ({"secure": True}, "ESMTPS"),
            ({"secure": True, "user": "alice"}, "ESMTPSA"),
        ]
        for fields, keyword in rows:
            self.assertIn(f" with {keyword} id ", self.receivedOf(**fields))

    def test_tls(self) -> None:
        """
        TLS is a comment: its version, and the cipher by IANA's name or OpenSSL's.
        """
        for standardName, expected in (
            ("TLS_AES_128_GCM_SHA256", "(TLSv1.3 TLS_AES_128_GCM_SHA256)"),
            (None, "(TLSv1.3 X)"),
        ):
            header = self.receivedOf(
                secure=True, tlsOptions=TLSCipherInfo("X", standardName, "TLSv1.3")
            )
            self.assertIn(f" with ESMTPS\r\n\t{expected} id ", header)

    def test_via(self) -> None:
        """
        There is no "via" in front of "with", behind which a filter would not read it.
        """
        self.assertIn("\tby mx.example.org with ESMTP id ", self.receivedOf())

    def test_noHello(self) -> None:
        """
        A client that has not said hello, as behind XCLIENT, is unknown.
        """
        header = self.receivedOf(hostNameAppearsAs="")
        self.assertTrue(header.startswith("Received: from unknown ("), header)

    def test_withUtf8(self) -> None:
        """
        So it is in an SMTPUTF8 transaction (RFC 6531, section 4.3).
        """
        envelope = SMTPEnvelope(mailFrom=SMTPAddress("jörg@example.com"), smtpUtf8=True)
        header = self.receivedOf("bob@bücher.example", envelope=envelope)
        self.assertIn(" with UTF8SMTP id ", header)
        self.assertIn("\tfor <bob@bücher.example>;\r\n", header)

    def test_linesAreShort(self) -> None:
        """
        No line has more than 998 octets (RFC 5322, section 2.1.1), whatever came.
        """
        header = self.receivedOf(
            "x" * 60 + "@" + "y" * 60 + ".example",
            hostNameAppearsAs=".".join(["h" * 60] * 4),
            clientHostname=".".join(["c" * 60] * 4),
        )
        self.assertLess(max(map(len, header.split("\r\n"))), 998)


class MessageIdTests(SynchronousTestCase):
    """What a message is called in traces and logs."""

    def test_transactions(self) -> None:
        """
        Each transaction of a session has its own.
        """
        session = sessionOf()
        first = messageId(session)
        session.transaction += 1
        self.assertEqual((first, messageId(session)), ("abc.0", "abc.1"))
