"""Who could be joined, who could not, and how the joined differ: counted by hand on few people."""

import pandas as pd

from analysis.customers.linkage import link, linkable
from analysis.study import parse_study
from analysis.value_report.join_section import join_section
from analysis.value_report.used import Used

STUDY = parse_study(
    """
study: small
title: Small
pages:
  - id: one
    questions:
      - {id: yes_link, kind: consent, purpose: linking, text: 'May we?', agree_label: 'Yes',
         decline_label: 'No'}
"""
)


class Archive:
    facts = {"as_of": "2026-09-30"}  # noqa: RUF012 - a stand-in


def used():
    made = object.__new__(Used)
    object.__setattr__(made, "archive", Archive())
    return made


def respondents(rows):
    table = pd.DataFrame(rows, columns=["respondent", "customer", "completed", "agreed"])
    answers = pd.DataFrame(
        {"respondent": table["respondent"], "question": "yes_link", "value": table["agreed"]}
    )
    return linkable(STUDY, table.drop(columns="agreed"), answers)


def customers(names):
    figures = {"recency_days": 5, "frequency": range(len(names)), "spend_52_weeks": 10.0}
    return pd.DataFrame({"customer": names, **figures, "points": 3.0})


def test_the_counts_add_up_to_who_answered_and_who_bought():
    found = respondents(
        [
            ("r1", "a", "2026-08-01T10:00:00Z", "yes"),
            ("r2", "a", "2026-09-01T10:00:00Z", "yes"),
            ("r3", "b", "2026-08-02T10:00:00Z", "yes"),
            ("r4", "c", "2026-08-03T10:00:00Z", "no"),
            ("r5", "z", "2026-08-04T10:00:00Z", "yes"),
            ("r6", "", "2026-08-05T10:00:00Z", "yes"),
        ]
    )
    answered = pd.DataFrame({"perceived_value": 10.0}, index=["r1", "r2", "r3", "r5"])
    linkage = link(found, answered=answered, customers=customers(["a", "b", "c", "d"]))
    section = join_section(used(), linkage)
    counts = [row[1] for row in section.tables[0].rows]
    assert counts == [6, 2, 1, 3, 2, 1, 2]
    assert counts[0] == counts[1] + counts[2] + counts[3]
    assert counts[3] == counts[4] + counts[5]
    assert section.title.startswith("2 of 3 respondents")
    assert "2026-08-02 to 2026-09-01" in section.text[0]
    compared = {row[0]: row[-1] for row in section.tables[1].rows}
    assert compared["Number of purchase days"] == "differs"
    assert compared["Points"] == "alike"
