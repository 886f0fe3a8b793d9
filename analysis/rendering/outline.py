"""The whole report as sections in the order of the page: what print, slides and sheets draw.

Parts with a drawing of their own on the page (upgrades, the map, constructs ...) become sections
of sentences and tables here, so that the other renderings know one form only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.rendering import figures
from analysis.value_report.types import (
    Cell,
    CustomerRow,
    Importance,
    LevelWorth,
    Section,
    Table,
    ValueReport,
)

KIND = "Kind of value"
"""The column that tells functional from emotional and from price."""


def outline(report: ValueReport, *, customers: bool = False) -> tuple[Section, ...]:
    """Every part of the report that has something to say.

    ``customers``: with the lists of single customers, for readers who may see them.
    """
    found = [
        *_money(report),
        *_map(report),
        *_recommendation(report),
        *_ratings(report),
        *_choices(report),
        *_tasks(report),
        *report.sections,
        *_states(report),
    ]
    if customers:
        found += _lists(report)
    return tuple(found)


def drawing_of(section: Section, table: Table) -> str:
    """The name under which a table's chart is drawn, without '.wide' or '.narrow'."""
    return section.id if table.id == section.id else f"{section.id}.{table.id}"


def _said(report: ValueReport, section: str, default: str) -> str:
    return next((h.text for h in report.headlines if h.section == section), default)


def _one(report: ValueReport, table: Table, title: str, method: str, *text: str) -> Section:
    """A section of one table that has its id."""
    said = tuple(sentence for sentence in text if sentence)
    return Section(
        id=table.id,
        title=_said(report, table.id, title),
        method=method,
        text=said,
        tables=(table,),
    )


def _money(report: ValueReport) -> Iterator[Section]:
    if report.upgrades:
        unit = report.upgrades[0].estimate.unit
        rows: list[tuple[Cell, ...]] = [
            (
                u.label,
                u.attribute_label,
                u.from_level,
                u.tag,
                u.estimate,
                _half(u.half_low, u.half_high, unit),
                "yes" if u.beyond_tested_prices else "",
            )
            for u in report.upgrades
        ]
        columns = (
            "Change", "Attribute", "Instead of", KIND, "Customers would pay",
            "Middle half of customers", "Beyond the tested prices",
        )  # fmt: skip
        table = Table(id="upgrades", caption="Stated willingness to pay for each change",
                      columns=columns, rows=tuple(rows), chart=4)  # fmt: skip
        title = "What customers would pay for"
        yield _one(report, table, title, "willingness_to_pay", report.money_note)
    if report.tag_values:
        rows = [
            (f"{t.tag.capitalize()} value", t.tag, t.money, t.share, ", ".join(t.upgrades))
            for t in report.tag_values
        ]
        heads = ("Upgrades", KIND, "Money value", "Share of the range", "Attributes")
        table = Table(id="tag_values", caption="All upgrades of a kind together",
                      columns=heads, rows=tuple(rows), chart=2)  # fmt: skip
        title = "Functional against emotional upgrades"
        yield _one(report, table, title, "tag_values", report.tag_note)


def _half(low: float | None, high: float | None, unit: str) -> str:
    return "" if low is None or high is None else figures.money_range(low, high, unit)


def _map(report: ValueReport) -> Iterator[Section]:
    found = report.value_map
    if found is not None:
        rows: list[tuple[Cell, ...]] = [
            (q.name, q.n, q.too_close, q.yearly_spend, q.action) for q in found.quadrants
        ]
        columns = ("Group", "Customers", "Too close to call", "Spend a year each", "What to do")
        table = Table(id="value_map", caption=f"{figures.whole(found.n)} linked customers by "
                      "perceived value and change in buying", columns=columns, rows=tuple(rows),
                      chart=3)  # fmt: skip
        yield _one(report, table, "Value and buying", "value_map")
    if report.relation is not None:
        one = report.relation
        table = Table(id="relation", caption="How value goes with buying",
                      columns=("Value", "Buying", "Figure"),
                      rows=((one.predictor, one.outcome, one.estimate),))  # fmt: skip
        yield Section(id="relation", title=one.sentence, method="relation", caution=one.design,
                      tables=(table,))  # fmt: skip


