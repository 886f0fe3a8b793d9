"""The flags of a run as files: one row per respondent, and the rules with their rates."""

from __future__ import annotations

import json
from pathlib import Path

from analysis.customers.quality.assess import Assessed
from analysis.customers.quality.types import LABELS
from analysis.study.quality import QualityPlan

TABLE, SUMMARY = "quality.csv", "quality.json"


def write_quality(folder: Path, found: Assessed, plan: QualityPlan, *, ended: int) -> None:
    """Write quality.csv and quality.json into a folder that exists.

    ``ended`` is how many failed an attention check that ended the survey: they are no rows.

    In the table a flag is 1, 0, or empty where a respondent could not be judged; excluded says
    whether the plan leaves the respondent out of the report.
    """
    excluded = found.flagged(plan.exclude)
    names = [rule.flag for rule in found.rules]
    table = found.flags[names].astype("Int64").copy()
    table["flags"] = found.flags["flags"]
    table["excluded"] = [int(name in excluded) for name in table.index]
    table["facts"] = found.flags["facts"]
    table.to_csv(folder / TABLE, lineterminator="\n")
    summary = {
        "respondents": len(found.flags),
        "flagged": len(found.flagged()),
        "excluded": len(excluded),
        "ended_by_attention_check": ended,
        "exclude": list(plan.exclude),
        "error_rate": plan.error_rate,
        "overall_rate_at_most": found.overall,
        "overall_rate_if_independent": found.overall_if_independent,
        "flags": [
            {
                "flag": rule.flag,
                "label": LABELS[rule.flag],
                "flagged": len({mark.respondent for mark in rule.marks}),
                "judged": rule.judged,
                "rate_wanted": rule.wanted,
                "rate": rule.rate,
                "rule": rule.rule,
                "null": rule.null,
                "random_responders_found": rule.caught,
                "not_used_because": rule.unused or None,
            }
            for rule in found.rules
        ],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
