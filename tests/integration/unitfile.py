"""
What systemd makes of a unit before it runs a service, without systemd.
"""

from __future__ import annotations

import shlex
from configparser import RawConfigParser
from pathlib import Path

UNITS = Path(__file__).parents[2] / "contrib" / "systemd"

#: Settings that have systemd make a folder, where that is, and who is told of it.
_FOLDERS = {
    "StateDirectory": ("/var/lib", "STATE_DIRECTORY"),
    "LogsDirectory": ("/var/log", "LOGS_DIRECTORY"),
    "RuntimeDirectory": ("/run", "RUNTIME_DIRECTORY"),
}
#: What an administrator makes.
_GIVEN = ("/opt/smtpsession", "/etc/smtpsession")


class Unit:
    """
    A unit, read for a machine whose root is a folder of a test.

    @ivar path: where it is
    """

    def __init__(self, name: str, root: Path) -> None:
        """
        @param name: of the file
        @param root: in place of C{/}
        """
        self.path = UNITS / name
        self._root = root
        self._parser = RawConfigParser()
        # Names are told apart by their case.
        self._parser.optionxform = str  # type: ignore[assignment]
        self._parser.read(self.path, "utf-8")

    def setting(self, section: str, name: str) -> str:
        """What it says."""
        return self._parser[section][name]

    def moved(self, text: str) -> str:
        """A text in which all paths of the service are below the root."""
        for path in (*_GIVEN, *self.folders()):
            text = text.replace(path, f"{self._root}{path}")
        return text

    def folders(self) -> dict[str, str]:
        """Where systemd makes a folder, and the variable that says so."""
        service = self._parser["Service"]
        return {
            f"{place}/{service[setting]}": variable
            for setting, (place, variable) in _FOLDERS.items()
            if setting in service
        }

    def prepare(self) -> None:
        """Make the folders, as systemd does and an administrator."""
        for path in (*_GIVEN, *self.folders()):
            Path(self.moved(path)).mkdir(parents=True)

    def command(self) -> list[str]:
        """The command line."""
        return shlex.split(self.moved(self.setting("Service", "ExecStart")))

    def workingDirectory(self) -> str:
        """Where it runs."""
        return self.moved(self.setting("Service", "WorkingDirectory"))

    def environment(self) -> dict[str, str]:
        """All that it has in its environment, but for sockets."""
        user = self.setting("Service", "User")
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "USER": user,
            "LOGNAME": user,
            **{name: self.moved(path) for path, name in self.folders().items()},
        }
