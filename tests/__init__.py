"""
Tests of smtpsession: one module for each of its own.
"""
