"""Question kinds on pages: one registry entry and one macro a kind."""
