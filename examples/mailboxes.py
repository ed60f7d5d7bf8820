"""
An LMTP server with a folder for each recipient, and a result for each of them::

    mkdir -p mailboxes/bob mailboxes/carol
    python examples/mailboxes.py
    swaks --protocol LMTP --server 127.0.0.1:2424 --to bob@localhost,carol@localhost
"""

import os
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.threads import deferToThread

from smtpsession import ServerOptions, SMTPError, SMTPServerFactory


class Mailboxes(SMTPServerFactory):
    def __init__(self, folder, **arguments):
        super().__init__(**arguments)
        self.folder = Path(folder)

    def onRcptTo(self, address, session):
        # Whoever asks for "../etc" is asking for what is not in the list.
        if address.localPart not in os.listdir(self.folder):
            raise SMTPError(550, "No such mailbox", "5.1.1")

    async def onData(self, stream, session):
        message = await stream.read()
        results = []
        for number, recipient in enumerate(session.envelope.rcptTo):
            name = f"{session.id}.{session.transaction}.{number}"
            path = self.folder / recipient.localPart / name
            try:
                await deferToThread(store, path, message)
            except OSError as error:
                print(error)
                results.append(SMTPError(452, "Cannot be stored now", "4.2.2"))
            else:
                results.append("stored")
        return results


def store(path, message):
    """Write a file, so that it is there after a crash: that is what a 250 says."""
    with open(path, "xb") as file:
        file.write(message)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


if __name__ == "__main__":
    options = ServerOptions(protocol="lmtp", messageSize=1_000_000)
    endpoint = serverFromString(reactor, "tcp:2424:interface=127.0.0.1")
    endpoint.listen(Mailboxes("mailboxes", options=options))
    reactor.run()
