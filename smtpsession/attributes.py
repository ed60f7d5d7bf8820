# -*- test-case-name: tests.test_attributes -*-
"""
The attributes of XCLIENT and XFORWARD: parse and print.

With them a proxy or a filter in front of the server says who the client behind it is.
Postfix documents them, in its XCLIENT_README and its XFORWARD_README; no RFC does.
They stand for what the server would have seen itself, and so they get into trace
headers, logs and decisions: what could not have been seen, or would break out of a
header, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address

from smtpsession._grammar import ATTRIBUTE, HEADER_WORD, HELLO_DOMAIN, PORT, XTEXT
from smtpsession.addresses import isHostname, parseLiteral
from smtpsession.encodings import parseXtextOctets, printXtextOctets
from smtpsession.errors import SMTPError
from smtpsession.limits import ATTRIBUTE_VALUE, PROTOCOL_NAME
from smtpsession.replies import (
    BAD_PARAMETERS,
    badParameter,
    repeatedParameter,
    unknownAttribute,
)

#: What attributes there are, in the order in which EHLO names them, and how the value
#: of each is read; that raises `ValueError`.
Known = Mapping[str, Callable[[bytes], str | None]]

# Nobody knows it, or the lookup failed for now.
_UNAVAILABLE = (b"[UNAVAILABLE]", b"[TEMPUNAVAIL]")


def parseAttributes(argument: bytes, known: Known) -> dict[str, str | None]:
    """
    Read C{b"NAME=mx.example.org ADDR=192.0.2.1"}.

    @return: the values, decoded, by upper-case name; None for one that is not available
    @raise SMTPError: 501, it is malformed, or names what is not known, or names one
        twice, or has a value that this one cannot have
    """
    values: dict[str, str | None] = {}
    for attribute in argument.split(b" "):
        found = ATTRIBUTE.fullmatch(attribute)
        if found is None:
            raise SMTPError.saying(BAD_PARAMETERS)
        name = found[1].decode("ascii").upper()
        if name not in known:
            raise SMTPError.saying(unknownAttribute(name))
        if name in values:
            raise SMTPError.saying(repeatedParameter(name))
        try:
            values[name] = _parseValue(found[2], known[name])
        except ValueError as error:
            raise SMTPError.saying(badParameter(name)) from error
    return values


def printAttributes(attributes: Mapping[str, str | None]) -> bytes:
    """The inverse of `parseAttributes`."""
    return b" ".join(
        b"%b=%b" % (name.encode("ascii"), _printValue(name, value))
        for name, value in attributes.items()
    )


def _parseValue(octets: bytes, parse: Callable[[bytes], str | None]) -> str | None:
    if len(octets) > ATTRIBUTE_VALUE:
        raise ValueError(f"longer than {ATTRIBUTE_VALUE} octets")
    # Postfix before 2.3 and some proxies send values as they are.  That is understood
    # where it cannot be xtext, which is what Postfix does.
    value = parseXtextOctets(octets) if XTEXT.fullmatch(octets) else octets
    return None if value.upper() in _UNAVAILABLE else parse(value)


def _printValue(name: str, value: str | None) -> bytes:
    if value is None:
        return _UNAVAILABLE[0]
    if name in ("ADDR", "DESTADDR") and ":" in value:
        value = f"IPV6:{value}"
    return printXtextOctets(value.encode("utf-8"))


def _name(value: bytes) -> str:
    """What the DNS calls the client: no address, but as loose as a hello."""
    if HELLO_DOMAIN.fullmatch(value) is None:
        raise ValueError(f"not a host name: {value!r}")
    return value.decode("ascii")


def _helo(value: bytes) -> str:
    if not isHostname(value):
        raise ValueError(f"neither a domain nor an address literal: {value!r}")
    return value.decode("ascii")


def _address(value: bytes) -> str:
    """As the session has it: an IPv4-mapped IPv6 address is given as IPv4."""
    address = parseLiteral(b"[" + value + b"]")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _port(value: bytes) -> str:
    if PORT.fullmatch(value) is None or int(value) > 65_535:
        raise ValueError(f"not a port: {value!r}")
    return str(int(value))


def _login(value: bytes) -> str:
    login = value.decode("utf-8")
    if not login.isprintable():
        raise ValueError(f"not printable: {login!r}")
    return login


def _word(value: bytes) -> str:
    if HEADER_WORD.fullmatch(value) is None:
        raise ValueError(f"special in a header: {value!r}")
    return value.decode("ascii")


def _nameOfAnyKind(value: bytes) -> str | None:
    """
    XFORWARD_README: it may be no name of the DNS.  One that would be special in a
    header is as good as none, and no reason to lose the rest of the command.
    """
    if HEADER_WORD.fullmatch(value) is not None:
        return value.decode("ascii")
    if not (value.isascii() and value.decode("ascii").isprintable()):
        raise ValueError(f"not printable: {value!r}")
    return None


def _protocol(value: bytes) -> str:
    """RFC 5321 has two names; those of XFORWARD may be of other protocols."""
    if len(value) > PROTOCOL_NAME:
        raise ValueError(f"longer than {PROTOCOL_NAME} octets")
    return _word(value)


def _oneOf(*words: str) -> Callable[[bytes], str]:
    """One of these words, in any case; given as it stands here."""

    def parse(value: bytes) -> str:
        word = value.upper().decode("ascii")
        if word not in words:
            raise ValueError(f"none of {words}: {value!r}")
        return word

    return parse


XCLIENT: Known = {
    "NAME": _name,
    "ADDR": _address,
    "PORT": _port,
    "PROTO": _oneOf("SMTP", "ESMTP"),
    "HELO": _helo,
    "LOGIN": _login,
    "DESTADDR": _address,
    "DESTPORT": _port,
}
XFORWARD: Known = {
    "NAME": _nameOfAnyKind,
    "ADDR": _address,
    "PORT": _port,
    "PROTO": _protocol,
    "HELO": _nameOfAnyKind,
    "IDENT": _word,
    "SOURCE": _oneOf("LOCAL", "REMOTE"),
}
