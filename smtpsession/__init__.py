"""
An SMTP and LMTP server for Twisted, in which every callback receives the whole session.
"""

from smtpsession.addresses import SMTPAddress
from smtpsession.callbacks import Callbacks
from smtpsession.certificates import CertificateStore
from smtpsession.commands import Command
from smtpsession.cred import PortalLogin
from smtpsession.errors import (
    BareNewline,
    CertificateError,
    ConfigError,
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
from smtpsession.factory import SMTPServerFactory
from smtpsession.limits import Limits
from smtpsession.networks import Networks
from smtpsession.offers import Extension, MailParameter, RcptParameter
from smtpsession.options import ServerOptions
from smtpsession.parameters import DSNEnvelope, DSNRcpt, SMTPAddressArgs
from smtpsession.pem import CertificatePair
from smtpsession.protocol import SMTPProtocol
from smtpsession.proxyline import ProxyInfo
from smtpsession.replies import EnhancedCode, Reply
from smtpsession.rules import Rule, State
from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    XClientAuth,
)
from smtpsession.sasl.keys import ScramKeys
from smtpsession.session import SMTPEnvelope, SMTPSession, TLSCipherInfo
from smtpsession.stream import MessageStream
from smtpsession.timing import RRVS, DeliverBy, FutureRelease
from smtpsession.tlvs import ProxyTLS
from smtpsession.watcher import Watcher

__all__ = [
    "Auth",
    "BareNewline",
    "BearerAuth",
    "Callbacks",
    "CertificateError",
    "CertificatePair",
    "CertificateStore",
    "Command",
    "ConfigError",
    "CramMD5Auth",
    "DSNEnvelope",
    "DSNRcpt",
    "DeliverBy",
    "DeliveryStopped",
    "EnhancedCode",
    "Extension",
    "ExternalAuth",
    "FutureRelease",
    "HeaderTooLarge",
    "Limits",
    "MailParameter",
    "MessageAborted",
    "MessageDiscarded",
    "MessageError",
    "MessageRefused",
    "MessageStream",
    "MessageTooLarge",
    "Networks",
    "PasswordAuth",
    "PortalLogin",
    "ProxyError",
    "ProxyInfo",
    "ProxyTLS",
    "RRVS",
    "RcptParameter",
    "Reply",
    "Rule",
    "SMTPAddress",
    "SMTPAddressArgs",
    "SMTPEnvelope",
    "SMTPError",
    "SMTPProtocol",
    "SMTPServerFactory",
    "SMTPSession",
    "SMTPSessionError",
    "ScramAuth",
    "ScramKeys",
    "ServerOptions",
    "State",
    "TLSCipherInfo",
    "Watcher",
    "XClientAuth",
]
