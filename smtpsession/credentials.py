# -*- test-case-name: tests.test_assembly -*-
"""
What the service proves with who it is, and by what it knows its users, as its
configuration asks for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smtpsession.accountlines import AccountsError
from smtpsession.accounts import Accounts
from smtpsession.certificates import CertificateStore
from smtpsession.checkers import Checkers
from smtpsession.config import AuthTable, PairTable, TLSTable
from smtpsession.pem import CertificatePair, readCertificates, readKey
from smtpsession.problems import Bench
from smtpsession.sasl.exchange import SECRET

_CERTIFICATE = "a file of PEM with a certificate"
_KEY = "a file of PEM with the certificate's key"


def storeOf(bench: Bench, table: TLSTable) -> CertificateStore | None:
    """
    @param bench: where C{table} is
    @return: None if something is wrong with it
    """
    default = _pairOf(bench, table)
    pairs = {
        name: _pairOf(bench.within("names", name), pair)
        for name, pair in table.names.items()
    }
    if table.ca is not None:
        expected = "a file of PEM with certificates of authorities"
        bench.make(("ca",), expected, readCertificates, str(table.ca))
    elif table.clientCertificates != "none" and not bench.isWrong("ca"):
        bench.blame(("ca",), "a file, for certificates of clients are asked for")

    def make() -> CertificateStore:
        return CertificateStore(
            default.certificate,
            default.key,
            names=pairs,
            minimumVersion=table.minimumVersion,
            clientCertificates=table.clientCertificates,
            ca=_path(table.ca),
        )

    store: CertificateStore | None = bench.make(
        (), "certificates, each for names of its own", make
    )
    return store


def _pairOf(bench: Bench, table: TLSTable | PairTable) -> CertificatePair:
    pair = CertificatePair(str(table.certificate), _path(table.key))
    bench.make(("certificate",), _CERTIFICATE, readCertificates, pair.certificate)
    holder = "certificate" if pair.key is None else "key"
    bench.make((holder,), _KEY, readKey, pair.key or pair.certificate)
    if not (bench.isWrong("certificate") or bench.isWrong("key")):
        bench.make((holder,), _KEY, pair.read)
    return pair


def accountsOf(
    bench: Bench, table: AuthTable, reactor: Any, scramSecret: bytes = SECRET
) -> Accounts | Checkers | None:
    """
    @param bench: where C{table} is
    @param scramSecret: as in `ServerOptions`
    @return: None if there are none, or if something is wrong with them
    """
    if table.checkers:
        return _checkersOf(bench, table)
    if table.users is None and table.tokens is None:
        return None
    try:
        return Accounts(
            table.users, table.tokens, scramSecret=scramSecret, reactor=reactor
        )
    except AccountsError as error:
        for each in error.problems:
            key = "tokens" if each.startswith(f"{table.tokens}:") else "users"
            bench.blame((key,), f"a file of {key}", each)
        return None


def _checkersOf(bench: Bench, table: AuthTable) -> Checkers | None:
    if table.users is not None or table.tokens is not None:
        bench.blame(("checkers",), "nothing, for there are users or tokens")
        return None
    expected = "checkers that twisted.cred knows, such as file:/etc/mail/passwords"
    checkers: Checkers | None = bench.make(
        ("checkers",), expected, Checkers, table.checkers
    )
    return checkers


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
