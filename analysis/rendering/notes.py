"""Words that every rendering of a report carries: about, notes of a chart, cells as text."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.estimate import Estimate
from analysis.rendering.figures import spoken, value_and_range, whole
from analysis.value_report.types import Cell, PointMap, Section, Table, ValueReport

LONGEST_FIGURE = 16
"""Letters of a figure that is given as text, '$1,200 a year'."""


def about(report: ValueReport, stale: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What the report rests on, as names and values; what is outdated comes second."""
    head = report.header
    found = [("Study", head.title)]
    found += [("Outdated", words) for words in stale]
    if head.subset:
        found.append(("Only", "; ".join(head.subset)))
    if head.simulated:
        found.append(("Simulated people", "Nobody real answered: it shows what the program does."))
    found += [
        ("Version", str(head.version)),
        ("Waves", ", ".join(head.waves) or "none"),
        ("Answers", f"{whole(head.n_completed)} of {whole(head.n_started)} who began"),
        ("Joined to purchases", f"{whole(head.n_linked)} of {whole(head.n_customers)} buyers"),
        ("From", head.first_answer),
        ("To", head.last_answer),
        ("Purchases up to", head.purchases_as_of or "none"),
        ("Left out", head.excluded),
        ("Archive", head.archive),
        ("Seed", str(head.seed)),
        ("Program", head.program),
    ]
    return found


def warnings(report: ValueReport) -> list[tuple[str, str]]:
    """What a reader must know."""
    reasons = report.estimation.reasons if report.estimation else ()
    found = [("The part-worths are not final", reason) for reason in reasons]
    return found + [("Please note", warning) for warning in report.warnings]


def key_figures(report: ValueReport) -> Section:
    """The large figures of the first screen as a section."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f.figure, f.label, f.meaning, f.estimate, f.method) for f in report.key_figures
    )
    table = Table(
        id="key_figures",
        caption="Key figures",
        columns=("As printed", "What", "Meaning", "Value", "Method"),
        rows=rows,
    )
    title = report.headlines[0].text if report.headlines else "Key figures"
    return Section(id="key_figures", title=title, method="sample", tables=(table,))


def made(report: ValueReport, section: Section) -> str:
    """How the numbers of a section were made: method, interval, n, version, seed."""
    known = {method.id: method for method in report.methods}
    method = known.get(section.method)
    head = report.header
    parts = [f"{method.title}: {method.text}" if method else ""]
    sizes = sorted({cell.n for cell in _estimates(section) if cell.available})
    if sizes:
        spread = whole(sizes[0]) + (f" to {whole(sizes[-1])}" if sizes[-1] != sizes[0] else "")
        parts.append(f"n {spread}.")
    parts.append("Ranges are 95 % intervals: the true figure very likely lies between their ends.")
    ways = list(dict.fromkeys(cell.method for cell in _estimates(section) if cell.method))
    if ways:
        parts.append(f"Intervals: {'; '.join(ways[:4])}.")
    day = f", purchases up to {head.purchases_as_of}" if head.purchases_as_of else ""
    parts.append(f"Study version {head.version}, seed {head.seed}{day}.")
    if method:
        parts.append(f"More: {method.page}.")
    return " ".join(part for part in parts if part)


def text_of(cell: Cell) -> str:
    """A cell as one line of text: value, range and n."""
    if isinstance(cell, int):
        return whole(cell)
    if isinstance(cell, str):
        return cell
    if not cell.available:
        return f"not available: {cell.reason}"
    value, span = value_and_range(cell)
    return f"{value} ({span}), n {whole(cell.n)}"


def of_numbers(table: Table) -> list[bool]:
    """Which columns hold figures, to be set at the right; the others hold words."""
    return [_figures(column) for column in zip(*table.rows, strict=True)]


def _figures(cells: Sequence[Cell]) -> bool:
    words = [cell for cell in cells if isinstance(cell, str)]
    if any(len(word) > LONGEST_FIGURE for word in words):
        return False
    return len(words) < len(cells) or any(letter.isdigit() for word in words for letter in word)


def spoken_rows(table: Table) -> str:
    """The drawn column of a table in words: the text alternative of its chart."""
    at = table.chart if table.chart is not None else len(table.columns) - 1
    rows = "; ".join(
        f"{row[0]}: {spoken(cell)}" for row in table.rows if isinstance(cell := row[at], Estimate)
    )
    return f"{table.caption}: {table.columns[at]}. {rows}."


def without_figures(table: Table) -> str:
    """The rows whose drawn column has no number, with the reason; empty when all have one."""
    at = table.chart if table.chart is not None else len(table.columns) - 1
    silent = [
        f"{row[0]}: {cell.reason}"
        for row in table.rows
        if isinstance(cell := row[at], Estimate) and not cell.available
    ]
    return f"Not drawn: {'; '.join(silent)}." if silent else ""


def spoken_map(found: PointMap) -> str:
    """A map of points in words."""
    rows = "; ".join(
        f"{p.label}: {found.across.lower()} {spoken(p.across)}, {found.up.lower()} {spoken(p.up)}"
        for p in found.points
    )
    return f"{found.caption}. {rows}."


def _estimates(section: Section) -> list[Estimate]:
    cells = [c for t in section.tables for row in t.rows for c in row if isinstance(c, Estimate)]
    return cells + [e for m in section.maps for p in m.points for e in (p.across, p.up)]
