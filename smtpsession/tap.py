# -*- test-case-name: tests.test_tap -*-
"""
C{twistd smtpsession}: its command line, and the service that it asks for.
"""

from __future__ import annotations

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from smtpsession.delivery.maildir import Maildir
from smtpsession.options import ServerOptions
from smtpsession.service import MaildirServer, MailService

LISTEN = "tcp:2525:interface=127.0.0.1"


class Options(UsageOptions):
    """
    The command line.

    @ivar server: after C{parseOptions}, the options of the server
    @ivar endpoints: after C{parseOptions}, where to listen, by endpoint string
    """

    longdesc = (
        "Receives mail by SMTP. With no option it listens on "
        f"{LISTEN}, accepts every recipient and puts each message into "
        "the Maildir ./maildir."
    )
    optParameters = [
        ["maildir", "m", "maildir", "The folder that messages go to, made if absent."],
        ["hostname", None, None, "What the server calls itself [default: the machine]"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []

    def opt_listen(self, endpoint: str) -> None:
        """
        Where to listen, as a Twisted endpoint string; may be given several times.
        [default: tcp:2525:interface=127.0.0.1]
        """
        self["listen"].append(endpoint)

    opt_l = opt_listen

    def postOptions(self) -> None:
        """
        Look at the values, so that what is wrong is said before anything starts.

        @raise UsageError: with the option's name and what is wrong with it
        """
        if not self["maildir"]:
            raise UsageError("--maildir: a folder has a name")
        self.server = _serverOptions(self["hostname"])
        self.endpoints = {each: _endpoint(each) for each in self["listen"] or [LISTEN]}


def _serverOptions(hostname: str | None) -> ServerOptions:
    if hostname is None:
        return ServerOptions()
    try:
        return ServerOptions(hostname=hostname)
    except ValueError as error:
        raise UsageError(f"--hostname: {error}") from error


def _endpoint(description: str) -> IStreamServerEndpoint:
    from twisted.internet import reactor

    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except Exception as error:
        # Each kind of endpoint has its own ways to be wrong: ValueError, TypeError for
        # an argument that it does not know, OSError for a key that is not there.
        raise UsageError(f"--listen {description}: {error}") from error
    return endpoint


def makeService(options: Options) -> IService:
    """The service that the command line describes."""
    from twisted.internet import reactor

    maildir = Maildir(options["maildir"], options.server.hostname, reactor)
    factory = MaildirServer(maildir, options=options.server, reactor=reactor)
    return MailService(options.endpoints, maildir, factory)
