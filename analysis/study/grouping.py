"""By what the respondents of a study can be grouped."""

from __future__ import annotations

from analysis.study.types import Study

FACTS = ("wave", "language", "cell")
"""Facts of a respondent that group; single-choice questions in the plan's ``groups`` do too."""


def groupings(study: Study) -> dict[str, dict[str, str]]:
    """Name of each grouping with its values, each in words.

    Waves and languages are those of the study, where it has several; questions those of the plan's
    ``groups``.
    """
    found = {
        "wave": {wave.id: wave.label.say() for wave in study.waves},
        "language": {name: name for name in study.languages},
    }
    for name in study.analysis.groups:
        if name not in FACTS:
            options = getattr(study.question(name), "options", ())
            found[name] = {option.id: option.label.say() for option in options}
    return {name: values for name, values in found.items() if len(values) > 1}


def grouped_by(study: Study, name: str) -> str:
    """What a grouping is, in words."""
    return name.capitalize() if name in FACTS else study.question(name).text.say()
