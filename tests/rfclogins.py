"""
STARTTLS, AUTH and XCLIENT for C{tests.rfcmodel}.
"""

from __future__ import annotations

import base64
import re

from attrs import define

from tests.rfcconnection import HANDSHAKE_TIMEOUT, Steps
from tests.rfcmessages import WithMessages
from tests.rfcterms import REFUSALS, Refusal

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@define
class WithLogins(WithMessages):
    """A connection whose client says who it is."""

    # TLS, logins, and who the client is.

    def _handshake(self) -> Steps:
        self.inHandshake = True
        self._allow(HANDSHAKE_TIMEOUT)
        while not self.secure:
            yield
        self.inHandshake = False

    def _starttls(self, argument: str) -> Steps:
        """RFC 3207."""
        self._require("ready")
        if self.secure:
            raise Refusal("503 5.5.1")
        if self.terms.tls == "none":
            raise Refusal("502 5.5.1")
        if not self._isExtended:
            raise Refusal("503 5.5.1")
        if argument:
            raise Refusal("501 5.5.4")
        if self._heard:
            self._hangUp("421 4.7.0")
        self._say("220 2.0.0")
        yield from self._handshake()
        self.address = self._realAddress
        self._startOver()
        verdict = yield from self._ask("onSecure")
        if verdict in REFUSALS:
            self.state = "refused"
            if verdict == "hang up":
                self._hangUp(REFUSALS[verdict])

    def _auth(self, argument: str) -> Steps:
        """RFC 4954, with PLAIN of RFC 4616 and LOGIN."""
        self._require("ready")
        self._requireLogins()
        name, _, initial = argument.upper().partition(" ")
        initial = argument[len(name) + 1 :]
        if not re.fullmatch("[A-Z0-9_-]{1,20}", name):
            raise Refusal("501 5.5.4")
        given = None
        if initial:
            given = b"" if initial == "=" else _base64(initial.encode("utf-8"))
            if given is None:
                raise Refusal("501 5.5.2")
        if self.user is not None:
            raise Refusal("503 5.5.1")
        if name not in ("PLAIN", "LOGIN"):
            raise Refusal("504 5.5.4")
        try:
            exchange = self._plain if name == "PLAIN" else self._login
            username, password = yield from exchange(given)
        except Refusal as refusal:
            self._failLogin(refusal.reply)
            return
        verdict = yield from self._ask("onAuth", (username, password))
        if self._isWelcome(verdict):
            self.user = username
            self._say("235 2.7.0")

    def _requireLogins(self) -> None:
        if self.terms.auth == "none":
            raise Refusal("502 5.5.1")
        if self.terms.tls == "required" and not self.secure:
            raise Refusal("530 5.7.0")
        if not self._isExtended:
            raise Refusal("503 5.5.1")
        if not self._mayLogIn():
            raise Refusal("538 5.7.11")

    def _mayLogIn(self) -> bool:
        terms = self.terms
        isAllowed = terms.allowInsecureAuth and terms.tls != "required"
        return terms.auth != "none" and (self.secure or isAllowed)

    def _plain(self, given: bytes | None) -> Steps:
        response = given if given is not None else (yield from self._challenge(""))
        parts = _text(response).split("\0")
        if len(parts) != 3 or not (parts[1] and parts[2]):
            raise Refusal("501 5.5.2")
        for part in filter(None, parts):
            _requirePrintable(part)
        return parts[1:]

    def _login(self, given: bytes | None) -> Steps:
        if given is None:
            given = yield from self._challenge("VXNlcm5hbWU6")
        username = _text(given)
        _requirePrintable(username)
        password = _text((yield from self._challenge("UGFzc3dvcmQ6")))
        _requirePrintable(password)
        return username, password

    def _challenge(self, text: str) -> Steps:
        self._say(f"334 {text}")
        line = yield from self._line()
        if line == b"*":
            raise Refusal("501 5.7.0")
        if len(line) > 12_288:
            raise Refusal("500 5.5.6")
        response = _base64(line)
        if response is None:
            raise Refusal("501 5.5.2")
        return response

    def _isWelcome(self, verdict: str) -> bool:
        if verdict in REFUSALS or verdict == "nobody":
            self._failLogin(REFUSALS.get(verdict, "535 5.7.8"))
            return False
        return True

    def _failLogin(self, reply: str) -> None:
        self._failedLogins += 1
        if self._failedLogins > self.terms.authFailures:
            self._hangUp("421 4.7.0")
        self._say(reply)

    def _xclient(self, argument: str) -> Steps:
        """Postfix, XCLIENT_README."""
        self._require("ready", "greeted")
        if not self.terms.isTrusted:
            raise Refusal("550 5.7.0")
        attributes = dict(each.split("=") for each in argument.split())
        if not attributes:
            raise Refusal("501 5.5.4")
        user = attributes.get("LOGIN")
        if user is not None:
            verdict = yield from self._ask("onAuth", (user, None))
            if not self._isWelcome(verdict):
                return
        self._startOver()
        self.address = attributes.get("ADDR", self.address)
        self.user = user
        self.hello = ("", attributes.get("HELO", ""))
        yield from self._meet()


def _base64(line: bytes) -> bytes | None:
    try:
        return base64.b64decode(line, validate=True)
    except ValueError:
        return None


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("501 5.5.2") from None


def _requirePrintable(text: str) -> None:
    if not text or _CONTROL.search(text):
        raise Refusal("535 5.7.8")
