"""An archive without a web server: every synthetic respondent walks the study by its routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pandas as pd

from analysis.answered_tasks import AnsweredTask, table_columns, task_rows
from analysis.archive import OUTCOME_COLUMNS, Archive
from analysis.choices.design import design_of
from analysis.customer_key import customer_key
from analysis.customers.behaviour import behaviour
from analysis.customers.on_offer import frozen_on_offer
from analysis.purchases.outcomes import outcomes
from analysis.purchases.score import score_customers
from analysis.purchases.winback.alarms import frozen_alarms
from analysis.study import Study
from analysis.study.computed import computed_rows
from analysis.study.exercises import BestWorstExercise, Exercise, RatingsExercise
from analysis.study.routing import Way, declined, screened_out, step_after, steps
from analysis.synthetic.company import Company, SyntheticRespondent
from analysis.tables import ANSWER_COLUMNS, BEHAVIOUR_COLUMNS, CUSTOMER_COLUMNS, RESPONDENT_COLUMNS

KEY = b"a synthetic company's key"
WHEN = "%Y-%m-%dT%H:%M:%S+00:00"
Tasks = Mapping[tuple[int, int], tuple[str, list[dict[str, str]]]]
"""By (block, task): role and alternatives."""
Row = dict[str, object]
Shown = Mapping[str, str]
Answer = tuple[int, int | None]


@dataclass(slots=True)
class Walk:
    """What one respondent left behind."""

    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    skipped: set[tuple[str, str]] = field(default_factory=set)
    tasks: list[tuple[str, AnsweredTask]] = field(default_factory=list)
    """Exercise, and what was answered."""
    ended: str = ""


def archive_of(company: Company, study: Study, *, version: int = 1, seed: int = 1) -> Archive:
    """Ask everybody, score the purchases as of the company's day, and freeze it all."""
    tasks = {exercise.id: _tasks(exercise) for exercise in study.exercises}
    people = [(f"r{n:05d}", n, person) for n, person in enumerate(company.respondents, start=1)]
    walks = {name: walk(study, person, tasks, n) for name, n, person in people}
    respondents = pd.DataFrame(
        [_respondent(study, name, p, walks[name], version) for name, _, p in people],
        columns=list(RESPONDENT_COLUMNS),
    )
    answers = [row for name, found in walks.items() for row in _answers(study, name, found)]
    choices = {
        exercise.id: pd.DataFrame(
            [
                row
                for name, found in walks.items()
                for task in found.tasks
                if task[0] == exercise.id
                for row in task_rows(exercise, replace(task[1], respondent=name))
            ],
            columns=list(table_columns(exercise)),
        )
        for exercise in study.exercises
    }
    ledger = ledger_of(company)
    customers, later = _bought(company, study, respondents, ledger)
    alarms, alarm_facts = frozen_alarms(ledger, as_of=None if ledger.empty else company.today)
    offered, offered_facts = _on_offer(company, study, respondents, ledger, seed)
    return Archive(
        versions={version: study},
        respondents=respondents,
        answers=pd.DataFrame(answers, columns=list(ANSWER_COLUMNS)),
        choices=choices,
        customers=customers,
        alarms=alarms,
        outcomes=later,
        behaviour=_behaviour(company, respondents, ledger, customers),
        on_offer=offered,
        facts={
            "study": study.study,
            "version": str(version),
            "as_of": company.today.isoformat() if len(company.purchases) else "",
            "currency": study.currency if len(company.purchases) else "",
            "seed": str(seed),
            "program": "synthetic",
            "created": f"{company.today.isoformat()}T00:00:00+00:00",
            **alarm_facts,
            **offered_facts,
        },
    )


def walk(
    study: Study, person: SyntheticRespondent, tasks: Mapping[str, Tasks], number: int
) -> Walk:
    """Lead one respondent through the study; ``number`` decides the block of tasks."""
    left = Walk()
    step = next(iter(steps(study, {}, {})), None)
    seen = 0
    while step is not None:
        if person.stops_after is not None and seen >= person.stops_after:
            return left
        for question in step.questions:
            for item in question.storable():
                value = person.answer(question, item)
                if value is None:
                    left.skipped.add((question.id, item))
                else:
                    left.answers[question.id, item] = value
        if step.task and step.page.exercise:
            exercise = study.exercise(step.page.exercise)
            block = _block(exercise, number)
            role, shown = tasks[exercise.id][block, step.task]
            chosen, second = _answered(exercise, shown, person)
            given = AnsweredTask("", block, step.task, role, shown, chosen, second, None)
            left.tasks.append((exercise.id, given))
        seen += 1
        if declined(study, left.answers) or screened_out(study, step.page, left.answers, {}):
            left.ended = "declined" if declined(study, left.answers) else "screened_out"
            return left
        step = step_after(study, step.id, left.answers, {})
    left.ended = "complete"
    return left


def _block(exercise: Exercise, number: int) -> int:
    return (number - 1) % exercise.design.blocks + 1


