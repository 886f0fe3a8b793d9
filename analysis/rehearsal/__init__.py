"""A study tried on simulated respondents before it is fielded.

``run.rehearse`` does it, ``types`` is what comes out and ``words`` says it; the last two are light.
Method: docs/methods/rehearsal.md.
"""
