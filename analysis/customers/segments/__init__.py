"""Segments of customers: what they are worth, what they need, and the cross of both."""
