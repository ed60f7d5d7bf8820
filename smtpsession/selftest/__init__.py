# -*- test-case-name: tests.test_selftest -*-
"""
C{python -m smtpsession selftest}: the known attacks, tried on a server.

A `model.Case` is a small dialogue, and says what must not come of it.  The corpus has
them all, the probe plays one over a socket and keeps what was heard, the case judges
that, and the report says it to people or to programs.

All is seen from outside: it is the replies that are counted.  Who sends one command and
gets two replies has sent two commands, as the server sees it.
"""
