"""
Destinations: where accepted messages go.
"""
