"""The value report: its types, and how it is built."""
