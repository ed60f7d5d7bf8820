"""
Print the session of each message::

    python examples/session.py
    swaks --server 127.0.0.1:2525 --to bob@example.org
"""

import json

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from smtpsession import SMTPServerFactory


class Printing(SMTPServerFactory):
    async def onData(self, stream, session):
        await stream.read()
        print(json.dumps(session.asDict(), indent=2))


if __name__ == "__main__":
    endpoint = serverFromString(reactor, "tcp:2525:interface=127.0.0.1")
    endpoint.listen(Printing())
    reactor.run()
