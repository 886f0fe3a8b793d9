"""Win-back: whose purchases fell, by a test calibrated on the company's own history."""
