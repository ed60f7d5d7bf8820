# -*- test-case-name: tests.test_sasl_keys -*-
"""
What a server keeps of a password for SCRAM, RFC 5802, section 3: enough to recognize
who knows it, not enough to be taken for him.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from secrets import token_bytes

from attrs import field, frozen

from smtpsession.sasl.encoding import parseBase64, printBase64
from smtpsession.sasl.prep import prepare

#: The hash functions by the name that IANA has for them: as C{hashlib} calls each, and
#: how many octets it gives.
HASHES = {"SHA-1": ("sha1", 20), "SHA-256": ("sha256", 32), "SHA-512": ("sha512", 64)}
#: RFC 7677, section 4: what took a tenth of a second when it was written.  The client
#: pays, and so does a server that checks a password against keys, while all others wait
#: for it: OWASP's 600,000 for a database of passwords is for whoever can afford that.
ITERATIONS = 15_000
#: As many as fit the counter of any client.
MAX_ITERATIONS = 2**31 - 1
#: In octets, of a salt that we make.
SALT = 16

_KEYS = re.compile(
    r"SCRAM-(?P<hash>SHA-1|SHA-256|SHA-512)"
    r"\$(?P<iterations>[1-9][0-9]{0,9}):(?P<salt>[A-Za-z0-9+/=]+)"
    r"\$(?P<stored>[A-Za-z0-9+/=]+):(?P<server>[A-Za-z0-9+/=]+)",
    re.ASCII,
)


@frozen
class ScramKeys:
    """
    A password as SCRAM stores it.

    @ivar hashName: C{"SHA-1"}, C{"SHA-256"} or C{"SHA-512"}
    @ivar salt: not empty
    @ivar iterations: 1 to 2**31-1; RFC 7677, section 4 wants 4096 at the least
    @ivar storedKey: recognizes the client's proof
    @ivar serverKey: proves to the client that the server knows the password too

    @raise ValueError: one of them is not so
    """

    hashName: str
    salt: bytes = field(repr=False)
    iterations: int
    storedKey: bytes = field(repr=False)
    serverKey: bytes = field(repr=False)

    def __attrs_post_init__(self) -> None:
        _, size = _hash(self.hashName)
        if not self.salt:
            raise ValueError("no salt")
        if not 1 <= self.iterations <= MAX_ITERATIONS:
            raise ValueError(f"{self.iterations} iterations")
        if not len(self.storedKey) == len(self.serverKey) == size:
            raise ValueError(f"keys of {self.hashName} have {size} octets")

    @classmethod
    def derive(
        cls,
        password: str,
        hashName: str = "SHA-256",
        salt: bytes | None = None,
        iterations: int = ITERATIONS,
    ) -> ScramKeys:
        """
        The keys of a password.

        @param salt: by default a new one
        @raise ValueError: SASLprep (RFC 4013) has no form of the password, or an empty
            one
        """
        function, _ = _hash(hashName)
        prepared = prepare(password, isStored=True)
        if not prepared:
            raise ValueError("an empty password")
        if salt is None:
            salt = token_bytes(SALT)
        salted = hashlib.pbkdf2_hmac(
            function, prepared.encode("utf-8"), salt, iterations
        )
        clientKey = hmac.digest(salted, b"Client Key", function)
        storedKey = hashlib.new(function, clientKey).digest()
        serverKey = hmac.digest(salted, b"Server Key", function)
        return cls(hashName, salt, iterations, storedKey, serverKey)

    @classmethod
    def parse(cls, text: str) -> ScramKeys:
        """
        Read C{"SCRAM-SHA-256$4096:salt$storedKey:serverKey"} with the last three in
        base64, after RFC 5803; also what PostgreSQL stores.

        @raise ValueError: it is not of this form
        """
        found = _KEYS.fullmatch(text)
        if found is None:
            # Not what it is: it may be the secret of another scheme.
            raise ValueError("not SCRAM keys")
        salt, stored, server = (
            parseBase64(part.encode("ascii"))
            for part in found.group("salt", "stored", "server")
        )
        return cls(found["hash"], salt, int(found["iterations"]), stored, server)

    def asText(self) -> str:
        """The inverse of `parse`."""
        salt, stored, server = (
            printBase64(part).decode("ascii")
            for part in (self.salt, self.storedKey, self.serverKey)
        )
        return f"SCRAM-{self.hashName}${self.iterations}:{salt}${stored}:{server}"

    def matches(self, password: str) -> bool:
        """
        Whether they are the keys of this password; costs what `derive` costs.
        """
        try:
            other = self.derive(password, self.hashName, self.salt, self.iterations)
        except ValueError:
            return False
        return hmac.compare_digest(self.storedKey, other.storedKey)

    def proves(self, message: bytes, proof: bytes) -> bool:
        """
        RFC 5802, section 3: whether this is the C{ClientProof} of who knows the
        password.

        @param message: the C{AuthMessage}
        """
        function, size = _hash(self.hashName)
        if len(proof) != size:
            return False
        signature = hmac.digest(self.storedKey, message, function)
        clientKey = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        candidate = hashlib.new(function, clientKey).digest()
        return hmac.compare_digest(self.storedKey, candidate)

    def signature(self, message: bytes) -> bytes:
        """
        RFC 5802, section 3: the C{ServerSignature}.

        @param message: the C{AuthMessage}
        """
        return hmac.digest(self.serverKey, message, _hash(self.hashName)[0])


def madeUpKeys(
    secret: bytes, username: str, hashName: str, iterations: int
) -> ScramKeys:
    """
    Keys for a user that there is not, RFC 5802, section 9: the same each time for the
    same name, so that asking twice tells nothing either.

    @param secret: known to the server alone, and to all of its processes
    """
    function, _ = _hash(hashName)
    salt, storedKey, serverKey = (
        hmac.digest(secret, f"{part} {hashName} {username}".encode(), function)
        for part in ("salt", "stored", "server")
    )
    return ScramKeys(hashName, salt[:SALT], iterations, storedKey, serverKey)


def _hash(hashName: str) -> tuple[str, int]:
    if hashName not in HASHES:
        raise ValueError(f"not a hash function of SCRAM: {hashName!r}")
    return HASHES[hashName]
