"""A ValueReport drawn as charts and pages; reads nothing else."""
