"""
How much of a processor each server spends on a message.

Run it from the top of the checkout with C{python -m benchmarks}; see
C{benchmarks/README.md}.
"""
