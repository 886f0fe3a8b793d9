"""A score beyond points: which behaviours go with later value, judged on later weeks."""
