"""A rehearsal as files: JSON with everything, tables as CSV, and a page to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from analysis.rehearsal import words
from analysis.rehearsal.types import Figure, Outcome, Rehearsal

Row = dict[str, object]


def write_rehearsal(folder: Path, found: Rehearsal) -> None:
    """Write rehearsal.json, report.md and the tables into a folder that is there."""
    content = found.model_dump(mode="json") | {
        "verdict": words.verdict(found),
        "headline": words.headline(found),
        "sentences": words.sentences(found),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "rehearsal.json").write_text(text + "\n", encoding="utf-8")
    (folder / "report.md").write_text(report(found), encoding="utf-8")
    for name, rows in tables(found).items():
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)


def tables(found: Rehearsal) -> dict[str, list[Row]]:
    """The tables by name; every figure has a column ``<name>_mc_error`` beside it."""
    everywhere = (found.main, *found.worlds)
    made = {
        "partworths": [_row(w, row) for w in everywhere for row in w.worths],
        "wtp": [_row(w, row) for w in everywhere for row in w.money],
        "power": [_row(w, row) for w in everywhere for row in w.power],
        "sample_size": list(_sizes(found)),
    }
    if found.hierarchical:
        made["hb"] = [_flat(dict(row)) for row in found.hierarchical.worths]
    return made


def _row(world: Outcome, row: object) -> Row:
    return {"world": world.world, "n": world.n, **_flat(dict(row))}  # type: ignore[call-overload]


def _flat(fields: Mapping[str, object]) -> Row:
    flat: Row = {}
    for name, value in fields.items():
        if isinstance(value, Figure):
            flat |= {name: value.value, f"{name}_mc_error": value.error}
        else:
            flat[name] = value
    return flat


def _sizes(found: Rehearsal) -> Iterator[Row]:
    for one in found.needed:
        figure = one.respondents
        how = f"scaled from {found.check.n if found.check else found.n} respondents"
        yield _flat({"by": f"simulation: {one.target}", "respondents": figure, "how": how})
    for rule in found.rules:
        figure = Figure(value=rule.respondents)
        yield _flat({"by": rule.name, "respondents": figure, "how": rule.words})


def report(found: Rehearsal) -> str:
    """The rehearsal as Markdown, the verdict first."""
    return "\n".join(
        [
            f"# Rehearsal of {found.title}",
            "",
            f"**{words.headline(found)}**",
            "",
            *(f"- {sentence}" for sentence in words.sentences(found)),
            "",
            f"{found.repeats} simulated studies of {found.n:,} respondents; exercise "
            f"'{found.exercise}', {found.simulated_tasks}; seed {found.seed}; {found.program}. "
            "± is the Monte-Carlo error of a figure.",
            "",
            *_section("What was assumed", (f"- {one}" for one in found.assumptions)),
            *_section("Willingness to pay", _money_lines(found.main, found.unit)),
            *_section("Power per attribute", _power_lines(found)),
            *_section("How many respondents", _size_lines(found)),
            *_section(
                "If people choose otherwise", (f"- {one}" for one in words.world_sentences(found))
            ),
            *_section("Holdout tasks", (f"- {one}" for one in words.hit_sentences(found))),
            *_section("Part-worths", _worth_lines(found.main)),
            *_section("Hierarchical Bayes", _hierarchical_lines(found)),
        ]
    )


def _section(title: str, lines: Iterator[str]) -> list[str]:
    shown = list(lines)
    return [f"## {title}", "", *shown, ""] if shown else []


def _table(head: str) -> Iterator[str]:
    yield head
    yield "|" + "---|" * (head.count("|") - 1)


def _money_lines(main: Outcome, unit: str) -> Iterator[str]:
    if not main.money:
        return
    head = f"| change | tends to ({unit}) | mean estimate | known to ± (median) | clear of zero |"
    yield from _table(f"{head} intervals that hold it | no interval |")
    for row in main.money:
        true = "-" if row.true is None else f"{row.true:.3g}"
        yield (
            f"| {words.change_of(row.attribute, row.from_level, row.to_level)} | {true} | "
            f"{words.give_or_take(row.estimate)} | {words.give_or_take(row.half_width)} | "
            f"{words.percent(row.power)} | {words.percent(row.coverage)} | {row.unavailable:.0%} |"
        )


def _power_lines(found: Rehearsal) -> Iterator[str]:
    yield from _table("| attribute, hardest pair | error stated | error seen | power | needed |")
    for row in found.main.power:
        needed = "-" if row.needed.value is None else words.rounded(row.needed.value)
        yield (
            f"| {row.attribute}: {row.from_level}, {row.to_level} | "
            f"{words.give_or_take(row.estimated_se)} | {words.give_or_take(row.empirical_se)} | "
            f"{words.percent(row.power)} | {needed} |"
        )


def _size_lines(found: Rehearsal) -> Iterator[str]:
    yield from _table("| by | respondents | how |")
    for row in _sizes(found):
        number = row["respondents"]
        shown = words.rounded(number) if isinstance(number, float) else "-"
        yield f"| {row['by']} | {shown} | {row['how']} |"


def _worth_lines(main: Outcome) -> Iterator[str]:
    head = "| level | planted | tends to | mean estimate | bias | error seen | error stated |"
    yield from _table(f"{head} intervals that hold it |")
    for row in main.worths:
        yield (
            f"| {row.attribute} {row.level} | {row.planted:.3g} | {row.true:.3g} | "
            f"{words.give_or_take(row.estimate)} | {words.give_or_take(row.bias)} | "
            f"{words.give_or_take(row.empirical_se)} | {words.give_or_take(row.estimated_se)} | "
            f"{words.percent(row.coverage)} |"
        )


def _hierarchical_lines(found: Rehearsal) -> Iterator[str]:
    hb = found.hierarchical
    if hb is None:
        return
    yield f"{hb.repeats} studies; the chains agreed in {hb.final}."
    yield ""
    yield from _table("| level | planted mean | mean estimate | posterior sd | inside |")
    for row in hb.worths:
        yield (
            f"| {row.attribute} {row.level} | {row.planted:.3g} | "
            f"{words.give_or_take(row.estimate)} | {row.posterior_sd:.3g} | "
            f"{row.inside} of {hb.repeats} |"
        )
