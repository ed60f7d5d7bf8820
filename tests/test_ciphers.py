"""
Tests of smtpsession.ciphers.
"""

from __future__ import annotations

import shutil
import subprocess

from OpenSSL.SSL import TLS_METHOD, Connection, Context
from twisted.trial.unittest import SkipTest

from smtpsession.ciphers import standardName
from tests.cases import TableTestCase

NAMES = [
    # name, OpenSSL's name, IANA's
    ("TLS 1.3", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    (
        "TLS 1.3, and not offered by default (RFC 8446, appendix B.4)",
        "TLS_AES_128_CCM_8_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    ),
    (
        "GCM with elliptic curves (RFC 5289)",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "ChaCha20, where OpenSSL leaves out the hash (RFC 7905)",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "CBC, which OpenSSL leaves out (RFC 8422)",
        "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    ),
    (
        "RSA key transport, which OpenSSL leaves out (RFC 5246)",
        "AES256-SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
    ),
    ("not a suite", "ECDHE-RSA-ROT13", None),
    ("nothing", "", None),
    ("another case", "aes256-sha", None),
]


class StandardNameTests(TableTestCase):
    """The name of a cipher suite in the IANA registry."""

    def test_names(self):
        """What OpenSSL calls in its own way has its name in the registry."""
        self.assertGives(standardName, NAMES)

    def test_everyDefault(self):
        """Every suite that a connection offers by default has a name."""
        offered = Connection(Context(TLS_METHOD)).get_cipher_list()

        self.assertIn("ECDHE-RSA-AES128-GCM-SHA256", offered)
        self.assertNoneWrong(
            f"{name} has no name" for name in offered if standardName(name) is None
        )

    def test_openssl(self):
        """The names are those that the openssl program knows for its own."""
        program = shutil.which("openssl")
        if program is None:
            raise SkipTest("there is no openssl program")
        listed = subprocess.run(
            [program, "ciphers", "-stdname"], capture_output=True, check=True, text=True
        )
        # TLS_RSA_WITH_AES_128_CBC_SHA - AES128-SHA TLSv1.2 Kx=RSA Au=RSA ...
        rows = [line.split()[:3] for line in listed.stdout.splitlines()]

        self.assertGreater(len(rows), 20)
        self.assertGives(standardName, [(own, own, name) for name, _, own in rows])
