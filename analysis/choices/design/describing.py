"""An inspection in words and tables, as Markdown."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from markdown_it import MarkdownIt

from analysis.choices.design.inspection import CONVENTIONS, Inspection

GOOD = 0.05
"""Standard error of an effects-coded part-worth that the usual rule asks for."""
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "th,td{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left}"
)


def described(inspection: Inspection) -> str:
    """The inspection as a page of Markdown: what to mend first, then figures, then conventions."""
    figures = inspection.figures
    lines = [f"# The choice tasks of '{figures['exercise']}'", ""]
    lines += [f"- **{w}**" for w in inspection.warnings] or ["Nothing to mend was found."]
    lines += ["", *(f"- {said}" for said in sentences(inspection))]
    lines += ["", *_table(("figure", "value"), _summary(figures)), ""]
    lines += ["## Levels", ""]
    lines += _table(
        ("attribute", "shown", "most less least", "in the worst block"),
        (
            (
                a["attribute"],
                ", ".join(f"{level} {count}" for level, count in a["shown"].items()),
                a["most_less_least"],
                a["most_less_least_in_worst_block"],
            )
            for a in figures["attributes"]
        ),
    )
    lines += ["", "## Pairs of attributes", ""]
    lines += _table(
        ("pair", "most less least", "Cramer's V"),
        (
            (" x ".join(p["attributes"]), p["most_less_least"], f"{p['cramers_v']:.3f}")
            for p in figures["pairs"]
        ),
    )
    errors = figures["standard_errors"]
    lines += ["", f"## Standard errors to expect with n = {errors[0]['n']}", ""]
    lines += _table(
        ("part-worth", "standard error"),
        ((f"{e['attribute']} {e['level']}".strip(), f"{e['se']:.4f}") for e in errors),
    )
    lines += ["", "## Conventions", ""]
    lines += [f"- {name}: {words}" for name, words in CONVENTIONS.items()]
    return "\n".join(lines) + "\n"


def sentences(inspection: Inspection) -> tuple[str, ...]:
    """What the figures say, in plain words; what should be mended is in ``warnings``."""
    return tuple(_sentences(inspection.figures))


def _sentences(figures: dict[str, Any]) -> Iterator[str]:
    errors = figures["standard_errors"]
    worst = max(errors, key=lambda e: e["se"] if e["kind"] == "effects" else 0.0)
    n = f"{errors[0]['n']:,} respondents"
    if worst["kind"] == "effects" and np.isfinite(worst["se"]):
        verdict = "within" if worst["se"] <= GOOD else "above"
        yield (
            f"With {n} the standard error of a part-worth is at most {worst['se']:.3f} "
            f"({worst['attribute']}: {worst['level']}), {verdict} the {GOOD} of the usual rule."
        )
    elif not np.isfinite(worst["se"]):
        yield f"With {n}, or any other number, not every part-worth can be estimated."
    uneven = max(figures["attributes"], key=lambda a: a["most_less_least"])
    if uneven["most_less_least"] <= 1:
        yield "The levels of every attribute are shown equally often."
    else:
        counts = uneven["shown"].values()
        yield (
            f"Levels are shown {min(counts)} to {max(counts)} times in the least even attribute, "
            f"'{uneven['attribute']}'."
        )
    overlap = figures["overlap"]
    yield (
        f"In {100 * overlap['share']:.0f} % of tasks and attributes two alternatives share a level "
        f"(the least possible is {100 * overlap['least_possible']:.0f} %)."
    )
    if figures["dominated_tasks"] is None:
        yield "Nothing states which levels are better, so easy tasks cannot be told."
    elif not figures["dominated_tasks"]:
        yield "No task has an alternative that is better in nothing."
    if not figures["faults"]["tasks_twice_in_a_block"]:
        yield "Nobody is shown the same task twice."
    yield (
        f"D-efficiency is {figures['relative_d_efficiency']:.1f} % of the best that any design of "
        "this size could have (main effects, equal chances, without none: bound of Burgess and "
        "Street)."
    )


def page(inspection: Inspection) -> str:
    """The inspection as a page of HTML."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(described(inspection))
    title = html.escape(f"The choice tasks of '{inspection.figures['exercise']}'")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _summary(figures: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name in ("blocks", "tasks", "alternatives", "parameters"):
        yield name, figures[name]
    for name in ("d0", "dp", "db"):
        if figures[name] is not None:
            yield f"{name} error", f"{figures[name]:.6g}"
    yield "relative D-efficiency", f"{figures['relative_d_efficiency']:.2f} % of the bound"
    yield "largest correlation", f"{figures['correlation']:.3f}"
    overlap = figures["overlap"]
    yield "overlap", f"{overlap['share']:.1%} (least possible {overlap['least_possible']:.1%})"
    yield "utility balance (mean largest chance)", f"{figures['utility_balance']:.3f}"
    if figures["dominated_tasks"] is not None:
        yield "dominated tasks", figures["dominated_tasks"]
    for name, count in figures["faults"].items():
        yield name.replace("_", " "), count


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    names = list(heads)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
