"""
Take mail for the users of a database, which is asked without keeping others waiting::

    sqlite3 users.db "create table users (address primary key)"
    sqlite3 users.db "insert into users values ('bob@example.org')"
    python examples/lookup.py
"""

from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from smtpsession import SMTPError, SMTPServerFactory

KNOWN = "select 1 from users where address = ?"


class Users(SMTPServerFactory):
    def __init__(self, database, **arguments):
        super().__init__(**arguments)
        self.database = database

    async def onRcptTo(self, address, session):
        # Not what the client wrote: that can be quoted, and in upper case.
        found = f"{address.localPart}@{address.domain}"
        if not await self.database.runQuery(KNOWN, [found]):
            raise SMTPError(550, "No such user", "5.1.1")

    async def onData(self, stream, session):
        message = await stream.read()
        print(f"{len(message)} octets for", *session.envelope.rcptTo)


if __name__ == "__main__":
    database = ConnectionPool("sqlite3", "users.db", check_same_thread=False)
    endpoint = serverFromString(reactor, "tcp:2525:interface=127.0.0.1")
    endpoint.listen(Users(database))
    reactor.run()
