"""
What the service costs, and keeps, when a whole day's trouble comes at once.
"""
