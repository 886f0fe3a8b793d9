"""The manager's simulator: a page of a report, its downloads, and scenarios saved by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.rendering import figures
from analysis.study import Study
from analysis.study.exercises import ChoiceExercise
from surveyapp import clock, current, tokens
from surveyapp.access import access
from surveyapp.reports import market_form, price_drawing, run_files
from surveyapp.reports.market_form import MarketForm
from surveyapp.reports.routes import door
from surveyapp.store import reports, scenarios, studies
from surveyapp.store.records import ReportRecord, ScenarioRecord
from surveyapp.studies.fielding import read_definition

if TYPE_CHECKING:
    from analysis.choices.coding import Coding
    from analysis.choices.simulator.calibration import Calibration
    from analysis.choices.simulator.people import People
    from analysis.choices.simulator.worths import Worths
    from surveyapp.reports.simulating import Simulation

LONGEST_NAME = 80
LONGEST_QUERY = 20_000
MOST_SCENARIOS = 200
"""Of a study version."""
PER_HUNDRED = "per 100 choices"


@dataclass(frozen=True, slots=True)
class Opened:
    """The report, its study and exercise, and the folder of its run."""

    record: ReportRecord
    study: Study
    exercise: ChoiceExercise | None
    folder: Path | None

    def why_not(self) -> str:
        """Why nothing can be simulated; empty when it can."""
        from analysis.choices.simulator.files import are_final, has_draws

        if self.exercise is None:
            return "This study has no choice exercise, so there is nothing to simulate."
        if self.folder is None or not has_draws(self.folder):
            return (
                "This report keeps no draws of everybody's part-worths, which the simulator needs: "
                "with one taste for all there are no segments and no first choices, and every "
                "product draws from the others in proportion to their shares. Ask a researcher to "
                "write 'estimator: hb' under 'analysis' in the study file, to publish it, and to "
                "analyse again."
            )
        if not are_final(self.folder):
            return (
                "The part-worths of this report are not final: the chains did not agree, as its "
                "diagnostics say. Ask a researcher to analyse again, with more answers if need be."
            )
        return ""


@door.get("/<report>/simulator")
@access("researcher", "manager", "administrator")
def simulator(report: str) -> ResponseReturnValue:
    """What customers would choose; the whole market stands in the address."""
    opened = _opened(report)
    why = opened.why_not()
    if why or opened.exercise is None:
        return render_template("reports/simulator.html", record=opened.record, why=why, form=None)
    form = market_form.read_form(request.args, opened.exercise)
    act = request.args.get("do", "")
    if act:
        acted = _acted(opened, form, act)
        address = url_for("reports.simulator", report=report)
        return redirect(f"{address}?{acted.query}", code=303)
    return _page(opened, form)


def _acted(opened: Opened, form: MarketForm, act: str) -> MarketForm:
    """The form after a button; 'sold' puts in the products that the calibration is of."""
    if act != "sold":
        return market_form.acted(form, act)
    made = _calibration(opened).usable
    if made is None or opened.exercise is None:
        return form
    sold = {one.name: one.levels for one in made.sold}
    return market_form.sold_market(form, _typed(opened.exercise, sold))


def _typed(
    exercise: ChoiceExercise, sold: Mapping[str, Mapping[str, str | float]]
) -> dict[str, dict[str, str | float]]:
    """Levels as the form has them: of what is typed, the number of a level in place of its id."""
    found: dict[str, dict[str, str | float]] = {name: dict(own) for name, own in sold.items()}
    for attribute in exercise.attributes:
        if not market_form.is_typed(attribute):
            continue
        for own in found.values():
            value = own[attribute.id]
            number = attribute.level(value).number if isinstance(value, str) else value
            own[attribute.id] = f"{number:g}"
    return found


def _calibration(opened: Opened) -> Calibration:
    from analysis.choices.simulator.calibration import Calibration, read_calibration

    assert opened.folder is not None
    try:
        return read_calibration(opened.folder)
    except ValueError:
        return Calibration(reason="the file of the calibration cannot be read")


def _page(opened: Opened, form: MarketForm, fault: str = "", name: str = "") -> str:
    from analysis.choices.simulator.exponent import read_exponent
    from analysis.choices.simulator.holdouts import read_holdouts
    from analysis.choices.simulator.worths import NoWorths
    from surveyapp.reports import simulating

    assert opened.folder is not None
    record = opened.record
    try:
        coding = _coding(opened)
        worths, people = simulating.worths_of(opened.folder, coding)
        found, wrong = _simulated(opened, coding, worths, people, form)
    except NoWorths as error:
        return render_template("reports/simulator.html", record=record, why=str(error), form=None)
    with current.store().read() as c:
        saved = scenarios.of_version(c, record.study, record.version)
    unit = coding.money_unit
    return render_template(
        "reports/simulator.html",
        record=record,
        why="",
        study=opened.study,
        exercise=opened.exercise,
        form=form,
        methods=market_form.METHODS,
        typed=market_form.is_typed,
        tested=market_form.tested,
        most=market_form.MOST,
        divisions=simulating.divisions(people, worths),
        fewest=10,
        wrong=wrong,
        found=found,
        drawings=_drawings(form, found, unit),
        holdouts=read_holdouts(opened.folder).sentences(),
        exponent=read_exponent(opened.folder),
        calibration=_calibration(opened),
        exponents=market_form.EXPONENTS,
        saved=saved,
        fault=fault,
        name=name,
        unit=unit,
        per="" if form.size else PER_HUNDRED,
        figures=figures,
        pricing=price_drawing,
        price_text=partial(price_text, unit=unit),
    )


def _coding(opened: Opened) -> Coding:
    from analysis.choices.coding import coding_of

    assert opened.exercise is not None
    return coding_of(opened.study, opened.exercise)


def _simulated(
    opened: Opened, coding: Coding, worths: Worths, people: People, form: MarketForm
) -> tuple[Simulation | None, list[tuple[str, str]]]:
    from analysis.choices.simulator.calibration import calibrated
    from analysis.choices.simulator.exponent import read_exponent
    from surveyapp.reports import simulating

    market, base, wrong = simulating.read_market(form, coding)
    if market is None or base is None:
        return None, wrong
    if form.exponent == "bought" and (made := _calibration(opened).usable) is not None:
        worths = calibrated(worths, made)
    elif form.exponent == "tuned" and opened.folder is not None:
        scale = read_exponent(opened.folder).chosen
        market, base = replace(market, scale=scale), replace(base, scale=scale)
    return simulating.simulate(worths, people, form, market, base), wrong


def _drawings(
    form: MarketForm, found: Simulation | None, unit: str
) -> dict[str, price_drawing.Drawing]:
    """The price curve, for wide and for narrow screens."""
    if found is None or found.curve is None:
        return {}
    kind = price_drawing.kind_of(found.curve)
    say = figures.percent if kind == "share" else partial(_axis_text, unit=unit)
    now = found.outcomes[form.curve - 1].price
    drawn = {
        name: price_drawing.draw(
            found.curve,
            width=width,
            now=now,
            say=say,
            say_price=lambda price: price_text(price, unit),
        )
        for name, width in (("wide", 560), ("narrow", 328))
    }
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def _axis_text(value: float, unit: str) -> str:
    """An amount beside a curve: zero and thousands without cents."""
    return price_text(value, unit) if value == 0 or abs(value) >= 2 else figures.money(value, unit)


def price_text(price: float, unit: str) -> str:
    """A price as it is typed: '$1.05'."""
    digits = (
        f"{price:.2f}" if abs(price) < 100 and round(price, 2) != round(price) else f"{price:,.0f}"
    )
    symbol = figures.SYMBOLS.get(unit)
    return f"{symbol}{digits}" if symbol else f"{digits} {unit}"


@door.get("/<report>/simulator.csv")
@access("researcher", "manager", "administrator")
def simulator_csv(report: str) -> ResponseReturnValue:
    """The market of the address as a table: shares, changes, units, revenue, profit."""
    from analysis.choices.simulator.worths import NoWorths
    from surveyapp.reports import simulating

    opened = _opened(report)
    if opened.why_not() or opened.exercise is None or opened.folder is None:
        abort(404)
    form = market_form.read_form(request.args, opened.exercise)
    coding = _coding(opened)
    try:
        worths, people = simulating.worths_of(opened.folder, coding)
    except NoWorths:
        abort(404)
    found, _ = _simulated(opened, coding, worths, people, form)
    if found is None:
        abort(404)
    record = opened.record
    name = f"{record.study}-{record.created[:10]}-simulation.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_csv(form, found), mimetype="text/csv", headers=headers)


def _csv(form: MarketForm, found: Simulation) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    named = ("share", "change", "units", "revenue", "profit")
    columns = [f"{name}{end}" for name in named for end in ("", "_low", "_high")]
    attributes = list(form.products[0].levels)
    writer.writerow(
        ["alternative", "own", *attributes, "available_per_cent", *columns, "n", "method"]
    )
    for place, row in enumerate(found.outcomes):
        product = form.products[place] if place < len(form.products) else None
        levels = [product.levels[a] for a in attributes] if product else [""] * len(attributes)
        cells: list[object] = []
        for name in named:
            estimate = getattr(row, name)
            cells += [getattr(estimate, end, None) for end in ("value", "low", "high")]
        had = product.had if product else ""
        known = ["" if cell is None else cell for cell in cells]
        name = f"'{row.name}" if row.name[:1] in "=+-@" else row.name
        writer.writerow([name, row.own, *levels, had, *known, found.n, found.method])
    return out.getvalue()


@door.post("/<report>/simulator/scenarios")
@access("researcher", "manager", "administrator")
def save_scenario(report: str) -> ResponseReturnValue:
    """Keep the market of the page under a name, for everybody who reads the study's reports."""
    from surveyapp.reports import simulating

    opened = _opened(report)
    if opened.why_not() or opened.exercise is None:
        abort(404)
    name = " ".join(request.form.get("name", "").split())
    given = dict(parse_qsl(request.form.get("query", "")[:LONGEST_QUERY], keep_blank_values=True))
    form = market_form.read_form(given, opened.exercise)
    record = opened.record
    if simulating.read_market(form, _coding(opened))[2]:
        return _page(opened, form, "Mend these products before saving them", name), 400
    fault = ""
    with current.store().write() as c:
        saved = scenarios.of_version(c, record.study, record.version)
        same = next((s for s in saved if s.name.lower() == name.lower()), None)
        if not name or len(name) > LONGEST_NAME:
            fault = f"Give the scenario a name of at most {LONGEST_NAME} letters"
        elif same is not None:
            fault = f"'{same.name}' was saved by {same.created_by}: choose another name"
        elif len(saved) >= MOST_SCENARIOS:
            fault = f"There are {MOST_SCENARIOS} scenarios already: remove some first"
        else:
            new = ScenarioRecord(
                scenario=tokens.new_id(),
                study=record.study,
                version=record.version,
                name=name,
                query=form.query,
                created=clock.now(),
                created_by=current_user.name,
            )
            scenarios.add(c, new)
    if fault:
        return _page(opened, form, fault, name), 400
    flash(f"Saved as '{name}'.")
    return redirect(f"{url_for('reports.simulator', report=report)}?{form.query}", code=303)


@door.post("/<report>/simulator/scenarios/<scenario>/remove")
@access("researcher", "manager", "administrator")
def remove_scenario(report: str, scenario: str) -> ResponseReturnValue:
    """Forget a scenario: for whoever saved it, and for administrators."""
    opened = _opened(report)
    with current.store().write() as c:
        found = scenarios.get(c, scenario) or abort(404)
        if found.study != opened.record.study:
            abort(404)
        if found.created_by != current_user.name and not current_user.may("administrator"):
            abort(403)
        scenarios.remove(c, scenario)
    flash(f"Removed '{found.name}'.")
    address = url_for("reports.simulator", report=report)
    return redirect(f"{address}?{found.query}", code=303)


def _opened(report: str) -> Opened:
    with current.store().read() as c:
        record = reports.get(c, report) or abort(404)
        version = studies.version(c, record.study, record.version) or abort(404)
    study = read_definition(version.definition)
    folder = None
    if record.job is not None:
        folder = run_files.folder_of(current.settings(), record.job)
    try:
        exercise = study.choice_exercise()
    except (TypeError, KeyError):
        exercise = None
    return Opened(record, study, exercise, folder)
