"""Part-worths against purchases, from a written archive: a planted calibration is found."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.archive import normalised, read_archive, write_archive
from analysis.choices.simulator.products import row
from analysis.customers.on_offer import frozen_on_offer
from analysis.study.load import parse_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.bought_section import bought_parts
from analysis.value_report.build import build_report
from analysis.value_report.choice_parts import choice_parts
from analysis.value_report.customer_parts import customer_parts
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.used import used_rows
from tests import builders

PLAIN = {"pineapple": "none", "look": "plain", "freshness": "yesterday", "packaging": "bag"}
LEVELS = {
    "BUN": PLAIN,
    "CREAM BUN": PLAIN | {"pineapple": "cream"},
    "MORNING BUN": PLAIN | {"freshness": "morning"},
    "GIFT BUN": PLAIN | {"pineapple": "cream_top", "look": "decorated", "packaging": "box"},
}
CONSTANTS = {"BUN": 0.6, "CREAM BUN": 0.0, "MORNING BUN": 0.1, "GIFT BUN": -0.7}
SCALE = 0.6
START, CHANGE = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-06-01")
PRICES = {"BUN": ("090", "105"), "CREAM BUN": ("120", "105"), "MORNING BUN": ("105", "120"),
          "GIFT BUN": ("135", "135")}  # fmt: skip
TODAY = date(2026, 11, 22)


def sold():
    named = [
        f"  - {{product: {name}, levels: {{{', '.join(f'{k}: {v}' for k, v in given.items())}}}}}\n"
        for name, given in LEVELS.items()
    ]
    return parse_study(
        builders.pastry_without_products() + "  products:\n" + "".join(f"  {n}" for n in named)
    )


def ledger():
    """Every product at its first price, from June on at its second; in cents."""
    rows = [
        (name, when, int(level.lstrip("0")))
        for name, both in PRICES.items()
        for when, level in zip((START, CHANGE), both, strict=True)
    ]
    found = pd.DataFrame(rows, columns=["product", "time", "price"])
    return found.assign(until=pd.NaT, currency="USD", store=None, channel=None)


def purchases(fit, keys, *, scale, seed):
    """Twelve purchases a person in the columns of the ledger; true is one draw of everybody."""
    rng, coding, rows = np.random.default_rng(seed), fit.fitted.coding, []
    beta = fit.fitted.hierarchy.posterior.beta[0, -1]
    codes = {
        (name, late): row(coding, given | {"price": PRICES[name][late]})
        for name, given in LEVELS.items()
        for late in (False, True)
    }
    for worth, name in zip(beta, fit.fitted.hierarchy.respondents, strict=True):
        for _ in range(12):
            day = START + pd.Timedelta(days=int(rng.integers(0, 300)))
            at = [scale * codes[n, day >= CHANGE] @ worth + c for n, c in CONSTANTS.items()]
            chosen = list(LEVELS)[int(np.argmax(np.array(at) + rng.gumbel(size=len(at))))]
            rows.append((keys[name], day, 100, chosen, None))
    return pd.DataFrame(rows, columns=["customer", "time", "amount", "product", "order"])


def frozen(archive, fit, *, scale):
    keys = archive.respondents.set_index("respondent")["customer"]
    table, facts = frozen_on_offer(
        archive.study,
        (purchases(fit, keys, scale=scale, seed=3), ledger()),
        customers=set(keys[keys != ""]),
        as_of=TODAY,
        seed=1,
    )
    return replace(archive, on_offer=table, facts=archive.facts | facts)


@dataclass(frozen=True)
class World:
    """A company's archive read from its file, the fit of everybody's part-worths, and the join."""

    archive: object
    fit: object
    linked: pd.DataFrame

    def section(self, archive=None, fit=None):
        return self.parts(archive, fit).section

    def parts(self, archive=None, fit=None):
        used = used_rows(archive or self.archive)
        return bought_parts(used, fit or self.fit, self.linked, seed=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    study = sold()
    company = pastry_company(study, seed=5, today=TODAY, buyers=400, respondents=220)
    asked = normalised(archive_of(company, study))
    used = used_rows(asked)
    fit = choice_parts(used, seed=1).fit
    path = tmp_path_factory.mktemp("bought") / "a.sqlite"
    write_archive(path, frozen(asked, fit, scale=SCALE))
    return World(read_archive(path), fit, customer_parts(used, rating_parts(used)).linked)


@pytest.fixture(scope="module")
def made(world):
    return world.section()


def with_plan(archive, **changes):
    plan = archive.study.analysis.model_copy(update=changes)
    return replace(archive, versions={1: archive.study.model_copy(update={"analysis": plan})})


def table(found, name):
    return next(t for t in found.tables if t.id == name)


def near(found, truth):
    """Within 3.3 standard errors: five intervals of 95 % need not all hold their truth."""
    return abs(found.value - truth) < 3.3 / 1.96 * (found.high - found.low) / 2


def test_planted_scale_and_constants_are_found(made):
    rows = {line[0]: line[1] for line in table(made, "calibration").rows}
    scale = rows.pop("Scale of the part-worths")
    assert near(scale, SCALE)
    assert scale.high - scale.low < 0.4
    centre = np.mean(list(CONSTANTS.values()))
    for name, truth in CONSTANTS.items():
        assert near(rows[f"Constant of {name}"], truth - centre)


def test_useful_part_worths_are_called_so_with_both_periods(made):
    assert made.title.startswith("Part-worths, calibrated on earlier purchases, predict later")
    assert "Is the calibration of use? Yes" in made.text[0]
    judged = {line[0]: line for line in table(made, "judged").rows}
    ours = judged["Calibrated part-worths"]
    shares = judged["What sold before (shares of the earlier purchases)"]
    assert ours[1].value < shares[1].value
    assert ours[1].n == shares[1].n > 500
    assert f"judged on {ours[1].n:,}" in made.text[0]


def test_purchases_of_which_answers_say_nothing_are_not_called_predicted(world):
    found = world.section(frozen(world.archive, world.fit, scale=0.0))
    assert found.title.startswith("Part-worths do not clearly predict purchases better")
    scale = table(found, "calibration").rows[0][1]
    assert scale.low < 0 < scale.high
    assert "Is the calibration of use? No" in found.text[0]


def test_the_calibration_for_the_simulator_is_the_one_of_the_section(world, made):
    found = world.parts().calibration.usable
    assert found.scale == table(made, "calibration").rows[0][1]
    assert {one.name: one.levels["price"] for one in found.sold} == {
        name: pytest.approx(int(later) / 100) for name, (_, later) in PRICES.items()
    }
    gift = next(one for one in found.sold if one.name == "GIFT BUN")
    assert gift.levels | {"price": 0} == LEVELS["GIFT BUN"] | {"price": 0}
    assert gift.factor.low < gift.factor.value < gift.factor.high < 1
    assert (found.source.study, found.source.version) == ("pastry", 1)
    drawn = np.array(found.drawn)
    assert drawn.shape == (1000, 1 + len(LEVELS))
    assert drawn[:, 0].mean() == pytest.approx(found.scale.value, abs=0.02)
    assert drawn[:, 1:].sum(axis=1) == pytest.approx(0, abs=0.001)


def test_a_calibration_that_says_nothing_of_purchases_is_not_offered(world):
    useless = world.parts(frozen(world.archive, world.fit, scale=0.0)).calibration
    assert useless.usable is None
    assert "does not predict better than a simple guess" in useless.why_not
    few = world.archive.on_offer[world.archive.on_offer["occasion"] == 1].head(200)
    none = world.parts(replace(world.archive, on_offer=few)).calibration
    assert none.found is None
    assert "100" in none.why_not


def test_too_few_purchases_give_the_reason_and_no_figures(world):
    few = world.archive.on_offer[world.archive.on_offer["occasion"] == 1]
    few = few[few["customer"].isin(sorted(few["customer"].unique())[:20])]
    found = world.section(replace(world.archive, on_offer=few))
    assert found.tables == ()
    assert "100 are needed" in found.text[0]


def test_a_report_has_the_section_and_its_method(world):
    """By an aggregate logit here, which is calibrated too."""
    report = build_report(with_plan(world.archive, estimator="mnl"), seed=1)
    (found,) = (s for s in report.sections if s.id == "stated_bought")
    assert "the same for everybody" in table(found, "calibration").note
    assert "stated_bought" in {method.id for method in report.methods}


def test_the_same_archive_gives_the_same_section(world, made):
    assert world.section() == made


def test_without_the_ledger_or_the_products_there_is_no_section(world):
    assert world.section(replace(world.archive, on_offer=world.archive.on_offer.iloc[:0])) is None
    bare = with_plan(world.archive, products=())
    assert world.section(bare, replace(world.fit, study=bare.study)) is None


def test_who_did_not_agree_to_the_linking_is_not_in_the_table(world):
    people = world.archive.respondents
    agreed = set(people.loc[people["customer"] != "", "customer"])
    assert len(agreed) < len(people)
    assert set(world.archive.on_offer["customer"]) <= agreed
    assert world.archive.on_offer.groupby(["customer", "occasion"])["bought"].sum().eq(1).all()
