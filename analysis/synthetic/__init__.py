"""Companies with a known truth: tests, rehearsal, preview, demo."""
