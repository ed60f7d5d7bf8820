# -*- test-case-name: tests.test_extensions -*-
"""
What a service extension is, and what one EHLO offers of them.

An extension is one row: it says when its keyword is offered, which verbs it brings,
which parameters it licenses on MAIL and RCPT, what they mean, and by how much it
lengthens a command line.  The answer to EHLO and the reading of commands come from the
same row, so that nothing is offered that is not understood and nothing is understood
that is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from attrs import frozen

from smtpsession.addresses import SMTPAddress
from smtpsession.errors import SMTPError
from smtpsession.parameters import NO_ARGS, DSNRcpt, SMTPAddressArgs
from smtpsession.replies import UTF8_ADDRESS, badParameter, unknownParameter
from smtpsession.rules import Rule
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.settings import Settings


@frozen
class MailParameter:
    """
    A parameter of MAIL.

    @ivar keyword: in upper case
    @ivar fill: called with the new envelope, the value and the settings, before the
        application is asked.  It raises `ValueError` for a value that cannot be, and
        then 501 is said if no other extension knows it; or an `SMTPError`.
    @ivar takesValue: whether it is C{KEYWORD=value}, or C{KEYWORD} alone
    """

    keyword: str
    fill: Callable[[SMTPEnvelope, str, Settings], None]
    takesValue: bool = True


@frozen
class RcptParameter:
    """
    A parameter of RCPT.

    @ivar keyword: in upper case
    @ivar fill: called with the recipient and the value, returns the recipient with the
        value in its place; raises as that of `MailParameter` does
    @ivar takesValue: whether it is C{KEYWORD=value}, or C{KEYWORD} alone
    """

    keyword: str
    fill: Callable[[SMTPAddress, str], SMTPAddress]
    takesValue: bool = True


#: What ties an authentication to a connection without TLS.
UNBOUND: Mapping[str, bytes] = {}


def _always(session: SMTPSession, settings: Settings) -> str | None:
    return ""


@frozen(kw_only=True, eq=False)
class Extension:
    """
    A service extension, RFC 5321, section 2.2; compared by identity.

    @ivar keyword: of the EHLO line
    @ivar rfc: where it is defined
    @ivar offer: called at every EHLO and LHLO: what follows the keyword on its line,
        C{""} for nothing, or None where the extension is not offered now
    @ivar offerBound: called in place of C{offer}, of an extension that has to know the
        channel bindings of the connection too
    @ivar needs: the keyword of an extension without which this one is not offered
    @ivar newState: makes what the extension keeps about a session.  It is made with
        each EHLO or LHLO that offers the extension, and is then
        C{session.state[keyword]}.
    @ivar verbs: the commands that it brings, legal only where it is offered, or where
        their C{notOffered} allows it
    @ivar mailParameters: what it licenses on MAIL
    @ivar rcptParameters: what it licenses on RCPT
    @ivar prepareEnvelope: called with each new envelope, before the parameters
    @ivar recipientDSN: the C{dsn} of each recipient, before the parameters
    @ivar prepareRecipient: called with each recipient, before the parameters; returns
        it
    @ivar mailOctets: by how much it lengthens a MAIL line
    @ivar rcptOctets: by how much it lengthens a RCPT line
    """

    keyword: str
    rfc: str
    offer: Callable[[SMTPSession, Settings], str | None] = _always
    offerBound: (
        Callable[[SMTPSession, Settings, Mapping[str, bytes]], str | None] | None
    ) = None
    needs: str | None = None
    newState: Callable[[], Any] | None = None
    verbs: tuple[Rule, ...] = ()
    mailParameters: tuple[MailParameter, ...] = ()
    rcptParameters: tuple[RcptParameter, ...] = ()
    prepareEnvelope: Callable[[SMTPEnvelope], None] | None = None
    recipientDSN: DSNRcpt | None = None
    prepareRecipient: Callable[[SMTPAddress], SMTPAddress] | None = None
    mailOctets: int = 0
    rcptOctets: int = 0


class Offer:
    """
    The extensions that one EHLO or LHLO offered, until the next one.

    @ivar lines: what the answer to EHLO says of them
    @ivar keywords: which they are
    @ivar newStates: what makes the state of those of them that keep something about a
        session, by keyword
    @ivar recipientDSN: the C{dsn} of each recipient, before the parameters
    @ivar mailOctets: by how much they lengthen a MAIL line
    @ivar rcptOctets: by how much they lengthen a RCPT line
    @ivar lineOctets: by how much they lengthen the longest line
    """

    def __init__(self, offered: Sequence[tuple[Extension, str]] = ()) -> None:
        """
        @param offered: the rows, and what follows the keyword of each on its line
        @raise ValueError: that cannot stand there
        """
        present = {None, *(row.keyword for row, _ in offered)}
        rows, lines = [], []
        for row, details in offered:
            if row.needs in present:
                rows.append(row)
                lines.append(_line(row.keyword, details))
        self.lines = tuple(lines)
        self.mailOctets = sum(row.mailOctets for row in rows)
        self.rcptOctets = sum(row.rcptOctets for row in rows)
        self.keywords = frozenset(row.keyword for row in rows)
        self.lineOctets = max(
            self.mailOctets,
            self.rcptOctets,
            *(rule.grant(self) for row in rows for rule in row.verbs),
        )
        self.newStates = {row.keyword: row.newState for row in rows if row.newState}
        self._onMail = _byKeyword(each for row in rows for each in row.mailParameters)
        self._onRcpt = _byKeyword(each for row in rows for each in row.rcptParameters)
        self._prepareEnvelope = [r.prepareEnvelope for r in rows if r.prepareEnvelope]
        dsns = [row.recipientDSN for row in rows if row.recipientDSN is not None]
        self.recipientDSN = dsns[-1] if dsns else None
        self._prepareRecipient = [
            r.prepareRecipient for r in rows if r.prepareRecipient
        ]

    def envelope(self, mailFrom: SMTPAddress, settings: Settings) -> SMTPEnvelope:
        """
        The envelope that a MAIL command asks for.

        @raise SMTPError: 501, 552, 553 or 555, a parameter cannot be accepted
        """
        envelope = SMTPEnvelope(mailFrom=mailFrom)
        for prepare in self._prepareEnvelope:
            prepare(envelope)
        isASCII = mailFrom.address.isascii()
        if mailFrom.args is not NO_ARGS:
            self._fillEnvelope(envelope, mailFrom.args, settings)
            isASCII = isASCII and _areASCII(mailFrom.args)
        if not (isASCII or envelope.smtpUtf8):
            raise SMTPError.saying(UTF8_ADDRESS)
        return envelope

    def _fillEnvelope(
        self, envelope: SMTPEnvelope, args: SMTPAddressArgs, settings: Settings
    ) -> None:
        for keyword, value in args.items():
            _use(self._onMail, keyword, value, envelope, value, settings)

    def recipient(self, rcptTo: SMTPAddress, envelope: SMTPEnvelope) -> SMTPAddress:
        """
        The recipient that a RCPT command in this transaction asks for.

        @raise SMTPError: 501, 553 or 555, a parameter cannot be accepted
        """
        recipient = rcptTo
        if self.recipientDSN is not None and recipient.dsn is not self.recipientDSN:
            recipient = recipient.withDSN(self.recipientDSN)
        for prepare in self._prepareRecipient:
            recipient = prepare(recipient)
        isASCII = rcptTo.address.isascii()
        if rcptTo.args is not NO_ARGS:
            recipient = self._fillRecipient(recipient)
            isASCII = isASCII and _areASCII(rcptTo.args)
        if not (isASCII or envelope.smtpUtf8):
            raise SMTPError.saying(UTF8_ADDRESS)
        return recipient

    def _fillRecipient(self, recipient: SMTPAddress) -> SMTPAddress:
        for keyword, value in recipient.args.items():
            recipient = _use(self._onRcpt, keyword, value, recipient, value)
        return recipient


# Nearly every client is offered the same, so that there is one object for all of them.
_offerOf = lru_cache(maxsize=128)(Offer)


def offerNow(
    extensions: Iterable[Extension],
    session: SMTPSession,
    settings: Settings,
    channelBindings: Mapping[str, bytes] = UNBOUND,
) -> Offer:
    """
    What of these extensions can be offered to this client now.

    @param channelBindings: of the connection, by type
    @raise Exception: what one of the extensions raises
    @raise ValueError: what one of them says cannot stand in its line
    """
    offered = []
    for row in extensions:
        details = _details(row, session, settings, channelBindings)
        if details is not None:
            offered.append((row, details))
    return _offerOf(tuple(offered))


def _details(
    row: Extension,
    session: SMTPSession,
    settings: Settings,
    channelBindings: Mapping[str, bytes],
) -> str | None:
    if row.offerBound is not None:
        return row.offerBound(session, settings, channelBindings)
    return row.offer(session, settings)


P = TypeVar("P", MailParameter, RcptParameter)


def _line(keyword: str, details: str) -> str:
    if not (details.isascii() and details.isprintable()):
        raise ValueError(f"not for the line of {keyword}: {details!r}")
    return f"{keyword} {details}".rstrip()


def _byKeyword(parameters: Iterable[P]) -> dict[str, list[P]]:
    licensed: dict[str, list[P]] = {}
    for each in parameters:
        licensed.setdefault(each.keyword, []).append(each)
    return licensed


def _use(
    licensed: Mapping[str, Sequence[MailParameter | RcptParameter]],
    keyword: str,
    value: str | bool,
    *arguments: Any,
) -> Any:
    """
    Let the first extension that knows this value fill it in: of a parameter that
    several of them license, as BODY, each has values of its own.

    @param arguments: what C{fill} is called with
    """
    known = licensed.get(keyword)
    if known is None:
        raise SMTPError.saying(unknownParameter(keyword))
    wrong: ValueError | None = None
    for parameter in known:
        if parameter.takesValue is (value is not True):
            try:
                return parameter.fill(*arguments)
            except ValueError as error:
                wrong = error
    raise SMTPError.saying(badParameter(keyword)) from wrong


def _areASCII(args: SMTPAddressArgs) -> bool:
    """Without SMTPUTF8: RFC 6531, section 3.5; RFC 6533, section 3, for ORCPT."""
    return all(str(value).isascii() for value in args.values())


#: What a client that has not said EHLO or LHLO is offered.
NO_OFFER = Offer()
