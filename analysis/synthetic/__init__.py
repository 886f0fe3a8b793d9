"""Companies with a known truth, for tests, rehearsal and the demo."""
