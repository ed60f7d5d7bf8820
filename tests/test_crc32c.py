"""
Tests of smtpsession._crc32c.
"""

from __future__ import annotations

from smtpsession._crc32c import crc32c
from tests.cases import TableTestCase

CHECKSUMS = [
    # name, octets, checksum
    ("nothing", b"", 0),
    ("what every CRC is shown with", b"123456789", 0xE3069283),
    # RFC 3720, appendix B.4, read as numbers.
    ("zeros", bytes(32), 0x8A9136AA),
    ("ones", b"\xff" * 32, 0x62A8AB43),
    ("upwards", bytes(range(32)), 0x46DD794E),
    ("downwards", bytes(range(31, -1, -1)), 0x113FDB5C),
    (
        "a command of iSCSI",
        bytes.fromhex(
            "01c00000000000000000000000000000140000000000040000000014000000182800000000"
            "0000000200000000000000"
        ),
        0xD9963A56,
    ),
]


class CRC32CTests(TableTestCase):
    """The checksum CRC32C."""

    def test_known(self):
        """It is what the RFC says of its examples."""
        self.assertGives(crc32c, CHECKSUMS)

    def test_corruption(self):
        """No octet changes without the checksum changing."""
        for name, octets, checksum in CHECKSUMS:
            for at in range(len(octets)):
                for change in range(1, 256):
                    corrupt = bytearray(octets)
                    corrupt[at] ^= change
                    self.assertNotEqual(checksum, crc32c(bytes(corrupt)), name)
