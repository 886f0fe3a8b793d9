"""The manager's pages on customers: tiers, retention, worth, win-back, and one customer."""
