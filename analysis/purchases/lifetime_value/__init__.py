"""Lifetime value: how often, until when and for how much customers will buy."""
