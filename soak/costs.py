"""
An attack, what it may cost, and what it did.

It is sent to a service of its own, which must outlive it.  The bounds are what it may
cost: seconds of CPU, and memory beyond what was held before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.bodies import MIB
from benchmarks.client import Client, LoadError
from smtpsession.passwords import makeSecret
from soak.descriptors import allowDescriptors
from soak.service import PASSWORD, USER, Service, running

#: More connections than any attack has at a time.
_CONNECTIONS = 1000


class Attack(NamedTuple):
    """
    @ivar send: sends so many of what it is made of to this port, and returns when the
        server has done with it; says what the server said
    @ivar amount: how many, in what C{unit} says
    @ivar few: in a smoke run
    @ivar cpu: how many seconds of CPU it may cost the server
    @ivar memory: how many MiB it may have it hold
    @ivar answer: a pattern of what the server has to say
    @ivar limits: what of the configuration is not as by default
    @ivar isProxied: whether a PROXY header is awaited
    @ivar scheme: how the password of a user is kept, if there is one
    """

    name: str
    send: Callable[[int, int], str]
    amount: int
    few: int
    unit: str
    cpu: float
    memory: float
    answer: str
    limits: Mapping[str, float] = {}
    isProxied: bool = False
    scheme: str = ""


class Cost(NamedTuple):
    """
    What an attack has cost, and how it ended.

    @ivar cpu: in seconds
    @ivar memory: in MiB
    @ivar seconds: how long it took
    @ivar answer: what the server said
    @ivar isAlive: whether somebody else is served afterwards
    @ivar faults: what the log has of exceptions that nobody foresaw
    """

    cpu: float
    memory: float
    seconds: float
    answer: str
    isAlive: bool
    faults: Sequence[str]


def measure(attack: Attack, amount: int) -> Cost:
    """
    Start a service, attack it, and see whether it still serves.

    @raise DescriptorsError: so many connections are not allowed
    """
    allowDescriptors(_CONNECTIONS)
    with running(attack.limits, _usersOf(attack), attack.isProxied) as service:
        process = service.process
        if not _isAlive(service, attack):
            raise LoadError("nobody is served, with nobody attacking")
        process.forgetPeak()
        memory, cpu, started = process.memory(), process.cpuSeconds(), time.monotonic()
        answer = attack.send(service.port, amount)
        seconds = time.monotonic() - started
        cpu = process.cpuSeconds() - cpu
        most = max(0, process.peakMemory() - memory)
        isAlive = _isAlive(service, attack)
        return Cost(cpu, most / MIB, seconds, answer, isAlive, service.faults())


def judge(attack: Attack, cost: Cost) -> list[str]:
    """What is wrong, in a few words each."""
    wrong = {
        "CPU": cost.cpu > attack.cpu,
        "memory": cost.memory > attack.memory,
        "answer": re.search(attack.answer, cost.answer) is None,
        "dead": not cost.isAlive,
        "exceptions": bool(cost.faults),
    }
    return [what for what, isWrong in wrong.items() if isWrong]


def _usersOf(attack: Attack) -> str:
    if not attack.scheme:
        return ""
    secret = makeSecret(attack.scheme, PASSWORD)
    return f"{USER}:{{{attack.scheme}}}{secret.value}\n"


def _isAlive(service: Service, attack: Attack) -> bool:
    """Whether somebody else is served."""
    try:
        with Client(service.port) as client:
            if attack.isProxied:
                client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 49152 25\r\n")
            client.open()
            client.quit()
    except (LoadError, OSError):
        return False
    return True
