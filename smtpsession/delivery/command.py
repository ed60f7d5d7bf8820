# -*- test-case-name: tests.test_command -*-
"""
Delivery to a program, which reads the message and says by its exit status what has
become of it.

The statuses are those of C{sysexits.h}, and mean what they mean to Postfix's C{pipe}:

======  ===========  ==============  =============================
status  name         reply           in short
======  ===========  ==============  =============================
0                    250             the message is safe
64      USAGE        554 5.3.0       called in a wrong way
65      DATAERR      554 5.6.0       the message is not acceptable
66      NOINPUT      554 5.3.0       a file is missing
67      NOUSER       550 5.1.1       no such recipient
68      NOHOST       550 5.1.2       no such domain
69      UNAVAILABLE  554 5.3.0       something that it needs is not there
70      SOFTWARE     554 5.3.0       a mistake of its own
71      OSERR        451 4.3.0       the system has no room for it
72      OSFILE       554 5.3.0       a file of the system is missing
73      CANTCREAT    554 5.2.0       the mailbox cannot be written
74      IOERR        554 5.3.0       reading or writing failed
75      TEMPFAIL     451 4.3.0       try again later
76      PROTOCOL     554 5.5.0       somebody else did not talk sense
77      NOPERM       550 5.7.0       not permitted
78      CONFIG       554 5.3.5       it is not set up rightly
======  ===========  ==============  =============================

Any other status, a signal, and taking too long are 451 4.3.0: unlike Postfix, which
returns a message for a status that it does not know, this keeps it with the client.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import DeferredList, DeferredSemaphore
from twisted.logger import Logger

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.lineends import LineEnds
from smtpsession.delivery.program import DESCRIPTORS, Overdue, Program
from smtpsession.errors import DeliveryStopped, SMTPError
from smtpsession.replies import (
    DELIVERY_DEFERRED,
    DELIVERY_FAILED,
    DELIVERY_FORBIDDEN,
    DELIVERY_MISCONFIGURED,
    DELIVERY_OUT_OF_STEP,
    MAILBOX_FAILED,
    MESSAGE_REJECTED,
    NO_SUCH_DOMAIN,
    NO_SUCH_RECIPIENT,
    TOO_MANY_RECIPIENTS,
    Reply,
)
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import deliveredTo, messageId, received, returnPath

#: How many recipients a message may have, so that all fit into a variable.  RFC 5321,
#: section 4.5.3.1.8: a client brings the others with another message.
MAX_RECIPIENTS = 100
#: Linux, MAX_ARG_STRLEN: what a variable may have, its name and a NUL included.
MAX_VARIABLE = 131_072

_REPLIES = {
    64: DELIVERY_FAILED,
    65: MESSAGE_REJECTED,
    66: DELIVERY_FAILED,
    67: NO_SUCH_RECIPIENT,
    68: NO_SUCH_DOMAIN,
    69: DELIVERY_FAILED,
    70: DELIVERY_FAILED,
    71: DELIVERY_DEFERRED,
    72: DELIVERY_FAILED,
    73: MAILBOX_FAILED,
    74: DELIVERY_FAILED,
    75: DELIVERY_DEFERRED,
    76: DELIVERY_OUT_OF_STEP,
    77: DELIVERY_FORBIDDEN,
    78: DELIVERY_MISCONFIGURED,
}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def refusal(status: int | None) -> Reply | None:
    """
    What the client is told.

    @param status: of the program, None for a signal
    @return: None where the message is accepted
    """
    if status == 0:
        return None
    return (
        DELIVERY_DEFERRED if status is None else _REPLIES.get(status, DELIVERY_DEFERRED)
    )


class Command(Destination):
    """
    Runs a program for each message, without a shell.

    It reads the message, with trace headers in front, from its standard input; how
    fast it does so is how fast the client may send.  It need not read all of it: what
    counts is its exit status, which it must not give before the message is safe.  It
    sees the end of its input only when the message is whole; if that does not come
    whole, it gets a SIGTERM before, and a SIGKILL later.  But if this process is killed
    itself, nobody sends that, and the end of the input is the end of what there was: a
    program for which that matters reads descriptor 3 then, in which C{whole} and a line
    end stand for a message that was whole, and nothing for one that was not.

    In its environment are, from the session:

      - C{SENDER}: the reverse-path, which may be empty
      - C{RECIPIENTS}: each on a line of its own; C{RECIPIENT} if there is only one
      - C{CLIENT_ADDRESS}, C{CLIENT_NAME}: the client's address, and its name in the DNS
        or the address in brackets
      - C{HELO_NAME}: what the client called itself
      - C{PROTOCOL}: C{ESMTP}, C{ESMTPSA} and the like
      - C{USER_NAME}: the user, if the client has logged in
      - C{SESSION_ID}, C{MESSAGE_ID}: what the session and the message are called in
        the log
      - C{SESSION_JSON}: the whole session, unless that is too long for a variable

    They are UTF-8, and have no control characters.  The client has chosen most of
    them: a program must not have any of them run or looked up.  Of the service's own
    environment there are C{PATH} and what is named to be inherited, and nothing else.

    What it writes to its standard output is dropped, and of its error output the
    beginning is logged when it does not accept.  What it has started itself gets the
    signals too, for it runs in a session of its own, by C{setsid}; on a system without
    that, only the program gets them.  What it leaves behind when it ends of itself is
    not looked after.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        hostname: str,
        arguments: Sequence[str],
        lineEndings: str = "lf",
        directory: str | None = None,
        inherit: Sequence[str] = (),
        timeout: float = 300,
        grace: float = 10,
        concurrency: int = 20,
    ) -> None:
        """
        @param reactor: it starts the program, and has the time
        @param hostname: our own name, for traces
        @param arguments: the program, and what it is called with
        @param lineEndings: C{"lf"} or C{"crlf"}
        @param directory: where it runs; by default where the service does
        @param inherit: names of variables that it has from the service
        @param timeout: for how many seconds it may take nothing of the message, and how
            many it may have after the message's end
        @param grace: how many seconds are between SIGTERM and SIGKILL
        @param concurrency: how many may run at once; other messages wait
        @raise ValueError: there is no program, or a value is out of range
        """
        if not arguments:
            raise ValueError("there is no program to run")
        LineEnds(lineEndings)
        self._reactor, self._hostname = reactor, hostname
        self._arguments = list(arguments)
        self._executable = self._arguments[0]
        self._launcher: str | None = None
        self._lineEndings = lineEndings
        self._directory = None if directory is None else str(Path(directory).absolute())
        self._inherit = ("PATH", *inherit)
        self._timeout, self._grace = timeout, grace
        self._slots = DeferredSemaphore(concurrency)
        self._running: set[Program] = set()

    def start(self) -> None:
        """
        Find the program.

        @raise OSError: there is none, or no such directory
        """
        name, folder = self._arguments[0], self._directory
        path = os.environ.get("PATH", os.defpath)
        found = shutil.which(name, path=path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "No such program", name)
        self._executable = str(Path(found).absolute())
        # The reactor cannot begin a process group.
        self._launcher = shutil.which("setsid", path=path)
        if folder is not None and not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, "No such directory", folder)

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        """
        @raise SMTPError: there are as many recipients as fit
        """
        if len(session.envelope.rcptTo) >= MAX_RECIPIENTS:
            raise SMTPError.saying(TOO_MANY_RECIPIENTS)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> None:
        """
        @raise SMTPError: the program has not accepted
        @raise OSError: it cannot be started
        @raise MessageError: the message did not come whole
        """
        await self._slots.acquire()
        program = self._spawn(session, recipients)
        try:
            program.write(self._trace(session, recipients))
            status = await _feed(program, stream)
        except Overdue:
            self._complain(session, program, "takes too long")
            raise SMTPError.saying(DELIVERY_DEFERRED) from None
        finally:
            program.end()
        reply = refusal(status)
        if reply is not None:
            how = "a signal" if status is None else f"status {status}"
            self._complain(session, program, f"has ended with {how}")
            raise SMTPError.saying(reply)

    async def stop(self) -> None:
        """End what still runs, and wait for that."""
        running = list(self._running)
        for program in running:
            program.end()
        await DeferredList([program.ended for program in running])

    def _spawn(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress]
    ) -> Program:
        lines = LineEnds(self._lineEndings)
        launcher = self._launcher
        executable, arguments = self._executable, self._arguments
        if launcher is not None:
            executable, arguments = launcher, ["setsid", executable, *arguments[1:]]
        program = Program(
            self._reactor, self._timeout, self._grace, lines, launcher is not None
        )
        self._running.add(program)
        program.ended.addCallback(lambda ignored: self._release(program))
        try:
            self._reactor.spawnProcess(
                program,
                executable,
                arguments,
                env=self._environment(session, recipients),
                path=self._directory,
                childFDs=DESCRIPTORS,
            )
        except BaseException:
            self._release(program)
            raise
        return program

    def _release(self, program: Program) -> None:
        self._running.discard(program)
        self._slots.release()

    def _trace(self, session: SMTPSession, recipients: Sequence[SMTPAddress]) -> bytes:
        trace = [
            returnPath(session),
            *map(deliveredTo, recipients),
            received(session, recipients, self._hostname, self._reactor.seconds()),
        ]
        return "".join(trace).encode("utf-8")

    def _environment(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress]
    ) -> dict[bytes, bytes]:
        environment = {
            os.fsencode(name): os.fsencode(os.environ[name])
            for name in self._inherit
            if name in os.environ
        }
        for name, value in variables(session, recipients).items():
            environment[name.encode("ascii")] = value.encode(
                "utf-8", "backslashreplace"
            )
        return environment

    def _complain(self, session: SMTPSession, program: Program, how: str) -> None:
        self._log.warn(
            "{id} {program} {how}: {complaint}",
            event="program-failed",
            id=messageId(session),
            session=session,
            program=self._arguments[0],
            how=how,
            complaint=program.complaint,
        )


