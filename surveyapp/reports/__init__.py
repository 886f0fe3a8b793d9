"""The manager's door: reports."""
