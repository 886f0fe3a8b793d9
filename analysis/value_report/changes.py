"""What has changed since an earlier report: the headline figures side by side, with their test."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.simultaneous import Simultaneous, simultaneous
from analysis.value_report.section import TOGETHER, Cell, Section, Table
from analysis.value_report.types import ValueReport

Z = float(stats.norm.ppf(0.975))
METHOD = "difference of two separate samples; normal interval from both intervals"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier report of the same study, the day it was made, and whom it rests on."""

    report: ValueReport
    made: str
    respondents: frozenset[str]


def changes_section(report: ValueReport, respondents: Set[str], earlier: Earlier) -> Section | None:
    """The headline figures now and before; None when no figure is in both reports.

    Respondents who are in both reports make the two figures depend on each other, in a way that
    their intervals do not tell: then differences are shown untested.
    """
    before = dict(_figures(earlier.report))
    pairs = [(name, now, before[name]) for name, now in _figures(report) if name in before]
    if not pairs:
        return None
    both = len(respondents & earlier.respondents)
    differences = [_difference(now, old) for _, now, old in pairs]
    tested = simultaneous(differences, [None if both else float("inf")] * len(pairs))
    rows: list[tuple[Cell, ...]] = []
    clear = []
    for (name, now, old), change in zip(pairs, tested, strict=True):
        verdict = _verdict(change, both)
        if verdict in ("higher", "lower"):
            clear.append(f"{name} is {verdict}")
        rows.append((name, old, now, _plain(change.estimate, both), verdict))
    note = f"Higher or lower where the range of the difference leaves out zero. {TOGETHER}"
    table = Table(
        id="headline_figures",
        caption="The headline figures, in this report and in the one before",
        columns=("Figure", f"Report of {earlier.made}", "This report", "Difference", "Change"),
        rows=tuple(rows),
        note="" if both else note,
    )
    return Section(
        id="changes",
        title=_title(clear, both, earlier.made),
        method="changes",
        caution=_caution(both, report, earlier.report),
        tables=(table,),
    )


def _figures(report: ValueReport) -> Iterator[tuple[str, Estimate]]:
    """The figures that one report may share with another, by name."""
    if report.nps is not None:
        yield "Net Promoter Score", report.nps.estimate
    if report.perceived_value is not None:
        yield "Benefits less costs", report.perceived_value.difference
    for upgrade in report.upgrades:
        name = f"Worth of “{upgrade.to_level}” instead of “{upgrade.from_level}”"
        yield f"{name} ({upgrade.attribute_label})", upgrade.estimate
    for construct in report.constructs:
        yield construct.label, construct.perceived


def _difference(now: Estimate, old: Estimate) -> Estimate:
    """Now less before; both intervals are read as plus and minus 1.96 errors."""
    n = now.n + old.n
    if None in (now.value, old.value) or now.unit != old.unit:
        return unavailable("not in both reports", n=n, method=METHOD)
    assert now.value is not None and old.value is not None
    spread = [_error(now), _error(old)]
    error = (spread[0] ** 2 + spread[1] ** 2) ** 0.5
    value = now.value - old.value
    if not 0 < error < float("inf"):
        return unavailable("an interval has no end", n=n, method=METHOD)
    ends = {"value": value, "low": value - Z * error, "high": value + Z * error}
    return Estimate(**ends, n=n, method=METHOD, unit=now.unit)


def _error(estimate: Estimate) -> float:
    assert estimate.low is not None and estimate.high is not None
    return (estimate.high - estimate.low) / (2 * Z)


def _plain(difference: Estimate, both: int) -> Estimate:
    """The difference as shown: without an interval that overlapping samples do not bear."""
    if not both or not difference.available:
        return difference
    why = f"not tested: {both:,} respondents are in both reports"
    return unavailable(why, n=difference.n, method=METHOD, unit=difference.unit)


def _verdict(change: Simultaneous, both: int) -> str:
    if both or not change.estimate.available:
        return "not tested"
    if not change.clear:
        return "no change for certain"
    return "higher" if (change.estimate.value or 0) > 0 else "lower"


def _title(clear: list[str], both: int, made: str) -> str:
    if both:
        return f"Beside the report of {made}: differences cannot be tested"
    if not clear:
        return f"Nothing has changed for certain since the report of {made}"
    return f"Since the report of {made}: {', '.join(clear)}"


def _caution(both: int, now: ValueReport, old: ValueReport) -> str:
    said = []
    if both:
        said.append(
            f"{both:,} respondents are in both reports, so that the two are not separate samples "
            "and a difference cannot be tested. Reports of single waves can be compared."
        )
    if now.header.version != old.header.version:
        said.append(
            f"That report was made of version {old.header.version} of the study, this one of "
            f"version {now.header.version}."
        )
    return " ".join(said)
