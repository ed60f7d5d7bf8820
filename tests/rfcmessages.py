"""
DATA and BDAT for C{tests.rfcmodel}.
"""

from __future__ import annotations

import math
import re

from attrs import define, evolve

from tests.rfcconnection import DATA_TIMEOUT, Connection, Steps
from tests.rfcterms import REFUSALS, Message, Refusal

_ACCEPTED = "250 2.6.0"
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@define
class WithMessages(Connection):
    """A connection on which messages come."""

    def _requireRecipients(self, noRecipients: Refusal) -> None:
        if self.state == "ready":
            raise Refusal("503 5.5.1", isForgiven=True)
        if self.state == "sender":
            raise noRecipients

    def _data(self, argument: str) -> Steps:
        isLMTP = self.terms.protocol == "lmtp"
        self._requireRecipients(
            # RFC 2033, section 4.2.
            Refusal("503 5.5.1", isForgiven=True)
            if isLMTP
            else Refusal("554 5.5.1")
        )
        self._require("recipients")
        if argument:
            raise Refusal("501 5.5.4")
        if self.envelope.body == "binarymime":
            raise Refusal("503 5.5.1")
        self._say("354")
        message = self._message = Message()
        self._beginData()
        # RFC 5321, section 4.1.1.4: the CRLF of the command is the first of the end's.
        raw = b"\r\n"
        while b"\r\n.\r\n" not in raw:
            raw += yield from self._octets()
            message.octets = raw
            self._askAbout(message)
        raw, _, self._heard = raw.partition(b"\r\n.\r\n")
        # RFC 5321, section 4.5.2.
        lines = [each.removeprefix(b".") for each in raw.split(b"\r\n")[1:]]
        message.octets = b"".join(each + b"\r\n" for each in lines)
        yield from self._conclude(message)

    def _bdat(self, argument: str) -> Steps:
        """RFC 3030, section 2."""
        self._requireRecipients(Refusal("554 5.5.1"))
        self._require("recipients", "chunks")
        if not self._isExtended:
            raise Refusal("502 5.5.1")
        found = re.fullmatch("([0-9]+)( LAST)?", argument, re.IGNORECASE)
        if found is None or int(found[1]) >= 2**63:
            raise Refusal("501 5.5.4")
        if self.state == "recipients":
            self._message = Message()
        message = self._message
        # The first part is asked about when some of it has come.
        if found[1].strip("0") == "":
            self._askAbout(message)
        message.octets += yield from self._counted(int(found[1]), message)
        if found[2]:
            yield from self._conclude(message)
            return
        assert message.question is not None
        refusal = self._unacceptable(message, isWhole=False)
        refusal = refusal or REFUSALS.get(message.question.verdict or "")
        if refusal is None:
            self.state = "chunks"
            self._say("250 2.0.0")
            return
        if message.question.plan.reads and message.question.verdict is None:
            # Who reads has failed, and does not wait any more.
            message.question.verdict = "refuse"
        self._letGo()
        self.transaction += 1
        self._forget()
        self._say(refusal)

    def _beginData(self) -> None:
        rate = self.terms.minimumDataRate
        self._dataEnd = self.now + DATA_TIMEOUT if rate else math.inf
        self._allow(DATA_TIMEOUT)

    def _octets(self) -> Steps:
        """What has come of a message; more of it gives more time."""
        while not self._heard:
            yield
        octets, self._heard = self._heard, b""
        if self.terms.minimumDataRate:
            self._dataEnd += len(octets) / self.terms.minimumDataRate
        self._allow(min(DATA_TIMEOUT, self._dataEnd - self.now))
        return octets

    def _counted(self, size: int, message: Message | None = None) -> Steps:
        """So many octets, of a message or of what was refused."""
        if size:
            self._beginData()
        octets = b""
        before = b"" if message is None else message.octets
        while len(octets) < size:
            octets += yield from self._octets()
            octets, self._heard = octets[:size], octets[size:]
            if message is not None:
                message.octets = before + octets
                self._askAbout(message)
        if message is not None:
            message.octets = before
        return octets

    # What the application says to a message.

    def _askAbout(self, message: Message) -> None:
        if message.question is None:
            message.question = self._pose("onData")

    def _content(self, message: Message) -> bytes:
        if self.terms.bareNewlines == "normalize" and not self._isBinary():
            return _BARE.sub(b"\r\n", message.octets)
        return message.octets

    def _isBinary(self) -> bool:
        return self.envelope.body == "binarymime"

    def _unacceptable(self, message: Message, isWhole: bool = True) -> str | None:
        """
        @param isWhole: if not, a CR at its end may be followed by its LF
        """
        octets = message.octets
        if not (isWhole or self._isBinary()) and octets.endswith(b"\r"):
            message = evolve(message, octets=octets[:-1])
        if len(self._content(message)) > self.terms.messageSize:
            return "552 5.3.4"
        isBare = not self._isBinary() and _BARE.search(message.octets)
        if isBare and self.terms.bareNewlines == "refuse":
            return "550 5.6.0"
        return None

    def _mayBeUnacceptable(self) -> bool:
        octets = self._message.octets
        return bool(_BARE.search(octets)) or len(octets) > self.terms.messageSize

    def _conclude(self, message: Message) -> Steps:
        """The message is whole, and its replies wait for the application."""
        question, refusal = message.question, self._unacceptable(message)
        assert question is not None
        if question.plan.reads:
            if refusal is not None:
                question.verdict = "refuse"
            else:
                content = self._content(message)
                self.events.append(("read", content, self.session()))
                question.hasRead = True
                if question.plan.how == "reading":
                    self._give(question, question.plan.verdict)
        verdict = yield from self._answerTo(question)
        count = len(self.envelope.recipients) if self.terms.protocol == "lmtp" else 1
        self.transaction += 1
        self._forget()
        for reply in self._repliesTo(verdict, count, refusal):
            self._say(reply)

    def _repliesTo(self, verdict: str, count: int, refusal: str | None) -> list[str]:
        if refusal is not None:
            return [refusal] * count
        if verdict == "each" and self.terms.protocol == "lmtp":
            return [(_ACCEPTED, "452 4.2.2")[n % 2] for n in range(count)]
        if verdict in ("each", "bad"):
            self.logged.append("BadResult")
            return ["451 4.3.0"] * count
        if verdict == "text":
            return ["250 2.0.0 queued as 7"] * count
        return [REFUSALS.get(verdict, _ACCEPTED)] * count
