"""
The example of an extension in the manual, C{docs/extensions.rst}.
"""

# Begin of what the manual quotes.
from attrs import frozen

from smtpsession import (
    Command,
    Extension,
    MailParameter,
    RcptParameter,
    Rule,
    SMTPError,
)


@frozen
class Xticket(Command):
    """XTICKET number"""

    verb, syntax = "XTICKET", "XTICKET number"
    number: int

    @classmethod
    def parse(cls, argument):
        if not argument.isdigit() or len(argument) > 4:
            raise SMTPError(501, f"Syntax: {cls.syntax}", "5.5.4")
        return cls(int(argument))


async def takeTicket(command, session):
    session.state["XTICKET"].append(command.number)
    return f"Ticket {command.number} is yours"


def fillUrgency(envelope, value, settings):
    if value not in ("0", "1"):
        raise ValueError("urgent or not")
    envelope.state["XURGENT"] = value == "1"


def fillRoom(recipient, value):
    if not value.isalnum():
        raise ValueError("rooms have numbers and letters")
    return recipient


TICKET = Extension(
    keyword="XTICKET",
    rfc="our intranet",
    offer=lambda session, settings: "9999",
    newState=list,
    verbs=(Rule(Xticket, run=takeTicket),),
    mailParameters=(MailParameter("XURGENT", fillUrgency),),
    rcptParameters=(RcptParameter("XROOM", fillRoom),),
    mailOctets=len(" XURGENT=1"),
    rcptOctets=len(" XROOM=") + 10,
)
