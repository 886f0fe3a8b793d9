"""Quality of answers: flags on respondents, each with its rule, its null and its error rate.

``speed``, ``lines``, ``attention`` and ``live`` know plain Python only, so that the field monitor
in the web process tells the same things as the analysis.
"""
