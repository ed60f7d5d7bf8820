"""
Coverage-guided fuzzing of whatever reads a client's octets.
"""
