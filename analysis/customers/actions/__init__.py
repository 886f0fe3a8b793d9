"""What to do: the strategy that evidence supports, offers to customers, tests by lot."""
