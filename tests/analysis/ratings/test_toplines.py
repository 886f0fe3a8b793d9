import pandas as pd
import pytest

from analysis.ratings.means import mean_of, share_estimate
from analysis.ratings.toplines import toplines
from analysis.rendering.figures import value_and_range
from analysis.study import parse_study
from tests.analysis.ratings.test_relative_value import TEXT as LOOPED

STUDY = parse_study(
    """
study: topline
title: Topline
pages:
  - id: one
    questions:
      - id: visits
        kind: single_choice
        text: How often?
        options: [{id: weekly, label: Every week}, {id: rarely, label: Rarely}]
      - id: channels
        kind: multiple_choice
        text: Where?
        options: [{id: shop, label: Shop}, {id: web, label: Web}]
      - {id: liking, kind: rating, text: Liking, low_label: Bad, high_label: Good}
      - {id: why, kind: long_text, text: "Why?"}
"""
)


def answers(*rows):
    columns = ["respondent", "question", "item", "value", "status"]
    return pd.DataFrame(rows, columns=columns)


GIVEN = answers(
    *[(f"r{n}", "visits", "", "weekly" if n < 15 else "rarely", "answered") for n in range(20)],
    ("r20", "visits", "", None, "refused"),
    ("r21", "visits", "", None, "skipped"),
    *[(f"r{n}", "channels", "shop", "1", "answered") for n in range(4)],
    *[(f"r{n}", "channels", "web", "1" if n == 0 else "0", "answered") for n in range(4)],
    *[(f"r{n}", "liking", "", str(value), "answered") for n, value in enumerate((2, 4, 6))],
    ("r0", "why", "", "because", "answered"),
)


def test_shares_rest_on_those_who_answered_and_the_silent_are_counted():
    visits, channels, liking = toplines(STUDY, GIVEN)
    assert (visits.answered, visits.skipped, visits.refused) == (20, 1, 1)
    weekly = visits.lines[0]
    assert (weekly.label, weekly.count, weekly.estimate.value) == ("Every week", 15, 0.75)
    # Wilson's interval of 15 of 20 by R's binom::binom.confint(15, 20, methods = "wilson")
    assert weekly.estimate.low == pytest.approx(0.5313, abs=1e-4)
    assert weekly.estimate.high == pytest.approx(0.8881, abs=1e-4)
    assert [line.count for line in channels.lines] == [4, 1]
    # 4 +- t(.975, 2) * 2 / sqrt(3)
    assert liking.lines[0].estimate.value == 4
    assert liking.lines[0].estimate.high == pytest.approx(4 + 4.302653 * 2 / 3**0.5, abs=1e-5)
    assert liking.lines[0].estimate.unit == "on 1 to 7"


def test_weights_move_the_share_and_widen_the_interval():
    weights = pd.Series({f"r{n}": 3.0 if n < 5 else 1.0 for n in range(22)})
    weekly = toplines(STUDY, GIVEN, weights=weights)[0].lines[0].estimate
    assert weekly.value == pytest.approx(25 / 30)
    assert weekly.n == 20
    assert "effective n 15" in weekly.method
    equal = toplines(STUDY, GIVEN, weights=weights * 0 + 2)[0].lines[0].estimate
    assert equal.value == 0.75


def test_no_interval_without_two_answers_or_without_spread():
    assert "needs two" in mean_of(pd.Series([3.0]), unit="").reason
    assert "same score" in mean_of(pd.Series([3.0, 3.0]), unit="").reason
    assert share_estimate(pd.Series([], dtype=bool)).reason == "nobody answered"
    assert share_estimate(pd.Series([True] * 9)).low == pytest.approx(0.7008, abs=1e-4)


def of_numbers(*values, more=""):
    study = parse_study(
        f"""
study: numbers
title: Numbers
pages:
  - id: one
    questions: [{{id: number, kind: number, text: When or how much, whole: true{more}}}]
"""
    )
    given = answers(*[(f"r{n}", "number", "", str(v), "answered") for n, v in enumerate(values)])
    return toplines(study, given)[0].lines[0].estimate


def test_a_mean_of_years_is_written_as_a_year():
    born = of_numbers(1960, 1977, 1990, 2001)
    assert value_and_range(born) == ("1982", "1954 to 2010")
    for other in (of_numbers(1960, 1977, 350), of_numbers(1960, 1977, more=", unit: ml")):
        assert other.unit == ""
    assert value_and_range(of_numbers(1960, 1977, 2950))[0] == "2,295.67"


def test_a_question_in_a_loop_says_what_it_is_about():
    study = parse_study(LOOPED)
    rows = [(f"r{n}", f"image__{brand}", "fresh", str(1 + n % 5), "answered")
            for brand in ("us", "north") for n in range(12)]  # fmt: skip
    found = toplines(study, answers(*rows))
    assert [one.text for one in found] == ["About Us", "About North"]
    unnamed = parse_study(LOOPED.replace("About ${entry}", "How much do you agree?"))
    found = toplines(unnamed, answers(*rows))
    assert [one.text for one in found] == [
        "How much do you agree? (Us)", "How much do you agree? (North)",
    ]  # fmt: skip
