# -*- test-case-name: tests.test_addresses -*-
"""
Addresses as the envelope has them: paths and mailboxes, parse and print.

RFC 5321, sections 4.1.2 and 4.1.3, with the internationalized addresses of RFC 6531.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from unicodedata import is_normalized

import idna
from attrs import field, frozen

from smtpsession import limits
from smtpsession._grammar import (
    ADDRESS_LITERAL,
    DOMAIN,
    DOT_STRING,
    HELLO_DOMAIN,
    MAILBOX,
    POSTMASTER,
    QUOTED_PAIR,
    ROUTE,
    UTF_8_CONTROL,
)
from smtpsession.encodings import parseXtextOctets, printXtextOctets
from smtpsession.parameters import NO_ARGS, DSNRcpt, SMTPAddressArgs
from smtpsession.timing import RRVS


class PathTooLong(ValueError):
    """One of the limits of RFC 5321, section 4.5.3.1 is passed."""


@frozen
class SMTPAddress:
    """
    A reverse-path or a forward-path.

    @ivar address: as the client gave it, quoting kept, without brackets and route;
        C{""} for the null reverse-path, C{"postmaster"} may stand without a domain
    @ivar args: the ESMTP parameters of the command
    @ivar dsn: for a recipient where DSN was offered, what it asked for
    @ivar rrvs: where RRVS was offered, since when the recipient has to have been the
        same person (RFC 7293)
    @ivar localPart: without quoting
    @ivar domain: its A-label form in lower case, or an address literal with its
        brackets; C{""} where there is none

    @raise ValueError: C{address} is not a mailbox, nor empty, nor postmaster
    """

    address: str
    args: SMTPAddressArgs = NO_ARGS
    dsn: DSNRcpt | None = None
    rrvs: RRVS | None = None
    localPart: str = field(init=False, eq=False, repr=False)
    domain: str = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        localPart, domain = _parts(self.address)
        object.__setattr__(self, "localPart", localPart)
        object.__setattr__(self, "domain", domain)

    def __str__(self) -> str:
        return self.address

    def withDSN(self, dsn: DSNRcpt) -> SMTPAddress:
        """The same address with this C{dsn}."""
        return _unchecked(
            self.address, self.localPart, self.domain, self.args, dsn, self.rrvs
        )

    def asDict(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return {
            "address": self.address,
            "localPart": self.localPart,
            "domain": self.domain,
            "args": self.args.asDict(),
            "dsn": None if self.dsn is None else self.dsn.asDict(),
            "rrvs": None if self.rrvs is None else self.rrvs.asDict(),
        }


# The slots of what is frozen, which C{object.__setattr__} would look up each time.
_fillAddress, _fillLocalPart, _fillDomain, _fillArgs, _fillDSN, _fillRRVS = (
    vars(SMTPAddress)[name].__set__
    for name in ("address", "localPart", "domain", "args", "dsn", "rrvs")
)


def _unchecked(
    address: str,
    localPart: str,
    domain: str,
    args: SMTPAddressArgs = NO_ARGS,
    dsn: DSNRcpt | None = None,
    rrvs: RRVS | None = None,
) -> SMTPAddress:
    """An address whose parts are known already."""
    made: SMTPAddress = object.__new__(SMTPAddress)
    _fillAddress(made, address)
    _fillLocalPart(made, localPart)
    _fillDomain(made, domain)
    _fillArgs(made, args)
    _fillDSN(made, dsn)
    _fillRRVS(made, rrvs)
    return made


def usualAddress(
    address: str,
    localPart: str,
    domain: str,
    args: SMTPAddressArgs,
    dsn: DSNRcpt | None = None,
) -> SMTPAddress:
    """
    The address that `smtpsession._grammar.usual_path` has found these parts of: ASCII,
    and so short that it passes no limit.
    """
    return _unchecked(address, localPart, domain.lower(), args, dsn)


def parseReversePath(path: bytes, args: SMTPAddressArgs = NO_ARGS) -> SMTPAddress:
    """
    Read the path of MAIL FROM, C{b"<bob@example.org>"} or C{b"<>"}: valid UTF-8.

    @raise ValueError: it is neither
    """
    address = SMTPAddress(_mailbox(path), args)
    if address.localPart and not address.domain:
        raise ValueError("a reverse-path has a domain")
    return address


def parseForwardPath(path: bytes, args: SMTPAddressArgs = NO_ARGS) -> SMTPAddress:
    """
    Read the path of RCPT TO, C{b"<bob@example.org>"} or C{b"<Postmaster>"}: valid
    UTF-8.

    @raise ValueError: it is neither
    """
    address = SMTPAddress(_mailbox(path), args)
    if not address.address:
        raise ValueError("a forward-path is not empty")
    return address


def parseSubmitter(text: str) -> str:
    """
    The value of AUTH on MAIL, RFC 4954, section 5: a mailbox in xtext, or C{"<>"} where
    nobody knows who submitted the message.  A mailbox of RFC 6531 is in UTF-8 within.

    @return: the mailbox, or C{""}
    @raise ValueError: it is neither
    """
    if text == "<>":
        return ""
    mailbox = parseXtextOctets(text.encode("utf-8")).decode("utf-8")
    if not SMTPAddress(mailbox).domain:
        raise ValueError(f"a mailbox has a domain: {mailbox!r}")
    return mailbox


def printSubmitter(mailbox: str) -> str:
    """The inverse of `parseSubmitter`."""
    return printXtextOctets(mailbox.encode("utf-8")).decode("ascii") or "<>"


def printPath(address: SMTPAddress) -> bytes:
    """The inverse of `parseReversePath` and `parseForwardPath`."""
    return b"<" + address.address.encode("utf-8") + b">"


def printLocalPart(localPart: str) -> str:
    """A local part as it stands in an address, quoted where it must be."""
    octets = localPart.encode("utf-8")
    if DOT_STRING.fullmatch(octets):
        return localPart
    return '"' + re.sub(r'(["\\])', r"\\\1", localPart) + '"'


def parseLiteral(literal: bytes) -> IPv4Address | IPv6Address:
    """
    The address in C{b"[192.0.2.1]"} or C{b"[IPv6:2001:db8::1]"}.

    @raise ValueError: it is neither
    """
    found = ADDRESS_LITERAL.fullmatch(literal)
    if found is None:
        raise ValueError(f"not an address literal: {literal!r}")
    if found["ipv4"] is not None:
        return IPv4Address(found["ipv4"].decode("ascii"))
    return IPv6Address(found["ipv6"].decode("ascii"))


def isDomain(name: str) -> bool:
    """
    Whether this is a domain in ASCII, within the limits of RFC 1035, section 2.3.4.
    """
    return (
        name.isascii()
        and DOMAIN.fullmatch(name.encode("ascii")) is not None
        and _isShort(name)
    )


def isHostname(name: bytes) -> bool:
    """
    Whether a client may call itself so in HELO, EHLO or LHLO: a domain, a little looser
    than RFC 5321 has it, or an address literal.
    """
    if len(name) > limits.DOMAIN:
        return False
    if name.startswith(b"["):
        return _isLiteral(name)
    return HELLO_DOMAIN.fullmatch(name) is not None


def _mailbox(path: bytes) -> str:
    if not (path.startswith(b"<") and path.endswith(b">")):
        raise ValueError("a path has brackets")
    if len(path) > limits.PATH:
        raise PathTooLong(f"a path has at most {limits.PATH} octets")
    mailbox = path[1:-1]
    if mailbox.startswith(b"@"):
        # A source route is accepted and ignored: RFC 5321, section 3.3, appendix C.
        route = ROUTE.match(mailbox)
        if route is None:
            raise ValueError("malformed source route")
        mailbox = mailbox[route.end() :]
        if b"@" not in mailbox:
            raise ValueError("a source route leads to a mailbox with a domain")
    return mailbox.decode("utf-8")


def _parts(address: str) -> tuple[str, str]:
    """The local part and the domain of what `SMTPAddress` accepts."""
    octets = address.encode("utf-8")
    if not octets.isascii() and UTF_8_CONTROL.search(octets) is not None:
        raise ValueError(f"control characters in an address: {address!r}")
    found = MAILBOX.fullmatch(octets)
    if found is None:
        if octets and POSTMASTER.fullmatch(octets) is None:
            raise ValueError(f"not an address: {address!r}")
        return address, ""
    local, domain, literal = found.group("local", "domain", "literal")
    if len(local) > limits.LOCAL_PART:
        raise PathTooLong(f"a local part has at most {limits.LOCAL_PART} octets")
    if len(octets) > limits.PATH - len("<>"):
        raise PathTooLong(f"a path has at most {limits.PATH} octets")
    if local.startswith(b'"'):
        local = QUOTED_PAIR.sub(rb"\1", local[1:-1])
    return local.decode("utf-8"), _canonical(domain, literal)


def _canonical(domain: bytes | None, literal: bytes | None) -> str:
    if domain is None:
        assert literal is not None, "a mailbox has a domain or a literal"
        parseLiteral(literal)
        return literal.decode("ascii").lower()
    name = domain.decode("utf-8")
    name = name.lower() if name.isascii() else _aLabels(name)
    if len(domain) > limits.LABEL and not _isShort(name):
        raise PathTooLong(
            f"a domain has at most {limits.DOMAIN} octets, a label {limits.LABEL}"
        )
    return name


def _aLabels(name: str) -> str:
    # Nothing is mapped but upper case to lower (RFC 5891, section 5.3): what only looks
    # like another domain, as one with a Kelvin sign does, must not become it.
    if not is_normalized("NFC", name):
        raise ValueError(f"not in Unicode Normalization Form C: {name!r}")
    return ".".join(map(_aLabel, name.lower().split(".")))


def _aLabel(label: str) -> str:
    # idna.IDNAError is a UnicodeError, and so a ValueError.
    if label.isascii() and not label.startswith("xn--"):
        return label
    return idna.alabel(label).decode("ascii")


def _isShort(domain: str) -> bool:
    return len(domain) <= limits.DOMAIN and all(
        len(label) <= limits.LABEL for label in domain.split(".")
    )


def _isLiteral(literal: bytes) -> bool:
    try:
        parseLiteral(literal)
    except ValueError:
        return False
    return True
