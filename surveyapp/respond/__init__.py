"""The respondent's door."""
