# -*- test-case-name: tests.test_parameters -*-
"""
ESMTP parameters and the values of the DSN extension: parse and print.

Each C{parseX} has a C{printX} that is its inverse.  Parsers of values raise
`ValueError`, for the caller knows which parameter it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from smtpsession._grammar import (
    ADDR_TYPE,
    CONTROL,
    EMBEDDED_UNICODE_CHAR,
    ESMTP_PARAM,
    KEYWORD,
    UTF_8_ADDR,
    UTF_8_CONTROL,
)
from smtpsession.encodings import parseXtextOctets, printXtextOctets
from smtpsession.errors import SMTPError
from smtpsession.limits import ENVID, ORCPT
from smtpsession.model import FrozenMapping
from smtpsession.replies import BAD_PARAMETERS, repeatedParameter


def _given(keyword: str) -> Any:
    return property(
        lambda self: self._values.get(keyword), doc=f"The value of {keyword}, or None."
    )


class SMTPAddressArgs(FrozenMapping[str, Any]):
    """
    The ESMTP parameters of a MAIL or RCPT command, RFC 5321, section 4.1.2: an
    immutable mapping from the upper-case keyword to the value as the client wrote it,
    or to True for a keyword that came without one.  Without parameters it is false.

    The keywords of the extensions are attributes too, None where not given.  (But for
    MT-PRIORITY, which is no name in Python: C{args["MT-PRIORITY"]}.)
    """

    __slots__ = ()

    SIZE: str | None = _given("SIZE")
    BODY: str | None = _given("BODY")
    RET: str | None = _given("RET")
    ENVID: str | None = _given("ENVID")
    NOTIFY: str | None = _given("NOTIFY")
    ORCPT: str | None = _given("ORCPT")
    SMTPUTF8: bool | None = _given("SMTPUTF8")
    REQUIRETLS: bool | None = _given("REQUIRETLS")
    AUTH: str | None = _given("AUTH")
    BY: str | None = _given("BY")
    HOLDFOR: str | None = _given("HOLDFOR")
    HOLDUNTIL: str | None = _given("HOLDUNTIL")
    RRVS: str | None = _given("RRVS")


NO_ARGS = SMTPAddressArgs()


def isKeyword(word: str) -> bool:
    """Whether this is the keyword of an extension or a parameter, in upper case."""
    return (
        word.isascii()
        and word == word.upper()
        and KEYWORD.fullmatch(word.encode("ascii")) is not None
    )


def parseParameters(text: bytes) -> SMTPAddressArgs:
    """
    Read C{b"SIZE=1000 BODY=8BITMIME"}, which is valid UTF-8.

    @raise SMTPError: 501, it is malformed or names a keyword twice
    """
    values: dict[str, str | bool] = {}
    for parameter in text.split(b" "):
        found = ESMTP_PARAM.fullmatch(parameter)
        if found is None:
            raise SMTPError.saying(BAD_PARAMETERS)
        keyword = found[1].decode("ascii").upper()
        if keyword in values:
            raise SMTPError.saying(repeatedParameter(keyword))
        values[keyword] = True if found[2] is None else found[2].decode("utf-8")
    return SMTPAddressArgs(values)


def printParameters(args: Mapping[str, str | bool]) -> bytes:
    """The inverse of `parseParameters`."""
    return " ".join(
        keyword if value is True else f"{keyword}={value}"
        for keyword, value in args.items()
    ).encode("utf-8")


def parseXtext(text: str) -> str:
    """
    Decode xtext, RFC 3461, section 4.

    @raise ValueError: it is not xtext, or it hides what is not printable US-ASCII,
        such as a line end on its way into a header
    """
    return _printable(parseXtextOctets(text.encode("utf-8")).decode("latin-1"))


def printXtext(text: str) -> str:
    """The inverse of `parseXtext`, for printable US-ASCII."""
    return printXtextOctets(text.encode("ascii")).decode("ascii")


def _upper(text: str) -> str:
    """Upper case, but not of the letters whose upper case is another's: "\u017f"."""
    return text.upper() if text.isascii() else text


def _printable(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"not printable US-ASCII: {text!r}")
    return text


@frozen
class DSNEnvelope:
    """
    What MAIL asked of delivery status notifications, RFC 3461.

    @ivar ret: C{"FULL"}, C{"HDRS"} or None
    @ivar envid: the envelope identifier, decoded, or None
    """

    ret: str | None = None
    envid: str | None = None

    def asDict(self) -> dict[str, str | None]:
        """The same as plain JSON types."""
        return {"ret": self.ret, "envid": self.envid}


