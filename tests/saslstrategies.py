"""
What hypothesis draws from: the words of SASL exchanges.
"""

from __future__ import annotations

from hypothesis import strategies as st

from smtpsession.sasl.gs2 import GS2Header
from tests.strategies import ATEXT

#: What SASLprep may have objections to, but a saslname has not.
saslNames = st.text(
    st.characters(min_codepoint=1, exclude_categories=["Cs"])
    | st.sampled_from("=,2CD"),
    min_size=1,
    max_size=20,
)
#: What SASLprep leaves as it is.
preparedNames = st.text(
    st.sampled_from(ATEXT + " @,=" + "éßñαжщ例え"), min_size=1
).filter(lambda name: len(name) <= 40)
gs2Headers = st.builds(
    GS2Header, st.sampled_from("ny"), st.none(), st.none() | saslNames
) | st.builds(
    GS2Header,
    st.just("p"),
    st.from_regex(r"[A-Za-z0-9.-]{1,20}", fullmatch=True),
    st.none() | saslNames,
)
#: As SCRAM wants them.
nonces = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","),
    min_size=1,
    max_size=40,
)