def _recommendation(report: ValueReport) -> Iterator[Section]:
    nps = report.nps
    if nps is not None:
        total = nps.promoters + nps.passives + nps.detractors
        promoters, passives, detractors = (figures.percent(share) for share in nps.parts)
        rows: tuple[tuple[Cell, ...], ...] = (
            ("Net Promoter Score", nps.estimate, "", total),
            ("Promoters (9 or 10)", "", promoters, nps.promoters),
            ("Passives (7 or 8)", "", passives, nps.passives),
            ("Detractors (0 to 6)", "", detractors, nps.detractors),
        )
        table = Table(id="nps", caption=f"“{nps.question}” 0 to 10",
                      columns=("Group", "Score", "Share", "Answers"), rows=rows,
                      chart=1)  # fmt: skip
        yield _one(report, table, "Would they recommend us?", "nps")


def _ratings(report: ValueReport) -> Iterator[Section]:
    pv = report.perceived_value
    if pv is not None:
        kind = "Benefits over costs" + (", an index" if pv.ratio_is_index else "")
        rows: list[tuple[Cell, ...]] = [("Benefits less costs", pv.difference), (kind, pv.ratio)]
        if pv.money_ratio is not None:
            rows.append(("Money value of benefits over what is paid", pv.money_ratio))
        table = Table(id="perceived_value", caption="Benefits against costs, rated on 0 to 100",
                      columns=("Figure", "Value"), rows=tuple(rows))  # fmt: skip
        sides = f"Benefits: {', '.join(pv.benefits)}. Costs: {', '.join(pv.costs)}; {pv.weights}."
        title = "Benefits against costs, as customers feel them"
        yield _one(report, table, title, "perceived_value", sides)
    if report.constructs:
        rows = [
            (c.label, c.perceived, c.desired or "not asked", c.gap or "", c.reliability, c.items)
            for c in report.constructs
        ]
        columns = ("Construct", "Felt", "Expected", "Gap", "Reliability (alpha)", "Items")
        caption = "Scores of 0 to 100; the gap is of the items asked both ways"
        table = Table(id="constructs", caption=caption,
                      columns=columns, rows=tuple(rows), chart=1)  # fmt: skip
        yield _one(report, table, "What was expected, and what is felt", "constructs")
    if report.engagement:
        rows = [(e.label, e.estimate) for e in report.engagement]
        table = Table(id="engagement", caption="Engagement as answered, of 100",
                      columns=("Kind of engagement", "Score"), rows=tuple(rows),
                      chart=1)  # fmt: skip
        yield _one(report, table, "How engaged customers are", "engagement")


def _choices(report: ValueReport) -> Iterator[Section]:
    if report.part_worths:
        title = _said(report, "part_worths", "How attractive each level is")
        tables = _worths("part_worths", report.part_worths)
        yield Section(id="part_worths", title=title, method="part_worths", tables=tables)
    if report.importances:
        table = _importances("importances", report.importances)
        title = "How much each attribute decides"
        yield _one(report, table, title, "importances", report.importance_note)
    found = report.prediction
    if found is not None:
        rows: list[tuple[Cell, ...]] = [
            (way.name, way.hit_rate, way.log_loss, figures.error_of_shares(way.shares))
            for way in (found.fit, *found.others)
        ]
        rows.append(("The same task again", found.repeated, "", ""))
        caption = (
            f"{figures.whole(found.tasks)} answers of {figures.whole(found.respondents)} "
            "respondents that were kept out of the fit"
        )
        table = Table(id="prediction", caption=caption,
                      columns=("Predicted by", "Hit rate", "Log-loss", "Error of shares"),
                      rows=tuple(rows), chart=1,
                      note=figures.noise_of_shares(found.fit.shares))  # fmt: skip
        yield _one(report, table, "How well it predicts", "prediction")