@frozen
class DSNRcpt:
    """
    What RCPT asked of delivery status notifications, RFC 3461.

    @ivar notify: C{("NEVER",)}, or any of C{"SUCCESS"}, C{"FAILURE"} and C{"DELAY"}
        as given; None where the client left it to us
    @ivar orcpt: the original recipient, decoded: C{"rfc822;bob@example.org"}, or None
    """

    notify: tuple[str, ...] | None = None
    orcpt: str | None = None

    def asDict(self) -> dict[str, str | list[str] | None]:
        """The same as plain JSON types."""
        notify = None if self.notify is None else list(self.notify)
        return {"notify": notify, "orcpt": self.orcpt}


def parseRet(text: str) -> str:
    """
    RFC 3461, section 4.3: C{"FULL" / "HDRS"}, in any case.

    @raise ValueError: it is neither
    """
    if (ret := _upper(text)) not in ("FULL", "HDRS"):
        raise ValueError(f"neither FULL nor HDRS: {text!r}")
    return ret


def parseEnvid(text: str) -> str:
    """
    RFC 3461, section 4.4: xtext of at most 100 octets.

    @raise ValueError: it is longer, or not xtext
    """
    if len(text) > ENVID:
        raise ValueError(f"longer than {ENVID} octets")
    return parseXtext(text)


def parseNotify(text: str) -> tuple[str, ...]:
    """
    RFC 3461, section 4.1: C{NEVER} alone, or a list of C{SUCCESS}, C{FAILURE} and
    C{DELAY} with commas, in any case.

    @raise ValueError: anything else
    """
    notify = tuple(_upper(text).split(","))
    if notify != ("NEVER",) and not {"SUCCESS", "FAILURE", "DELAY"}.issuperset(notify):
        raise ValueError(f"not a NOTIFY: {text!r}")
    return notify


def printNotify(notify: tuple[str, ...]) -> str:
    """The inverse of `parseNotify`."""
    return ",".join(notify)


def parseOrcpt(text: str) -> str:
    """
    RFC 3461, section 4.2, and RFC 6533 for the type C{utf-8}: an address type, a
    semicolon and the encoded address, of at most 500 octets.

    @return: the same with its address decoded
    @raise ValueError: it is longer, or malformed
    """
    if len(text.encode("utf-8")) > ORCPT:
        raise ValueError(f"longer than {ORCPT} octets")
    kind, semicolon, encoded = text.partition(";")
    if not (encoded and ADDR_TYPE.fullmatch(kind.encode("utf-8"))):
        raise ValueError(f"not an original recipient: {text!r}")
    decode = _parseUnitext if kind.lower() == "utf-8" else _parseUtf8Xtext
    return f"{kind};{decode(encoded)}"


def printOrcpt(orcpt: str) -> str:
    """The inverse of `parseOrcpt`, in US-ASCII."""
    kind, _, address = orcpt.partition(";")
    encode = _printUnitext if kind.lower() == "utf-8" else _printUtf8Xtext
    return f"{kind};{encode(address)}"


def _parseUtf8Xtext(text: str) -> str:
    # RFC 3461 knows ASCII only.  Of an internationalized recipient Postfix sends the
    # octets of the UTF-8 as xtext, of the type rfc822.
    decoded = parseXtextOctets(text.encode("utf-8"))
    if CONTROL.search(decoded) or UTF_8_CONTROL.search(decoded):
        raise ValueError(f"control characters: {decoded!r}")
    return decoded.decode("utf-8")


def _printUtf8Xtext(text: str) -> str:
    return printXtextOctets(text.encode("utf-8")).decode("ascii")


def _parseUnitext(text: str) -> str:
    octets = text.encode("utf-8")
    if UTF_8_ADDR.fullmatch(octets) is None:
        raise ValueError(f"not a utf-8 address: {text!r}")
    decoded = EMBEDDED_UNICODE_CHAR.sub(
        lambda found: chr(int(found[1], 16)).encode("utf-8"), octets
    )
    if CONTROL.search(decoded) or UTF_8_CONTROL.search(decoded):
        raise ValueError(f"control characters: {decoded!r}")
    return decoded.decode("utf-8")


def _printUnitext(text: str) -> str:
    return "".join(
        c if "!" <= c <= "~" and c not in "+=\\" else f"\\x{{{ord(c):X}}}" for c in text
    )
