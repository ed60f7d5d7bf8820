# -*- test-case-name: tests.test_grammar -*-
"""
The grammar of RFC 5321 and RFC 6531 as byte patterns.

Each production carries the name that the RFC gives it, with its ABNF quoted above.
The patterns are strings to be put together; what is matched is compiled at the end of
this file, always against the whole input, always in linear time: no repetition has
two ways to consume the same octet.

UTF8-non-ascii (RFC 6531, section 3.3) is any octet from 0x80 up: a line is decoded as
strict UTF-8 before a pattern sees it, so that the octets can only be well formed.
"""

from __future__ import annotations

import re

# RFC 5322, section 3.2.3, extended by RFC 6531:
#   atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" /
#           "=" / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~" / UTF8-non-ascii
atext = rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff]"

# RFC 5321, section 4.1.2:
#   Dot-string = Atom *("." Atom)
dot_string = rb"%(atext)b+(?:\.%(atext)b+)*" % {b"atext": atext}

#   Quoted-string  = DQUOTE *QcontentSMTP DQUOTE
#   QcontentSMTP   = qtextSMTP / quoted-pairSMTP
#   quoted-pairSMTP = %d92 %d32-126
#   qtextSMTP      = %d32-33 / %d35-91 / %d93-126 / UTF8-non-ascii
quoted_string = rb'"(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*"'

#   Local-part = Dot-string / Quoted-string
local_part = rb"(?:%b|%b)" % (dot_string, quoted_string)

#   sub-domain = Let-dig [Ldh-str] / U-label
#   Ldh-str    = *( ALPHA / DIGIT / "-" ) Let-dig
# Whether a U-label is one, IDNA decides (`smtpsession.addresses`).
let_dig = rb"[A-Za-z0-9\x80-\xff]"
sub_domain = rb"%(d)b(?:[A-Za-z0-9\-\x80-\xff]{0,253}%(d)b)?" % {b"d": let_dig}

#   Domain = sub-domain *("." sub-domain)
domain = rb"%(s)b(?:\.%(s)b)*" % {b"s": sub_domain}

#   address-literal      = "[" ( IPv4-address-literal / IPv6-address-literal /
#                          General-address-literal ) "]"
#   IPv6-address-literal = "IPv6:" IPv6-addr
# No tag but IPv6 has been registered, so General-address-literal is not accepted.  The
# addresses themselves are left to the ipaddress module; its scope ids ("%eth0") and
# everything else that is not of the RFC's alphabet are kept from it here.
address_literal = (
    rb"\[(?:(?P<ipv4>[0-9.]{7,15})|(?i:IPv6:)(?P<ipv6>[0-9A-Fa-f:.]{2,45}))\]"
)

#   A-d-l     = At-domain *( "," At-domain )
#   At-domain = "@" Domain
a_d_l = rb"@%(d)b(?:,@%(d)b)*" % {b"d": domain}

#   Path    = "<" [ A-d-l ":" ] Mailbox ">"
#   Mailbox = Local-part "@" ( Domain / address-literal )
mailbox = rb"(?P<local>%b)@(?:(?P<domain>%b)|(?P<literal>%b))" % (
    local_part,
    domain,
    address_literal,
)

#   "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) ...
postmaster = rb"(?i:postmaster)"

#   esmtp-param   = esmtp-keyword ["=" esmtp-value]
#   esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
#   esmtp-value   = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)
esmtp_keyword = rb"[A-Za-z0-9][A-Za-z0-9\-]*"
esmtp_value = rb"[!-<>-~\x80-\xff]+"

# A hello is looser than a Domain, for machines name themselves by what their owner
# typed: an underscore and a closing dot are let through.  None of it can break a trace
# header or a log line.
hello_name = rb"[A-Za-z0-9_](?:[A-Za-z0-9_\-]*[A-Za-z0-9_])?"
hello_domain = rb"%(n)b(?:\.%(n)b)*\.?" % {b"n": hello_name}

