"""The section of the join: whose answers stand beside whose purchases, and who is missing."""

from __future__ import annotations

from analysis.customers.linkage import COMPARED, NOTABLE, Linkage
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used


def join_section(used: Used, linkage: Linkage | None) -> Section | None:
    """Match rate, conflicts, the unmatched on both sides, and linked buyers beside the others."""
    if linkage is None or not linkage.match_rate.available:
        return None
    found, share = linkage.found, linkage.match_rate
    as_of = used.archive.facts.get("as_of", "")
    rows: tuple[tuple[Cell, ...], ...] = (
        ("Respondents who completed", found.completed),
        ("did not agree to the linking, or came without a customer", found.without_consent),
        ("set aside: the same customer answered again later", found.conflicts),
        ("left to be joined, a customer each", len(found.responses)),
        ("joined with purchases", len(linkage.table)),
        ("without any purchase in the ledger", linkage.unmatched_respondents),
        (
            "Buyers who are not joined",
            linkage.unmatched_buyers,
        ),
    )
    tables = [
        Table(id="counts", caption="From answers to joined customers", columns=("Who", "How many"),
              rows=rows, note="Of several answers of a customer the latest one counts."),
    ]  # fmt: skip
    if linkage.comparison:
        tables.append(_compared(linkage))
    return Section(
        id="join",
        title=f"{len(linkage.table):,} of {len(found.responses):,} respondents who may be joined "
        f"are found among the buyers ({share.low or 0:.0%} to {share.high or 0:.0%})",
        method="join",
        text=(_when(linkage, as_of),),
        caution="What is said of joined customers holds for them. Where they differ from the other "
        "buyers, it need not hold for all.",
        tables=tuple(tables),
        folded=True,
    )


def _when(linkage: Linkage, as_of: str) -> str:
    days = linkage.found.responses["answered_on"]
    answered = f"Answers of {days.min()} to {days.max()}; scores of purchases up to {as_of}."
    return f"{answered} Purchases before and after are counted from the day of each answer on."


def _compared(linkage: Linkage) -> Table:
    return Table(
        id="compared",
        caption="Joined buyers beside all other buyers",
        columns=("Figure", "Joined", "Others", "Difference in standard deviations", "Verdict"),
        rows=tuple(
            (
                COMPARED[c.figure].capitalize(),
                f"{c.linked:,.1f}",
                f"{c.others:,.1f}",
                f"{c.standardised:+.2f}".replace("-", "\u2212"),
                "differs" if abs(c.standardised) > NOTABLE else "alike",
            )
            for c in linkage.comparison
        ),
        note=f"Means. Called different above {NOTABLE} standard deviations (Cohen's small effect): "
        "a description of these buyers, not a test.",
    )
