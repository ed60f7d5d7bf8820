"""
Tests of smtpsession as a whole: what it exports, and that all of it is documented.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import smtpsession
from tests.cases import TableTestCase

#: What the manual names: the model, the callbacks, the errors, the options.
DOCUMENTED = {
    *("SMTPServerFactory", "SMTPProtocol", "Callbacks", "ServerOptions", "Limits"),
    *("SMTPSession", "SMTPEnvelope", "SMTPAddress", "SMTPAddressArgs"),
    *("DSNEnvelope", "DSNRcpt", "TLSCipherInfo", "ProxyInfo"),
    *("Reply", "EnhancedCode", "SMTPError", "SMTPSessionError"),
    *("MessageStream", "MessageError", "MessageRefused", "MessageTooLarge"),
    *("BareNewline", "HeaderTooLarge", "MessageAborted", "MessageDiscarded"),
    *("DeliveryStopped", "ProxyError", "ProxyTLS"),
    *("Extension", "MailParameter", "RcptParameter", "Command", "Rule", "State"),
    *("CertificateStore", "CertificatePair", "CertificateError", "Networks"),
    *("Auth", "PasswordAuth", "CramMD5Auth", "ScramAuth", "ScramKeys", "BearerAuth"),
    *("ExternalAuth", "XClientAuth", "PortalLogin", "Watcher"),
}


class ExportsTests(TableTestCase):
    """What "from smtpsession import ..." gives."""

    def test_sorted(self):
        """The list of exports is sorted and has no name twice."""
        self.assertEqual(sorted(set(smtpsession.__all__)), smtpsession.__all__)

    def test_importable(self):
        """Everything in the list is there."""
        self.assertEqual(
            [], [n for n in smtpsession.__all__ if not hasattr(smtpsession, n)]
        )

    def test_complete(self):
        """Everything that the manual names is in the list."""
        self.assertEqual(set(), DOCUMENTED - set(smtpsession.__all__))

    def test_nothingElse(self):
        """Everything public that is there is in the list, but for the modules."""
        public = {
            name
            for name, value in vars(smtpsession).items()
            if not name.startswith("_") and not isinstance(value, ModuleType)
        }

        self.assertEqual(set(smtpsession.__all__), public)


class DocumentationTests(TableTestCase):
    """That everything public says what it is for."""

    def test_package(self):
        """The package says what it is."""
        self.assertTrue(smtpsession.__doc__)

    def test_classes(self):
        """Every class has a docstring of its own."""
        self.assertEqual([], [c.__name__ for c in _classes() if not _ownDoc(c)])

    def test_methods(self):
        """Every public method has a docstring, its own or the one it inherits."""
        self.assertNoneWrong(
            f"{cls.__name__}.{name}"
            for cls in _classes()
            for name in _publicMethods(cls)
            if not inspect.getdoc(getattr(cls, name))
        )


def _classes() -> list[type]:
    exported = [getattr(smtpsession, name) for name in smtpsession.__all__]
    return [each for each in exported if isinstance(each, type)]


def _ownDoc(cls: type) -> str | None:
    # A class without one would be given its parent's by inspect.getdoc().
    doc: str | None = vars(cls).get("__doc__")
    return doc


def _publicMethods(cls: type) -> Iterator[str]:
    """The public methods and properties that the class itself defines."""
    for name, value in vars(cls).items():
        if not name.startswith("_") and _isMethod(value):
            yield name


def _isMethod(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(
        value, (classmethod, staticmethod, property)
    )
