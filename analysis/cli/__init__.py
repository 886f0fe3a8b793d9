"""The analyst's door: python -m analysis."""
