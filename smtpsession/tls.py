# -*- test-case-name: tests.test_tls -*-
"""
What the library knows of TLS: the protocol and the cipher of a connection.
"""

from __future__ import annotations

from typing import Any

from smtpsession.ciphers import standardName
from smtpsession.session import TLSCipherInfo


def cipherOf(connection: Any) -> TLSCipherInfo | None:
    """
    What an OpenSSL connection uses, once its handshake is done.

    @param connection: an C{OpenSSL.SSL.Connection}
    """
    name = connection.get_cipher_name()
    if name is None:
        return None
    version = connection.get_protocol_version_name()
    return TLSCipherInfo(name, standardName(name), version)
