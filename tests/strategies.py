"""
What hypothesis draws from: the values of the grammar, and octets as a network cuts
them.  Headers of the PROXY protocol are in tests.proxystrategies, the words of SASL
exchanges in tests.saslstrategies.

Whoever uses hypothesis imports one of them, for this also says how hypothesis runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from smtpsession.addresses import SMTPAddress
from smtpsession.attributes import XCLIENT, XFORWARD, Known
from smtpsession.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    Starttls,
    Vrfy,
    Xclient,
    Xforward,
)
from smtpsession.parameters import SMTPAddressArgs
from smtpsession.replies import EnhancedCode
from smtpsession.timing import RRVS, DeliverBy, FutureRelease

# The same examples in every run, so that a failure is never a matter of luck; and
# nothing that depends on how fast the machine is.
settings.register_profile(
    "tests",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")


# Characters.

ATEXT = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"
)
#: Letters that stand in U-labels as they are: lower case, composed, left to right.
U_LETTERS = "àéîöüßñøœαβγжщ例え"

nonAscii = st.characters(min_codepoint=0xA0, exclude_categories=["Cs", "Zl", "Zp"])
printableAscii = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_visible = st.characters(min_codepoint=0x21, exclude_categories=["Cc", "Cs"])
_text = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"]), max_size=40
)


# Words.

enhancedCodes = st.builds(
    EnhancedCode,
    st.sampled_from((2, 4, 5)),
    st.integers(0, 999),
    st.integers(0, 999),
)


# Addresses.

_atoms = st.text(st.sampled_from(ATEXT) | nonAscii, min_size=1, max_size=8)
_dotStrings = st.lists(_atoms, min_size=1, max_size=3).map(".".join)
_quotedPairs = printableAscii.map(lambda c: "\\" + c)
_quotedTexts = printableAscii.filter(lambda c: c not in '"\\') | nonAscii
_quotedStrings = st.lists(_quotedTexts | _quotedPairs, max_size=12).map(
    lambda content: '"' + "".join(content) + '"'
)

#: A local part as an address has it, quoted or not.
localParts = (_dotStrings | _quotedStrings).filter(lambda s: len(s.encode()) <= 64)

_labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,12}[A-Za-z0-9])?", fullmatch=True)
_uLabels = st.text(st.sampled_from(U_LETTERS), min_size=1, max_size=8)

#: Domains of A-labels only.
asciiDomains = (
    st.lists(_labels, min_size=1, max_size=4).map(".".join)
    # What begins like an A-label has to be one.
    .filter(lambda domain: "xn--" not in domain.lower())
)
#: Domains that have a U-label.
uDomains = st.tuples(_uLabels, asciiDomains).map(".".join)

addressLiterals = st.ip_addresses(v=4).map(lambda a: f"[{a}]") | st.ip_addresses(
    v=6
).map(lambda a: f"[IPv6:{a}]")

#: What stands between the brackets of a path.
mailboxes = (
    st.tuples(localParts, asciiDomains | uDomains | addressLiterals)
    .map("@".join)
    .filter(lambda mailbox: len(mailbox.encode()) <= 254)
)


# Parameters.

keywords = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,12}", fullmatch=True)
parameterValues = st.text(
    _visible.filter(lambda c: c != "="), min_size=1, max_size=20
) | st.just(True)
parameters = st.dictionaries(keywords, parameterValues, min_size=1, max_size=5)

#: What xtext can carry.
xtextTexts = st.text(printableAscii, max_size=100)
notifies = st.just(("NEVER",)) | st.lists(
    st.sampled_from(("SUCCESS", "FAILURE", "DELAY")), min_size=1, unique=True
).map(tuple)
orcpts = st.tuples(
    st.from_regex(r"[A-Za-z0-9-]{1,10}", fullmatch=True).filter(
        lambda kind: kind.lower() != "utf-8"
    ),
    # Of the longest, in xtext, every letter takes twelve octets of the 500.
    st.text(printableAscii | nonAscii, min_size=1, max_size=40),
).map(";".join)
#: Original recipients of the type of RFC 6533.
utf8Orcpts = st.tuples(
    st.sampled_from(("utf-8", "UTF-8")),
    st.text((printableAscii | nonAscii).filter(str.isprintable), min_size=1).filter(
        lambda address: len(address) <= 40
    ),
).map(";".join)

#: Points in time with their time zones, which are a minute apart or more.
dateTimes = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 12, 31),
    timezones=st.integers(-1439, 1439).map(
        lambda minutes: timezone(timedelta(minutes=minutes))
    ),
)
_seconds = st.integers(1, 999_999_999)
deliverBys = st.builds(
    DeliverBy, st.integers(-999_999_999, 999_999_999), st.just("N"), st.booleans()
) | st.builds(DeliverBy, _seconds, st.just("R"), st.booleans())
futureReleases = st.builds(FutureRelease, holdFor=_seconds) | st.builds(
    FutureRelease, holdUntil=dateTimes
)
rrvs = st.builds(RRVS, dateTimes, st.sampled_from((None, "C", "R")))


# TLS.

#: What a client can say in SNI with OpenSSL's help: anything without a NUL.
servernames = st.binary(min_size=1, max_size=255).filter(lambda name: 0 not in name)


# Attributes of XCLIENT and XFORWARD.

hostnames = asciiDomains | addressLiterals | st.just("my_laptop.local.")
_ipAddresses = st.ip_addresses().map(
    lambda a: str(getattr(a, "ipv4_mapped", None) or a)
)
_portTexts = st.integers(0, 65_535).map(str)
_headerWords = st.text(
    st.sampled_from(ATEXT + ".:,[]"), min_size=1, max_size=20
).filter(lambda word: word.upper() not in ("[UNAVAILABLE]", "[TEMPUNAVAIL]"))
#: What each attribute may be, where it is available.
attributeValues: dict[str, st.SearchStrategy[str]] = {
    "NAME": asciiDomains | st.just("my_laptop.local."),
    "ADDR": _ipAddresses,
    "PORT": _portTexts,
    "PROTO": st.sampled_from(("SMTP", "ESMTP")),
    "HELO": hostnames,
    "LOGIN": st.text(min_size=1, max_size=20).filter(str.isprintable),
    "DESTADDR": _ipAddresses,
    "DESTPORT": _portTexts,
    "IDENT": _headerWords,
    "SOURCE": st.sampled_from(("LOCAL", "REMOTE")),
}


def _attributesOf(known: Known) -> st.SearchStrategy[dict[str, str | None]]:
    every = {name: st.none() | attributeValues[name] for name in known}
    return st.fixed_dictionaries({}, optional=every).filter(bool)


xclientAttributes = _attributesOf(XCLIENT)
xforwardAttributes = _attributesOf(XFORWARD)


# Commands.

_args = parameters.map(SMTPAddressArgs) | st.just(SMTPAddressArgs())
reversePaths = st.builds(SMTPAddress, mailboxes | st.just(""), _args)
forwardPaths = st.builds(
    SMTPAddress, mailboxes | st.sampled_from(("postmaster", "Postmaster")), _args
)
# White space at the end of a command line is not part of it.
_trimmed = _text.map(lambda text: text.rstrip(" "))

commands: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from((Data(), Rset(), Quit(), Starttls())),
    st.builds(Noop, _trimmed),
    st.builds(Help, _trimmed),
    st.builds(Vrfy, _trimmed.filter(bool)),
    st.builds(Expn, _trimmed.filter(bool)),
    st.builds(Helo, hostnames),
    st.builds(Ehlo, hostnames),
    st.builds(Lhlo, hostnames),
    st.builds(Mail, reversePaths),
    st.builds(Rcpt, forwardPaths),
    st.builds(Bdat, st.integers(0, 2**63 - 1), st.booleans()),
    st.builds(
        Auth,
        st.from_regex(r"[A-Z0-9_-]{1,20}", fullmatch=True),
        st.none() | st.binary(max_size=40),
    ),
    st.builds(Xclient, xclientAttributes),
    st.builds(Xforward, xforwardAttributes),
)


# Octets.

#: All that matters to the transparency of DATA, and one letter.
dottedOctets = st.text("\r\n.a", max_size=40).map(str.encode)


@st.composite
def chunked(
    draw: st.DrawFn, octets: st.SearchStrategy[bytes]
) -> tuple[bytes, list[bytes]]:
    """Octets, and the same cut into chunks, empty ones among them."""
    whole = draw(octets)
    places = draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    chunks = [whole[a:b] for a, b in pairwise([0, *places, len(whole)])]
    return whole, chunks
