# -*- test-case-name: tests.test_sasl_login -*-
"""
LOGIN, which no RFC has, and which draft-murchison-sasl-login calls obsolete.

The prompts are those of the servers that clients were made for: some look at them.
"""

from __future__ import annotations

from smtpsession.sasl.auth import PasswordAuth
from smtpsession.sasl.encoding import decodeText
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.prep import prepareName, preparePassword


def login(context: ExchangeContext) -> Exchange:
    """The name, which may come as the initial response, and then the password."""
    username = prepareName(decodeText((yield Challenge(b"Username:"))))
    password = preparePassword(decodeText((yield Challenge(b"Password:"))))
    yield PasswordAuth(method="LOGIN", username=username, password=password)
