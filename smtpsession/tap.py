# -*- test-case-name: tests.test_tap -*-
"""
C{twistd smtpsession}: its command line, and the service that it asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from secrets import token_bytes

from attrs import evolve, fields
from twisted.application.service import IService
from twisted.cred.strcred import AuthOptionMixin
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from smtpsession.addresses import isDomain
from smtpsession.config import (
    EMBEDDED,
    LISTEN,
    Config,
    ListenerTable,
    LogTable,
    RouteTable,
)
from smtpsession.errors import ConfigError
from smtpsession.goals import MaildirTable
from smtpsession.kinds import kindOf
from smtpsession.service import MailService
from smtpsession.supervisor import Supervisor
from smtpsession.version import describeVersion


class Options(UsageOptions, AuthOptionMixin):
    """
    The command line.

    @ivar service: after C{parseOptions}, the service, not started
    """

    longdesc = (
        "Receives mail by SMTP and LMTP. With no option it listens on "
        f"{LISTEN}, accepts every recipient and puts each message into "
        "the Maildir ./maildir."
    )
    optParameters = [
        [
            "config",
            "c",
            None,
            "A configuration, in TOML; it says what the options below do.",
        ],
        ["maildir", "m", None, "The folder that messages go to, made if absent."],
        ["hostname", None, None, "What the server calls itself [default: the machine]"],
        ["log", None, None, "A file for the log, beside that of twistd."],
        ["log-format", None, None, "text, or json [default: text]"],
        [
            "log-level",
            None,
            None,
            "The least: debug, info, warn, error [default: info]",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self["auth"] = []

    def opt_auth(self, description: str) -> None:
        """
        Who may log in, beside the configuration: a checker of twisted.cred.
        """
        super().opt_auth(description)
        self["auth"].append(description)

    def opt_listen(self, endpoint: str) -> None:
        """
        Where to listen, as a Twisted endpoint string; may be given several times.
        [default: tcp:2525:interface=127.0.0.1]
        """
        self["listen"].append(endpoint)

    opt_l = opt_listen

    def opt_version(self) -> None:
        """
        Display the version and exit.
        """
        print(describeVersion())
        raise SystemExit(0)

    def postOptions(self) -> None:
        """
        Make everything, so that what is wrong is said before anything starts.

        @raise UsageError: with the option or the key, and what is wrong with it
        """
        if self["config"] is None:
            if self["auth"]:
                raise UsageError("--auth: only with --config, which says where")
            try:
                self.service = _serviceOf(self._sink(), Path.cwd() / "mail.toml")
            except ConfigError as error:
                raise UsageError(f"--listen: {error}") from error
            return
        others = ("maildir", "hostname", "log", "log-format", "log-level")
        if self["listen"] or any(self[each] is not None for each in others):
            raise UsageError("--config: the file says what the other options say")
        # The process may go to another folder before it reads the file again.
        file = Path(self["config"]).absolute()
        try:
            reread = partial(_load, file, tuple(self["auth"]))
            self.service = _serviceOf(reread(), file, reread)
        except ConfigError as error:
            raise UsageError(str(error)) from error

    def _sink(self) -> Config:
        """What is configured without a file."""
        config = evolve(EMBEDDED, log=self._logTable())
        if self["hostname"] is not None:
            if not isDomain(self["hostname"]):
                raise UsageError(f"--hostname: not a domain: {self['hostname']!r}")
            config = evolve(config, hostname=self["hostname"])
        if self["maildir"] is not None:
            if not self["maildir"]:
                raise UsageError("--maildir: a folder has a name")
            folder = MaildirTable(path=self["maildir"])
            route = RouteTable(recipients=("*",), destination=folder)
            config = evolve(config, route=(route,))
        if self["listen"]:
            listeners = [ListenerTable(endpoint=each) for each in self["listen"]]
            config = evolve(config, listener=tuple(listeners))
        return config

    def _logTable(self) -> LogTable:
        given = {
            key: self[key]
            for key in ("log-format", "log-level")
            if self[key] is not None
        }
        if self["log"] is None:
            for key in given:
                raise UsageError(f"--{key}: only with --log, which says where")
            return LogTable()
        if not self["log"]:
            raise UsageError("--log: a file has a name")
        table = LogTable(file=Path.cwd() / self["log"])
        for key, value in given.items():
            name = key.removeprefix("log-")
            kind = kindOf(getattr(fields(LogTable), name))
            assert kind is not None, "it is a key of the file"
            try:
                table = evolve(table, **{name: kind.read(value, Path())})
            except ValueError:
                what = f"{value!r}, but expected {kind.expected}"
                raise UsageError(f"--{key}: {what}") from None
        return table


def _load(file: Path, checkers: tuple[str, ...]) -> Config:
    try:
        from smtpsession.examination import examine
    except ImportError as error:
        what = f"{error.name} is missing: pip install 'smtpsession[service]'"
        raise ConfigError([f"{file}: {what}"]) from error
    from twisted.internet import reactor

    config = examine(file, reactor, checkers)
    if checkers and config.workers > 1:
        raise ConfigError(["--auth: with several workers the file has to say it"])
    return config


def _serviceOf(
    config: Config, file: Path, reread: Callable[[], Config] | None = None
) -> MailService | Supervisor:
    from twisted.internet import reactor

    if reread is not None and config.workers > 1:
        return Supervisor(config, file, reactor, reread, token_bytes(32))
    return MailService(config, file.parent, reactor, reread)


def makeService(options: Options) -> IService:
    """The service that the command line describes."""
    service: IService = options.service
    return service
