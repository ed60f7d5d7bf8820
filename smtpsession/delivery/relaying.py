# -*- test-case-name: tests.test_relaying -*-
"""
What an envelope becomes for the next hop, and the next hop's replies for our client.

An extension whose promise the next hop cannot keep is a reason to refuse the message,
and not to leave the promise out.  What is left out is what does not change where the
message itself ends up: notifications (DSN), and a priority.
"""

from __future__ import annotations

from attrs import frozen

from smtpsession.addresses import SMTPAddress, printPath
from smtpsession.errors import SMTPError
from smtpsession.parameters import printNotify, printOrcpt, printXtext
from smtpsession.replies import EnhancedCode, Reply, messageTooLarge
from smtpsession.session import SMTPEnvelope
from smtpsession.timing import (
    printDeliverBy,
    printFutureRelease,
    printPriority,
    printRRVS,
)

UNREACHED = Reply(451, "Next hop not available", "4.4.1")
LOST = Reply(451, "Connection to the next hop lost", "4.4.2")
MISCONFIGURED = Reply(451, "Next hop does not work as configured", "4.3.5")

NO_CONVERSION = Reply(554, "Next hop does not take this body type", "5.6.3")
NO_SMTPUTF8 = Reply(553, "Next hop does not take SMTPUTF8", "5.6.7")
NO_DELIVERBY = Reply(554, "Next hop does not deliver by a given time", "5.3.3")
NO_FUTURERELEASE = Reply(554, "Next hop does not hold messages", "5.3.3")
#: RFC 7293, section 14.4.
NO_RRVS = Reply(550, "Next hop cannot check the recipient's age", "5.7.19")
NO_REQUIRETLS = Reply(550, "Next hop does not support REQUIRETLS", "5.7.30")

#: About as many octets our trace has.
_TRACE = 300


class NextHopLost(SMTPError):
    """
    The connection to the next hop is of no use any more.  What is only for the log is
    the cause.
    """


@frozen
class Offers:
    """
    What a next hop has offered in its answer to EHLO or LHLO.

    @ivar keywords: each in upper case, with its parameters in upper case
    @ivar isVerified: the connection uses TLS, and the next hop is who it should be
    """

    keywords: dict[str, tuple[str, ...]]
    isVerified: bool = False

    @classmethod
    def parse(cls, reply: Reply, isVerified: bool = False) -> Offers:
        """RFC 5321, section 4.1.1.1: the first line has a greeting, no keyword."""
        lines = (line.upper().split() for line in reply.text.split("\n")[1:])
        keywords = {words[0]: tuple(words[1:]) for words in lines if words}
        return cls(keywords, isVerified)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords


def mailCommand(envelope: SMTPEnvelope, offers: Offers) -> bytes:
    """
    MAIL for this envelope, without its CRLF.

    @raise SMTPError: the next hop does not offer what the message needs
    """
    assert envelope.mailFrom is not None, "recipients come after the reverse-path"
    return b"MAIL FROM:" + b" ".join(
        [
            printPath(envelope.mailFrom),
            *_size(envelope, offers),
            *_bodyParameter(envelope, offers),
            *_promises(envelope, offers),
            *_timing(envelope, offers),
            *_notificationParameters(envelope, offers),
        ]
    )


def rcptCommand(recipient: SMTPAddress, offers: Offers) -> bytes:
    """
    RCPT for this recipient, without its CRLF.

    @raise SMTPError: the next hop does not offer what the recipient needs
    """
    words = [b"RCPT TO:" + printPath(recipient)]
    if recipient.dsn is not None and "DSN" in offers:
        if recipient.dsn.notify is not None:
            words.append(f"NOTIFY={printNotify(recipient.dsn.notify)}".encode())
        if recipient.dsn.orcpt is not None:
            words.append(f"ORCPT={printOrcpt(recipient.dsn.orcpt)}".encode())
    if recipient.rrvs is not None:
        if "RRVS" in offers:
            words.append(f"RRVS={printRRVS(recipient.rrvs)}".encode())
        elif recipient.rrvs.action != "C":
            raise SMTPError.saying(NO_RRVS)
    return b" ".join(words)


