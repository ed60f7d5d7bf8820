"""
fail2ban, as it reads what the service has logged of logins.

Its filter is no part of the package; there is nothing to read with where it is not.
"""

from __future__ import annotations

import socket
from base64 import b64encode

from twisted.internet.threads import deferToThread

from tests.integration.programs import UNPACKED, find, missing
from tests.integration.support import LOCAL, PATIENCE
from tests.integration.test_twistd import TWISTD, ServiceTestCase
from tests.test_loginlog import CRAFTED, FILTER

#: Who fails, who fails by names that want to be taken for something else, who succeeds,
#: and who is a proxy.
WRONG, CRAFTY, RIGHT, PROXY = (f"127.0.0.{each}" for each in (3, 4, 5, 6))

CONFIG = f"""
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[[listener]]
endpoint = "{LOCAL}"
auth = "optional"
allow-insecure-auth = true
xclient = ["{PROXY}"]
[auth]
users = "users"
[limits]
auth-failures-per-address = 1000
[[route]]
recipients = ["*@example.org"]
[log]
file = "mail.log"
level = "debug"
"""
JSON = 'format = "json"\n'


def login(name: str, password: str) -> str:
    """The command that logs in."""
    response = b64encode(f"\0{name}\0{password}".encode())
    return f"AUTH PLAIN {response.decode()}"


#: Who says what, and the reply.
SAID = [
    (WRONG, login("bob", "hunter2"), "535"),
    (RIGHT, login("bob", "sesame"), "235"),
    *((CRAFTY, login(name, "x"), "535") for name in CRAFTED if name),
    # What is no login at all is in the log too.
    *((CRAFTY, f"NONE {name}", "500") for name in CRAFTED if name.isprintable()),
    (PROXY, "XCLIENT LOGIN=nobody", "5"),
    (WRONG, login("nobody", "hunter2"), "535"),
]

#: Whose logins fail.  A name with control characters is none, and nobody looks it up.
FAILING = [
    WRONG,
    *(CRAFTY for name in CRAFTED if name and name.isprintable()),
    WRONG,
]


class Fail2banTests(ServiceTestCase):
    """fail2ban-regex, with the filter that is shipped."""

    skip = missing("fail2ban-regex")

    async def test_text(self) -> None:
        """
        In the log of twistd, and in that of C{[log]}, it finds who fails, each time,
        and nobody else: not who succeeds, and not whom a name pretends.
        """
        await self.logIn()
        await self.assertFound("mail.log")
        await self.assertFound("twistd.log")

    async def test_json(self) -> None:
        """
        So it does where the log has objects.
        """
        await self.logIn(JSON)
        await self.assertFound("mail.log")

    async def test_workers(self) -> None:
        """
        So it does where two processes log, each by itself or through the first.
        """
        await self.logIn(JSON, "workers = 2\n")
        await self.assertFound("mail.log")
        await self.logIn(top="workers = 2\n", without="[log]")
        await self.assertFound("twistd.log")

    async def logIn(self, log: str = "", top: str = "", without: str = "\0") -> None:
        """
        Have the service log every kind of login.

        @param log: an addition to the end of the configuration
        @param top: an addition to its top
        @param without: where it ends
        """
        config = top + CONFIG.partition(without)[0] + log
        (self.folder / "mail.toml").write_text(config, "utf-8")
        (self.folder / "users").write_text("bob:{PLAIN}sesame\n", "utf-8")
        own = self.folder / "twistd.log"
        own.unlink(missing_ok=True)
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        port = await service.listening
        for address, line, code in SAID:
            reply = await deferToThread(self.replyTo, port, address, line)
            self.assertTrue(reply.startswith(code), (line, reply))
        self.assertEqual(await service.terminate(), 0)
        own.write_text(service.output, "utf-8")

    def replyTo(self, port: int, address: str, line: str) -> str:
        """What a client with this address gets for a command."""
        server, source = ("127.0.0.1", port), (address, 0)
        with socket.create_connection(server, PATIENCE, source) as client:
            replies = client.makefile("r", encoding="utf-8", newline="\r\n")
            client.sendall(f"EHLO client.example.com\r\n{line}\r\nQUIT\r\n".encode())
            final = [each for each in replies if each[3:4] == " "]
            return final[2]

    async def assertFound(self, name: str) -> None:
        """In this log it finds all whose login failed, in their order."""
        if not FILTER.exists():
            return
        path = find("fail2ban-regex")
        options, environment = ["--out=ip", "--usedns=no"], {}
        if path is not None and UNPACKED and path.startswith(UNPACKED):
            options.append(f"--config={UNPACKED}/etc/fail2ban")
            packages = f"{UNPACKED}/usr/lib/python3/dist-packages"
            environment["PYTHONPATH"] = packages
        output = await self.runProgram(
            path,
            *(*options, str(self.folder / name), str(FILTER)),
            environment=environment,
        )
        self.assertEqual(output.split(), FAILING)