# RFC 3461, section 4:
#   xtext   = *( xchar / hexchar )
#   xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+"
#             and "="
#   hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
hexchar = rb"\+[0-9A-F]{2}"
xtext = rb"(?:[!-*,-<>-~]|%b)*" % hexchar
not_xchar = rb"[^!-*,-<>-~]"

# RFC 6533, section 3, for a type of utf-8:
#   utf-8-addr-xtext    = 1*(QCHAR / EmbeddedUnicodeChar)
#   utf-8-addr-unitext  = 1*(QUCHAR / EmbeddedUnicodeChar)
#   QCHAR               = %x21-2a / %x2c-3c / %x3e-5b / %x5d-7e
#   QUCHAR              = QCHAR / UTF8-2 / UTF8-3 / UTF8-4
#   EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"
# HEXPOINT is a scalar value in upper case without leading zeros: one that cannot stand
# for itself.  Of these we leave the control characters out.
hexpoint = (
    rb"(?:20|2B|3D|5C|[A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}"
    rb"|(?!D[89A-F])[1-9A-F][0-9A-F]{3}|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4})"
)
embedded_unicode_char = rb"\\x\{(%b)\}" % hexpoint
utf_8_addr = rb"(?:[!-*,-<>-\[\]-~\x80-\xff]|\\x\{%b\})+" % hexpoint

# RFC 3461, section 4.2: the addr-type is an atom.
addr_type = rb"[A-Za-z0-9!#$%&'*\-/?^_`{|}~]+"

# RFC 4954, section 8, in upper case or not:
#   sasl-mech       = 1*20mech-char
#   mech-char       = UPPER / DIGIT / "-" / "_"
sasl_mech = rb"[A-Za-z0-9\-_]{1,20}"

# RFC 3030, section 2:
#   bdat-cmd   ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF
#   chunk-size ::= 1*DIGIT
#   end-marker ::= "LAST"
# The number of digits is that of a size, RFC 1870, section 3.
chunk_size = rb"[0-9]{1,20}"
end_marker = rb"(?i:LAST)"

# Postfix, XCLIENT_README and XFORWARD_README:
#   attribute-name"="attribute-value
#   attribute-value = xtext
# A value that is not encoded may be anything.
attribute = rb"([A-Za-z]+)=([!-~\x80-\xff]+)"
#   PORT, DESTPORT: a port number as a decimal number
port = rb"[0-9]{1,5}"
# Note 1 of XFORWARD_README: no control characters, non-ASCII characters, whitespace, or
# what is special in message headers.
header_word = rb"[!#-'*-:=?A-\[\]-~]+"

# RFC 3339, section 5.6, its letters in any case:
#   date-time      = full-date "T" full-time
#   full-date      = date-fullyear "-" date-month "-" date-mday
#   full-time      = partial-time time-offset
#   partial-time   = time-hour ":" time-minute ":" time-second [time-secfrac]
#   time-second    = 2DIGIT  ; 00-58, 00-59, 00-60 based on leap second rules
#   time-secfrac   = "." 1*DIGIT
#   time-offset    = "Z" / time-numoffset
#   time-numoffset = ("+" / "-") time-hour ":" time-minute
# Nobody needs more than nanoseconds.  What the calendar allows, datetime decides.
full_date = rb"([0-9]{4})-([0-9]{2})-([0-9]{2})"
partial_time = rb"([0-9]{2}):([0-9]{2}):([0-5][0-9]|60)(?:\.(?P<fraction>[0-9]{1,9}))?"
time_offset = rb"(?P<offset>[Zz]|[+\-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
date_time = rb"%b[Tt]%b%b" % (full_date, partial_time, time_offset)

# RFC 2852, section 4:
#   by-value = by-time";"by-mode[by-trace]
#   by-time  = ["-" / "+"]1*9digit
#   by-mode  = "N" / "R"
#   by-trace = "T"
by_value = rb"([+\-]?[0-9]{1,9});([NRnr])([Tt])?"