def _tasks(exercise: Exercise) -> Tasks:
    made: dict[tuple[int, int], tuple[str, list[dict[str, str]]]] = {}
    for row in design_of(exercise).to_dict("records"):
        task = made.setdefault((int(row["block"]), int(row["task"])), (str(row["role"]), []))
        task[1].append({name: str(row[name]) for name in exercise.columns})
    return made


def _answered(exercise: Exercise, shown: Sequence[Shown], person: SyntheticRespondent) -> Answer:
    """What a respondent answers to a task: the first and, where there is one, the second answer."""
    if isinstance(exercise, BestWorstExercise):
        return person.best_and_worst(exercise, [item["item"] for item in shown])
    if isinstance(exercise, RatingsExercise):
        return person.rate(exercise, shown[0]), None
    chosen = person.choose(exercise, shown)
    if not exercise.is_dual:
        return chosen, None
    return chosen, int(person.buys(exercise, shown))


def _respondent(
    study: Study, name: str, person: SyntheticRespondent, found: Walk, version: int
) -> Row:
    linking = [q.id for q in study.questions() if q.kind == "consent" and q.purpose == "linking"]
    agreed = bool(linking) and all(found.answers.get((q, "")) == "yes" for q in linking)
    finished = (person.answered_on + timedelta(minutes=6)).strftime(WHEN)
    return {
        "respondent": name,
        "customer": customer_key(person.customer, KEY) if agreed else "",
        "study_version": version,
        "wave": "",
        "run_kind": "bot",
        "language": study.default_language,
        "cell": "",
        "weight": 1.0,
        "started": person.answered_on.strftime(WHEN),
        "completed": finished if found.ended == "complete" else "",
        "ended": found.ended,
    }


def _answers(study: Study, name: str, found: Walk) -> list[Row]:
    way = Way(study, found.answers, {})
    asked = way.asked
    rows: list[tuple[str, str, str | None, str]] = []
    for question in study.questions():
        for item in question.storable():
            key = (question.id, item)
            value = found.answers.get(key) if key in asked else None
            skipped = "skipped" if key in asked and key in found.skipped else "not_asked"
            rows.append((*key, value, "answered" if value is not None else skipped))
    statuses = {(question, item): status for question, item, _, status in rows}
    rows += [(one, "", value, status) for one, value, status in computed_rows(way, statuses)]
    return [
        {
            "respondent": name,
            "question": question,
            "item": item,
            "value": value or "",
            "status": status,
        }
        for question, item, value, status in rows
    ]


def ledger_of(company: Company) -> pd.DataFrame:
    """The purchases under the customers' keys."""
    return _keyed(company.purchases)


def _keyed(rows: pd.DataFrame) -> pd.DataFrame:
    keys = {raw: customer_key(raw, KEY) for raw in rows["customer"].unique()}
    return rows.assign(customer=rows["customer"].map(keys))


def _behaviour(
    company: Company, respondents: pd.DataFrame, ledger: pd.DataFrame, customers: pd.DataFrame
) -> pd.DataFrame:
    """What the linked had done before they answered; no rows without any ledger."""
    linked = respondents[(respondents["customer"] != "") & (respondents["completed"] != "")]
    tables = (ledger, company.events, company.loyalty)
    if linked.empty or all(table.empty for table in tables):
        return pd.DataFrame(columns=list(BEHAVIOUR_COLUMNS))
    return behaviour(
        linked.assign(answered_on=linked["completed"].str[:10]),
        purchases=ledger,
        points=customers["points"],
        events=_keyed(company.events),
        loyalty=_keyed(company.loyalty),
        as_of=company.today,
    )


def _on_offer(
    company: Company, study: Study, respondents: pd.DataFrame, ledger: pd.DataFrame, seed: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """What the linked could have bought; no rows where it is not known."""
    offers = company.availability
    if not offers.empty:
        cents = (offers["price"].astype(float) * 100).round()
        offers = offers.assign(
            time=pd.to_datetime(offers["time"]),
            until=pd.Series(pd.NaT, index=offers.index, dtype="datetime64[us]"),
            price=cents,
        )
    return frozen_on_offer(
        study,
        (ledger, offers),
        customers=set(respondents.loc[respondents["completed"] != "", "customer"]) - {""},
        as_of=None if ledger.empty else company.today,
        seed=seed,
    )


def _bought(
    company: Company, study: Study, respondents: pd.DataFrame, ledger: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of all customers and outcomes of the linked ones; empty without purchases."""
    nothing = pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    if ledger.empty:
        return pd.DataFrame(columns=list(CUSTOMER_COLUMNS)), nothing
    scores = score_customers(ledger, as_of=company.today)
    linked = respondents[(respondents["customer"] != "") & (respondents["completed"] != "")]
    if linked.empty:
        return scores, nothing
    answered = pd.DataFrame(
        {"customer": linked["customer"], "answered_on": linked["completed"].str[:10]}
    )
    weeks = study.analysis.outcome_weeks
    later = outcomes(ledger, answered, weeks_after=weeks, as_of=company.today)
    return scores, later