def variables(
    session: SMTPSession, recipients: Sequence[SMTPAddress]
) -> dict[str, str]:
    """What a program is told of a session, as variables of its environment."""
    fields = session.asDict()
    values = {
        "SENDER": str(session.envelope.mailFrom or ""),
        "CLIENT_ADDRESS": session.remoteAddress,
        "CLIENT_NAME": session.clientHostname,
        "HELO_NAME": session.hostNameAppearsAs,
        "PROTOCOL": session.transmissionType,
        "SESSION_ID": session.id,
        "MESSAGE_ID": messageId(session),
    }
    if isinstance(fields["user"], str):
        values["USER_NAME"] = fields["user"]
    if len(recipients) == 1:
        values["RECIPIENT"] = str(recipients[0])
    values = {name: _CONTROLS.sub("?", value) for name, value in values.items()}
    # No address has a control character.
    values["RECIPIENTS"] = "\n".join(map(str, recipients))
    whole = json.dumps(fields, separators=(",", ":"))
    if len(whole) + len("SESSION_JSON=\0") <= MAX_VARIABLE:
        values["SESSION_JSON"] = whole
    return values


async def _feed(program: Program, stream: MessageStream) -> int | None:
    """Let the program read the message, and give its exit status."""
    try:
        await stream.deliverTo(program)
    except DeliveryStopped:
        # It reads no more.  Whatever it says, the message has to come whole.
        async for _ in stream:
            pass
    program.finish()
    return await program.status