# RFC 2852, section 2:
#   deliverby-param = min-by-time *( ',' extension-token )
#   min-by-time     = [1*9DIGIT]
#   extension-token = 1*<any CHAR excluding SP, COMMA and all control characters>
deliverby_param = rb"([0-9]{0,9})(?:,[!-+\--~]+)*"

# RFC 6710, section 7:
#   priority-value   = (["-"] NZDIGIT) / "0"
#   priority-profile = 1*20(ALPHA / DIGIT / "-" / "_" / ".")
priority_value = rb"-?[1-9]|0"
priority_profile = rb"[A-Za-z0-9\-_.]{1,20}"

# RFC 4865, section 3:
#   future-release-integer = %x31-39 *8DIGIT
future_release_integer = rb"[1-9][0-9]{0,8}"

# RFC 9422, section 3:
#   limits-param     = limit-name-value 0*[SP limit-name-value]
#   limit-name-value = limit-name ["=" limit-value]
#   limit-name       = 1*(ALPHA / DIGIT / "-" / "_")
#   limit-value      = 1*(%x21-3A / %x3C-7E) ; Any VCHAR except ";"
# and section 4, of each of the limits there:
#   %x31-39 0*5DIGIT
limit_name_value = rb"([A-Za-z0-9\-_]+)(?:=([!-:<-~]+))?"
limit_number = rb"[1-9][0-9]{0,5}"

# What nearly every path is, and quickly found to be: a Dot-string at a Domain, both in
# ASCII, and no hyphen beside another one.
usual_local_part = dot_string.replace(rb"\x80-\xff", b"")
usual_domain = rb"[A-Za-z0-9]+(?:[.\-][A-Za-z0-9]+)*"
usual_path = rb"<((%b)@(%b))>" % (usual_local_part, usual_domain)

MAILBOX = re.compile(mailbox)
# Where a path ends: a ">" outside of a quoted string.  What stands within is checked
# by the patterns above.
PATH = re.compile(rb'<[^"<>]*(?:"(?:[^"\\]|\\.)*"[^"<>]*)*>')
ROUTE = re.compile(a_d_l + rb":")
POSTMASTER = re.compile(postmaster)
DOMAIN = re.compile(domain)
DOT_STRING = re.compile(dot_string)
QUOTED_PAIR = re.compile(rb"\\(.)")
ADDRESS_LITERAL = re.compile(address_literal)
HELLO_DOMAIN = re.compile(hello_domain)
KEYWORD = re.compile(esmtp_keyword)
ESMTP_PARAM = re.compile(rb"(%b)(?:=(%b))?" % (esmtp_keyword, esmtp_value))
XTEXT = re.compile(xtext)
HEXCHAR = re.compile(hexchar)
NOT_XCHAR = re.compile(not_xchar)
ADDR_TYPE = re.compile(addr_type)
UTF_8_ADDR = re.compile(utf_8_addr)
EMBEDDED_UNICODE_CHAR = re.compile(embedded_unicode_char)
SASL_MECH = re.compile(sasl_mech)
BDAT = re.compile(rb"(%b)( %b)?" % (chunk_size, end_marker))
ATTRIBUTE = re.compile(attribute)
PORT = re.compile(port)
HEADER_WORD = re.compile(header_word)
DATE_TIME = re.compile(date_time)
BY_VALUE = re.compile(by_value)
DELIVERBY_PARAM = re.compile(deliverby_param)
PRIORITY_VALUE = re.compile(priority_value)
PRIORITY_PROFILE = re.compile(priority_profile)
FUTURE_RELEASE_INTEGER = re.compile(future_release_integer)
LIMIT_NAME_VALUE = re.compile(limit_name_value)
LIMIT_NUMBER = re.compile(limit_number)
# A command line has no control characters: CR, LF and NUL have no business in it
# (RFC 5321, section 2.3.8), and nothing above has a use for the others.
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
# Those beyond ASCII: C1, of which NEL ends a line for some, and the line and paragraph
# separators, which do too.
UTF_8_CONTROL = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
