"""Ledgers: validated files of purchases, events, contacts and the like, one folder each."""
