# -*- test-case-name: tests.test_tap -*-
"""
C{twistd smtpsession}: its command line, and the service that it asks for.
"""

from __future__ import annotations

from twisted.application.service import IService
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from smtpsession.delivery.maildir import Maildir
from smtpsession.options import ServerOptions
from smtpsession.service import MaildirServer, MailService

LISTEN = "tcp:2525:interface=127.0.0.1"


class Options(UsageOptions):
    """
    The command line.

    After C{parseOptions}, C{service} is what it describes.
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
        Build the service, so that what is wrong is said before anything starts.

        @raise UsageError: with the option's name and what is wrong with it
        """
        self.service = _service(self)


def _service(options: Options) -> MailService:
    from twisted.internet import reactor

    server = _serverOptions(options["hostname"])
    maildir = Maildir(options["maildir"], server.hostname, reactor)
    factory = MaildirServer(maildir, options=server, reactor=reactor)
    listeners = options["listen"] or [LISTEN]
    try:
        service = MailService(reactor, listeners, factory)
    except ValueError as error:
        raise UsageError(f"--listen: {error}") from error
    try:
        maildir.create()
    except OSError as error:
        raise UsageError(f"--maildir {maildir.path}: {error.strerror}") from error
    return service


def _serverOptions(hostname: str | None) -> ServerOptions:
    if hostname is None:
        return ServerOptions()
    try:
        return ServerOptions(hostname=hostname)
    except ValueError as error:
        raise UsageError(f"--hostname: {error}") from error


def makeService(options: Options) -> IService:
    """The service that the command line describes."""
    return options.service