def _size(envelope: SMTPEnvelope, offers: Offers) -> list[bytes]:
    """
    RFC 1870: what our client has declared, and room for our trace.  Who is too large
    for the next hop is told so before the message is on its way.
    """
    assert envelope.mailFrom is not None, "as above"
    declared = envelope.mailFrom.args.SIZE
    if declared is None or "SIZE" not in offers:
        return []
    limit = next(iter(offers.keywords["SIZE"]), "0")
    if limit.isascii() and limit.isdigit() and 0 < int(limit) < int(declared):
        raise SMTPError.saying(messageTooLarge(int(limit)))
    return [b"SIZE=%d" % (int(declared) + _TRACE)]


def _bodyParameter(envelope: SMTPEnvelope, offers: Offers) -> list[bytes]:
    """RFC 6152, section 3, and RFC 3030, section 3: who cannot convert must refuse."""
    if envelope.bodyType == "8bitmime":
        needed = {"8BITMIME"}
    elif envelope.bodyType == "binarymime":
        needed = {"BINARYMIME", "CHUNKING"}
    else:
        return []
    if not all(keyword in offers for keyword in needed):
        raise SMTPError.saying(NO_CONVERSION)
    return [b"BODY=" + envelope.bodyType.upper().encode("ascii")]


def _promises(envelope: SMTPEnvelope, offers: Offers) -> list[bytes]:
    words = []
    if envelope.smtpUtf8:
        # RFC 6531, section 3.5.
        if "SMTPUTF8" not in offers:
            raise SMTPError.saying(NO_SMTPUTF8)
        words.append(b"SMTPUTF8")
    if envelope.requireTLS:
        # RFC 8689, section 4.2.1.
        if not (offers.isVerified and "REQUIRETLS" in offers):
            raise SMTPError.saying(NO_REQUIRETLS)
        words.append(b"REQUIRETLS")
    return words


def _timing(envelope: SMTPEnvelope, offers: Offers) -> list[bytes]:
    """
    RFC 2852 returns what cannot be delivered in time only where that was asked for; a
    priority (RFC 6710) is a wish.
    """
    words = []
    if envelope.deliverBy is not None:
        if "DELIVERBY" in offers:
            words.append(f"BY={printDeliverBy(envelope.deliverBy)}")
        elif envelope.deliverBy.mode == "R":
            raise SMTPError.saying(NO_DELIVERBY)
    if envelope.priority is not None and "MT-PRIORITY" in offers:
        words.append(f"MT-PRIORITY={printPriority(envelope.priority)}")
    if envelope.futureRelease is not None:
        if "FUTURERELEASE" not in offers:
            raise SMTPError.saying(NO_FUTURERELEASE)
        words.append("{}={}".format(*printFutureRelease(envelope.futureRelease)))
    return [each.encode("ascii") for each in words]


def _notificationParameters(envelope: SMTPEnvelope, offers: Offers) -> list[bytes]:
    """RFC 3461, section 5.2.2: to a server without DSN they are not sent."""
    words: list[bytes] = []
    if envelope.dsn is None or "DSN" not in offers:
        return words
    if envelope.dsn.ret is not None:
        words.append(f"RET={envelope.dsn.ret}".encode())
    if envelope.dsn.envid is not None:
        words.append(f"ENVID={printXtext(envelope.dsn.envid)}".encode())
    return words


def refusal(reply: Reply) -> SMTPError:
    """
    The next hop's refusal as our client is given it.

    It must not end our client's connection: what 421 says of another one is 451 here.
    RFC 7504, section 4: 521 of a next hop is 556 for who wants to send there.
    """
    code = {421: 451, 521: 556}.get(reply.code, reply.code)
    enhanced = reply.enhanced or EnhancedCode(code // 100)
    told = Reply(code, reply.text, enhanced)
    return NextHopLost.saying(told) if reply.endsConnection else SMTPError.saying(told)


def outcome(reply: Reply) -> Reply | SMTPError:
    """What the next hop's last word about a message is for our client."""
    if reply.code >= 400:
        return refusal(reply)
    if reply.code >= 300:
        return NextHopLost.saying(LOST)
    return Reply(250, reply.text, reply.enhanced or EnhancedCode(2))
