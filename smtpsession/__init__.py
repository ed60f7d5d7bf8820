"""
An SMTP and LMTP server for Twisted, in which every callback receives the whole session.
"""

from smtpsession.addresses import SMTPAddress
from smtpsession.callbacks import Callbacks
from smtpsession.errors import (
    BareNewline,
    DeliveryStopped,
    HeaderTooLarge,
    MessageAborted,
    MessageDiscarded,
    MessageError,
    MessageRefused,
    MessageTooLarge,
    ProxyError,
    SMTPError,
    SMTPSessionError,
)
from smtpsession.extensions import Extension, MailParameter, RcptParameter
from smtpsession.factory import SMTPServerFactory
from smtpsession.limits import Limits
from smtpsession.options import ServerOptions
from smtpsession.parameters import DSNEnvelope, DSNRcpt, SMTPAddressArgs
from smtpsession.protocol import SMTPProtocol
from smtpsession.proxyline import ProxyInfo
from smtpsession.replies import EnhancedCode, Reply
from smtpsession.session import SMTPEnvelope, SMTPSession, TLSCipherInfo
from smtpsession.stream import MessageStream
from smtpsession.tlvs import ProxyTLS

__all__ = [
    "BareNewline",
    "Callbacks",
    "DSNEnvelope",
    "DSNRcpt",
    "DeliveryStopped",
    "EnhancedCode",
    "Extension",
    "HeaderTooLarge",
    "Limits",
    "MailParameter",
    "MessageAborted",
    "MessageDiscarded",
    "MessageError",
    "MessageRefused",
    "MessageStream",
    "MessageTooLarge",
    "ProxyError",
    "ProxyInfo",
    "ProxyTLS",
    "RcptParameter",
    "Reply",
    "SMTPAddress",
    "SMTPAddressArgs",
    "SMTPEnvelope",
    "SMTPError",
    "SMTPProtocol",
    "SMTPServerFactory",
    "SMTPSession",
    "SMTPSessionError",
    "ServerOptions",
    "TLSCipherInfo",
]
