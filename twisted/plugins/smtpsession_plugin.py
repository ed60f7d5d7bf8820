"""
How C{twistd} and C{twist} find the C{smtpsession} service.

Either command may import this module only to list what there is, so it names
C{smtpsession.tap} and does not import it.
"""

from twisted.application.service import ServiceMaker

smtpsession = ServiceMaker(
    "smtpsession",
    "smtpsession.tap",
    "An SMTP and LMTP server.",
    "smtpsession",
)
