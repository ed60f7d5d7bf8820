"""
A server of SMTP and LMTP as the RFCs tell it, in the order in which things happen.

It is made to be read beside them, and to be compared with: it shares no code with the
server, does nothing fast, and knows no more of a command than what
C{tests.randomlines} can say.  All that the server does is one generator, which yields
while it waits for octets, for the application, or for TLS.

The connection below it is in C{tests.rfcconnection}, DATA and BDAT are in
C{tests.rfcmessages}, STARTTLS, AUTH and XCLIENT in C{tests.rfclogins}.
"""

from __future__ import annotations

import re

from attrs import define, evolve

from tests.rfcconnection import HANDSHAKE_TIMEOUT, Steps
from tests.rfclogins import WithLogins
from tests.rfcterms import REFUSALS, Envelope, Refusal

_FROM = re.compile("FROM:<([^ <>]*)>(?: (.*))?", re.IGNORECASE)
_TO = re.compile("TO:<([^ <>]*)>(?: (.*))?", re.IGNORECASE)
_MAILBOX = re.compile(r"\w+@\w+(\.\w+)+")
_PARAMETER = re.compile("([A-Z0-9]+)(?:=([^ =]+))?")
_CHUNK = re.compile(rb"BDAT[ \t]+([0-9]{1,20})( LAST)?[ \t]*", re.IGNORECASE)
_BDAT = re.compile(rb"BDAT(?![A-Z0-9-])", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PROXY = re.compile(rb"PROXY TCP4 ([0-9.]+) [0-9.]+ [0-9]+ [0-9]+")
_HTTP = set("CONNECT DELETE GET HEAD OPTIONS PATCH POST PRI PUT TRACE".split())


@define
class Model(WithLogins):
    """One conversation."""

    # The connection.

    def _connection(self) -> Steps:
        if self.terms.isProxied:
            yield from self._header()
        self._realAddress = self.address
        if self.terms.tls == "implicit":
            yield from self._handshake()
            verdict = yield from self._ask("onSecure")
            if verdict in REFUSALS:
                self._doNotServe(REFUSALS[verdict])
        if self.state == "new":
            yield from self._meet()
        while True:
            line = yield from self._line()
            try:
                yield from self._obey(line)
            except Refusal as refusal:
                yield from self._refuse(refusal, line)

    def _header(self) -> Steps:
        self._allow(HANDSHAKE_TIMEOUT)
        while b"\r\n" not in self._heard:
            if not b"PROXY TCP4 ".startswith(self._heard[:11]):
                self._hangUp(None)
            yield
        line, _, self._heard = self._heard.partition(b"\r\n")
        found = _PROXY.fullmatch(line)
        if found is None:
            self._hangUp(None)
        else:
            self.address = found[1].decode("ascii")

    # Commands.

    def _obey(self, line: bytes) -> Steps:
        if len(line) > 510:
            raise Refusal("500 5.5.2")
        try:
            text = line.rstrip(b" \t").decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal("500 5.5.2") from None
        verb, _, argument = text.partition(" ")
        if _CONTROL.search(text) or not verb.isascii():
            raise Refusal("500 5.5.2")
        verb = verb.upper()
        if verb in _HTTP:
            raise Refusal("421 4.7.0")
        isLMTP = self.terms.protocol == "lmtp"
        hellos = {"LHLO"} if isLMTP else {"HELO", "EHLO"}
        if verb in hellos:
            yield from self._hello(verb, argument)
        elif verb in ("RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP"):
            self._simple(verb, argument)
        elif verb in ("MAIL", "RCPT", "DATA", "BDAT", "STARTTLS", "AUTH", "XCLIENT"):
            yield from getattr(self, f"_{verb.lower()}")(argument)
        else:
            raise Refusal("500 5.5.1")

    def _refuse(self, refusal: Refusal, line: bytes) -> Steps:
        # RFC 3030, section 2: the octets behind a BDAT are not commands.
        found = _CHUNK.fullmatch(line)
        isLost = found is None and _BDAT.match(line) or found and int(found[1]) >= 2**63
        self._mistakes += refusal.isMistake
        isTooMuch = refusal.isMistake and self._mistakes > self.terms.errors
        if isLost and (len(line) > 510 or not isTooMuch):
            self._hangUp("421 4.5.0")
        if isTooMuch:
            self._hangUp("421 4.7.0")
        self._say(refusal.reply)
        if found is not None:
            yield from self._counted(int(found[1]))

    def _simple(self, verb: str, argument: str) -> None:
        if self.state == "refused" and verb != "QUIT":
            raise Refusal("503 5.5.1")
        if verb in ("RSET", "QUIT") and argument:
            raise Refusal("501 5.5.4")
        if verb in ("VRFY", "EXPN") and not argument:
            raise Refusal("501 5.5.4")
        if verb == "QUIT":
            self._hangUp("221 2.0.0")
        if verb == "RSET":
            self._letGo()
            if self.state != "greeted":
                self._forget()
        codes = {"VRFY": "252 2.5.2", "EXPN": "502 5.5.1", "HELP": "214 2.0.0"}
        self._say(codes.get(verb, "250 2.0.0"))

    def _hello(self, verb: str, argument: str) -> Steps:
        self._require("greeted", "ready", "sender", "recipients")
        if not re.fullmatch(r"[a-z]+(\.[a-z]+)*", argument):
            raise Refusal("501 5.5.4")
        verdict = yield from self._ask("onHelo", argument)
        if verdict in REFUSALS:
            self._say(REFUSALS[verdict])
            return
        self._forget()
        self.hello, self._isExtended = (verb, argument), verb != "HELO"
        offered = "|".join(sorted(self._offered())) if self._isExtended else ""
        self._say(f"250-{offered}" if offered else "250 mx.example.org")

    def _offered(self) -> list[str]:
        terms = self.terms
        offered = [
            *("PIPELINING", f"SIZE {terms.messageSize}", "8BITMIME", "SMTPUTF8"),
            *("ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "BINARYMIME"),
            f"LIMITS RCPTMAX={terms.recipients} MAILMAX={terms.transactions}",
        ]
        if terms.tls in ("starttls", "required") and not self.secure:
            offered.append("STARTTLS")
        if self._mayLogIn():
            offered.append("AUTH PLAIN LOGIN")
        if terms.isTrusted:
            names = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
            offered.append(f"XCLIENT {names}")
        return offered

    # Transactions.

    def _mail(self, argument: str) -> Steps:
        self._require("ready")
        address, parameters = _path(_FROM, argument)
        if address and not _MAILBOX.fullmatch(address):
            raise Refusal("501 5.1.7")
        terms = self.terms
        if terms.tls == "required" and not self.secure:
            raise Refusal("530 5.7.0")
        if terms.auth == "required" and self.user is None:
            raise Refusal("530 5.7.0")
        if self._begun >= terms.transactions:
            raise Refusal("421 4.7.0")
        envelope = self._withParameters(Envelope(address), parameters)
        if not (envelope.isUTF8 or address.isascii()):
            raise Refusal("553 5.6.7")
        verdict = yield from self._ask("onMailFrom", address)
        if verdict in REFUSALS:
            self._say(REFUSALS[verdict])
            return
        self.envelope, self.state = envelope, "sender"
        self._begun += 1
        self._say("250 2.1.0")

    def _withParameters(
        self, envelope: Envelope, parameters: dict[str, str | None]
    ) -> Envelope:
        for name, value in parameters.items():
            if not self._isExtended or name not in ("SIZE", "BODY", "SMTPUTF8", "RET"):
                raise Refusal("555 5.5.4")
            if name == "SMTPUTF8" and value is None:
                envelope = evolve(envelope, isUTF8=True)
            elif name == "SIZE" and value is not None and value.isdigit():
                if int(value) > self.terms.messageSize:
                    raise Refusal("552 5.3.4")
            elif name == "BODY" and value in ("7BIT", "8BITMIME", "BINARYMIME"):
                envelope = evolve(envelope, body=value.lower())
            elif name == "RET" and value in ("FULL", "HDRS"):
                envelope = evolve(envelope, ret=value)
            else:
                raise Refusal("501 5.5.4")
        return envelope

    def _rcpt(self, argument: str) -> Steps:
        if self.state == "ready":
            raise Refusal("503 5.5.1", isForgiven=True)
        self._require("sender", "recipients")
        address, parameters = _path(_TO, argument)
        if address != "postmaster" and not _MAILBOX.fullmatch(address):
            raise Refusal("501 5.1.3")
        notify = None
        for name, value in parameters.items():
            if name != "NOTIFY" or not self._isExtended:
                raise Refusal("555 5.5.4")
            if value not in ("NEVER", "FAILURE", "SUCCESS"):
                raise Refusal("501 5.5.4")
            notify = (value,)
        if not (self.envelope.isUTF8 or address.isascii()):
            raise Refusal("553 5.6.7")
        if len(self.envelope.recipients) >= self.terms.recipients:
            raise Refusal("452 4.5.3")
        verdict = yield from self._ask("onRcptTo", address)
        if verdict in REFUSALS:
            self._say(REFUSALS[verdict])
            return
        recipients = (*self.envelope.recipients, (address, notify))
        self.envelope = evolve(self.envelope, recipients=recipients)
        self.state = "recipients"
        self._say("250 2.1.5")


def _path(pattern: re.Pattern[str], argument: str) -> tuple[str, dict[str, str | None]]:
    """A path and its parameters, RFC 5321, sections 4.1.1.2 and 4.1.1.3."""
    found = pattern.fullmatch(argument)
    if found is None:
        raise Refusal("501 5.5.4")
    parameters: dict[str, str | None] = {}
    for each in found[2].split(" ") if found[2] is not None else []:
        parameter = _PARAMETER.fullmatch(each.upper())
        if parameter is None or parameter[1] in parameters:
            raise Refusal("501 5.5.4")
        parameters[parameter[1]] = parameter[2]
    return found[1], parameters
