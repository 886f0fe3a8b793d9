"""Customer value from survey answers, conjoint choices and purchases.

This package knows no web, no server and no clock: what it needs is passed in.
"""
