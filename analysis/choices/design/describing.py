"""An inspection in words and tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from analysis.choices.design.inspection import CONVENTIONS, Inspection


def described(inspection: Inspection) -> str:
    """The inspection as a page of Markdown: what to mend first, then figures, then conventions."""
    figures = inspection.figures
    lines = [f"# The choice tasks of '{figures['exercise']}'", ""]
    lines += [f"- **{w}**" for w in inspection.warnings] or ["Nothing to mend was found."]
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
