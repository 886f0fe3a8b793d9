"""Wing 2, ratings: NPS, construct scores, reliability and perceived value."""
