"""
Tests with real sockets and real processes, on 127.0.0.1 only.
"""
