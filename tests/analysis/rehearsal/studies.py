"""Small studies to rehearse."""

import textwrap

from analysis.choices.coding import coding_of
from analysis.choices.design import make_tasks
from analysis.rehearsal.laid_out import lay_out
from analysis.study import parse_study

TARGETS = "{willingness_to_pay_half_width: 0.5, smallest_difference: 0.3, respondents: 150}"
PRIORS = """
  colour: {means: {red: 0, blue: 0.8}, sd: 0.4}
  size: {means: {small: 0, middle: 0.3, large: 0.6}, sd: 0.4}
  price: {mean: -0.4, sd: 0.1}
  none: {mean: -0.5, sd: 0.5}
"""


def study_of(*, none="{label: None}", priors=PRIORS, targets=TARGETS, more="", price=None):
    """A study of three attributes, eight tasks and two holdouts."""
    price = price or "{id: price, label: Price, tag: price, coding: linear, levels: [1, 2, 3, 4]}"
    if not none:
        priors = "\n".join(line for line in priors.splitlines() if "none:" not in line)
    text = f"""
    study: mugs
    title: Mugs
    exercises:
      - id: mug
        question: Which?
        alternatives: 3
        tasks: 8
        holdouts: 2
        design: {{method: shortcut, blocks: 5, seed: 3}}
        {f"none: {none}" if none else ""}
        {more}
        attributes:
          - {{id: colour, label: Colour, levels: [{{id: red, label: R}}, {{id: blue, label: B}}]}}
          - id: size
            label: Size
            levels: [{{id: small, label: S}}, {{id: middle, label: M}}, {{id: large, label: L}}]
          - {price}
    analysis:
      targets: {targets}
    """
    read = textwrap.dedent(text)
    if priors.strip():
        read = read.replace("    attributes:", "    priors:\n" + textwrap.indent(
            textwrap.dedent(priors).strip("\n"), " " * 6) + "\n    attributes:")  # fmt: skip
    return parse_study(read)


def laid(study):
    exercise = study.choice_exercise()
    coding = coding_of(study, exercise)
    return lay_out(coding, make_tasks(exercise))
