# -*- test-case-name: tests.test_allowance -*-
"""
What a client may still do: the limits of a connection, enforced in one place.

Only sizes are looked at where the octets are: by what cuts lines, and by the stream
that takes a message, which is noted here.
"""

from __future__ import annotations

from typing import Any, Protocol

from attrs import frozen

from smtpsession import replies
from smtpsession.addresses import SMTPAddress
from smtpsession.replies import Reply
from smtpsession.session import SMTPEnvelope, SMTPSession


@frozen
class Passed:
    """
    A limit that a client has passed.

    @ivar limit: as it is called in the configuration
    @ivar reply: what is said
    """

    limit: str
    reply: Reply


class House(Protocol):
    """
    What counts all clients together.
    """

    def enter(self, host: str) -> Passed | None:
        """Count one connection more, from this IP address or C{""}."""

    def leave(self, host: str) -> None:
        """Count one connection less."""

    def banned(self, host: str) -> Passed | None:
        """Whether whoever is at this IP address has to wait."""

    def overload(self) -> str | None:
        """The limit that all connections together have passed, if there is one."""

    def failedLogin(self, host: str) -> None:
        """Somebody at this IP address could not log in; C{""} is nobody's."""


#: An empty set takes 200 octets, and few are filled.
_NONE: frozenset[str] = frozenset()


class Allowance:
    """
    Counts what a client does.  A question whose answer is a reply has it said, and the
    limit that was passed noted.

    @ivar passed: the limit that was passed last, as the configuration calls it
    """

    __slots__ = (
        *("passed", "_session", "_limits", "_house", "_address"),
        *("_mistakes", "_failedLogins", "_transactions", "_domains"),
    )

    def __init__(
        self, session: SMTPSession, limits: Any, house: House | None = None
    ) -> None:
        """
        @param limits: what the server was told, C{ServerOptions}
        @param house: counts the clients; None to admit each
        """
        self._session = session
        self._limits = limits
        self._house = house
        self.passed: str | None = None
        # By which it is counted; None while it is not.
        self._address: str | None = None
        self._mistakes = self._failedLogins = self._transactions = 0
        self._domains = _NONE

    def enter(self, address: str) -> Reply | None:
        """The client is at this address, or by now known to be."""
        if self._house is None:
            return None
        self.leave()
        self._address, self.passed = address, None
        passed = self._house.enter(address)
        return None if passed is None else self._note(passed.limit, passed.reply)

    def speaksFor(self, address: str) -> Reply | None:
        """The client is a proxy, and says that its own client is at this address."""
        passed = None if self._house is None else self._house.banned(address)
        return None if passed is None else self._note(passed.limit, passed.reply)

    def leave(self) -> None:
        """The client has gone."""
        if self._house is not None and self._address is not None:
            self._house.leave(self._address)
            self._address = None

    def mistake(self) -> Reply | None:
        """A command could not be understood, or came in the wrong order."""
        self._mistakes += 1
        if self._mistakes > self._limits.errors:
            return self._note("errors", replies.TOO_MANY_ERRORS)
        return None

    def failedLogin(self) -> Reply | None:
        """The client could not say who it is."""
        self._failedLogins += 1
        if self._failedLogins > self._limits.authFailures:
            return self._note("auth-failures", replies.TOO_MANY_LOGINS)
        return None

    def guessedWrong(self) -> None:
        """The client has said something that is wrong, for its address to pay."""
        address = self._session.remoteAddress
        # It is not its proxy that is to blame.
        if self._house and address not in self._limits.xclient:
            self._house.failedLogin(address)

    def transaction(self) -> Reply | None:
        """The client wants to begin a transaction."""
        if self._transactions >= self._limits.transactions:
            return self._note("transactions", replies.TOO_MANY_TRANSACTIONS)
        passed = None if self._house is None else self._house.overload()
        return None if passed is None else self._note(passed, replies.NO_ROOM_NOW)

    def begun(self) -> None:
        """It has."""
        self._transactions += 1

    def recipient(self, address: SMTPAddress, envelope: SMTPEnvelope) -> Reply | None:
        """The client wants to add a recipient to the envelope."""
        if len(envelope.rcptTo) >= self._limits.recipients:
            return self._note("recipients", replies.TOO_MANY_RECIPIENTS)
        most = self._limits.recipientDomains
        # Who has no domain, the postmaster, is always welcome: RFC 5321, section 4.5.1.
        if most is not None and address.domain:
            if len(self._domains | {address.domain}) > most:
                return self._note("recipient-domains", replies.TOO_MANY_DOMAINS)
        return None

    def added(self, address: SMTPAddress) -> None:
        """It has."""
        if self._limits.recipientDomains is not None and address.domain:
            self._domains |= {address.domain}

    def command(self) -> Reply:
        """A command, or the rest of it, has not come in time."""
        return self._note("command-timeout", replies.COMMAND_TIMEOUT)

    def message(self, isTooSlow: bool) -> Reply:
        """
        A message, or the rest of it, has not come in time.

        @param isTooSlow: whether it comes, but slower than it has to
        """
        limit = "minimum-data-rate" if isTooSlow else "data-timeout"
        return self._note(limit, replies.DATA_TIMEOUT)

    def size(self) -> None:
        """A message is larger than any may be."""
        self.passed = "message-size"

    def closing(self) -> None:
        """What was said before a hang-up is not taken in time."""
        self.passed = self.passed or "closing-timeout"

    def handshake(self) -> None:
        """TLS or the header of a proxy has not come in time."""
        self.passed = "handshake-timeout"

    def _note(self, limit: str, reply: Reply) -> Reply:
        self.passed = limit
        return reply
