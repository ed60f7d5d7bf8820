"""
SASL, RFC 4422, as AUTH carries it: mechanisms, and what they ask the application.
"""
