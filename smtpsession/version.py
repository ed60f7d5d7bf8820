# -*- test-case-name: tests.test_version -*-
"""
Which version this is.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import twisted


def describeVersion() -> str:
    """Our own and Twisted's, for whoever reports something."""
    try:
        own = version("smtpsession")
    except PackageNotFoundError:
        own = "that is not installed"
    return f"smtpsession {own}, Twisted {twisted.__version__}"