def _worths(name: str, worths: Sequence[LevelWorth]) -> tuple[Table, ...]:
    """Levels, which share a scale; and apart from them the slopes of attributes in numbers."""
    levels, slopes = (
        tuple(
            (w.level_label, w.attribute_label, w.tag, w.estimate)
            for w in worths
            if (w.level != "") == named
        )
        for named in (True, False)
    )
    found = []
    if levels:
        columns = ("Level", "Attribute", KIND, "Part-worth")
        caption = "Part-worths; zero is the average of each attribute"
        found.append(Table(id=name, caption=caption, columns=columns, rows=levels, chart=3))
    if slopes:
        columns = ("For one more", "Attribute", KIND, "Part-worth")
        caption = "Part-worths of attributes in numbers"
        found.append(Table(id=f"{name}_slopes"[:64], caption=caption, columns=columns, rows=slopes))
    return tuple(found)


def _importances(name: str, importances: Sequence[Importance]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            i.label,
            i.tag,
            i.estimate,
            i.of_the_mean or "",
            figures.percent(i.null_reference),
            i.levels_tested,
        )
        for i in importances
    ]
    columns = (
        "Attribute", KIND, "Mean of shares", "Share of the mean", "No effect would score",
        "Levels tested",
    )  # fmt: skip
    caption = "Importance among the levels tested"
    return Table(id=name, caption=caption, columns=columns, rows=tuple(rows), chart=2)


def _tasks(report: ValueReport) -> Iterator[Section]:
    for scores in report.best_worst:
        rows: list[tuple[Cell, ...]] = [(i.label, i.tag, i.share, i.score) for i in scores.items]
        table = Table(id=_id("best_worst", scores.exercise), caption=f"“{scores.question}”",
                      columns=("Item", KIND, "Share of 100", "Score of 0 to 100"),
                      rows=tuple(rows), chart=2)  # fmt: skip
        yield _one(report, table, "What matters most, and what least", "best_worst")
    for rated in report.rated_profiles:
        name = _id("rated", rated.exercise)
        worths = _worths(name, rated.part_worths)
        importances = _importances("importances", rated.importances)
        tables = (*worths, importances.model_copy(update={"chart": None}))
        title = _said(report, name, "What makes an offer attractive")
        said = f"“{rated.question}” Points of a rating of {rated.least} to {rated.greatest}."
        yield Section(id=name, title=title, method="rated_profiles", text=(said,), tables=tables)


def _id(kind: str, exercise: str) -> str:
    return f"{kind}_{exercise}"[:64]


def _states(report: ValueReport) -> Iterator[Section]:
    rows: list[tuple[Cell, ...]] = [("By the alarm", a.label, a.n) for a in report.alarm_answers]
    rows += [("On their own weekly points", s.label, s.n) for s in report.states]
    if rows:
        table = Table(id="customer_states", caption="How customers read",
                      columns=("Read how", "Answer", "Customers"), rows=tuple(rows))  # fmt: skip
        title = "How many customers are declining"
        yield _one(report, table, title, "lists", report.list_note)


def _lists(report: ValueReport) -> Iterator[Section]:
    found = {
        "declining": ("Declining: buying less often than before", report.declining_customers),
        "sale_only": ("Sale-only shoppers, kept apart", report.sale_only_customers),
        "best": ("Best: the most points in 52 weeks", report.best_customers),
    }
    for name, (title, rows) in found.items():
        if rows:
            made = tuple(_customer(row, report.header.currency) for row in rows)
            table = Table(id=name, caption=title, columns=CUSTOMER_COLUMNS, rows=made)
            method = "lists" if name != "best" else "customer_score"
            yield Section(id=name, title=title, method=method, tables=(table,), folded=True)


CUSTOMER_COLUMNS = (
    "Customer",
    "Rank",
    "Points",
    "Spend, last 13 weeks",
    "Spend per 13 weeks before",
    "Days since the last purchase",
    "Campaign",
    "Why listed",
)


def _customer(row: CustomerRow, currency: str) -> tuple[Cell, ...]:
    group = {"contact": "write", "control": "leave alone", None: ""}[row.group]
    spend = [figures.money(x, currency) for x in (row.last_13_weeks, row.before_13_weeks)]
    points = round(row.points)
    return (row.customer, row.rank, points, *spend, row.recency_days, group, row.reason)
