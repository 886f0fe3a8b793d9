"""An archive without a web server: every synthetic respondent walks the study by its routing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pandas as pd

from analysis.archive import CHOICE_COLUMNS, CUSTOMER_COLUMNS, OUTCOME_COLUMNS, Archive
from analysis.choices.design import make_tasks
from analysis.customer_key import customer_key
from analysis.purchases.outcomes import outcomes
from analysis.purchases.score import score_customers
from analysis.study import ChoiceExercise, Study
from analysis.study.routing import asked_questions, declined, screened_out, step_after, steps
from analysis.synthetic.company import Company, SyntheticRespondent
from analysis.tables import ANSWER_COLUMNS, RESPONDENT_COLUMNS

KEY = b"a synthetic company's key"
WHEN = "%Y-%m-%dT%H:%M:%S+00:00"
Tasks = Mapping[tuple[int, int], tuple[str, list[dict[str, str]]]]
"""By (block, task): role and alternatives."""
Row = dict[str, object]


@dataclass(slots=True)
class Walk:
    """What one respondent left behind."""

    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    skipped: set[tuple[str, str]] = field(default_factory=set)
    choices: list[tuple[str, int, int]] = field(default_factory=list)
    """Exercise, task, chosen alternative."""
    ended: str = ""


def archive_of(company: Company, study: Study, *, version: int = 1, seed: int = 1) -> Archive:
    """Ask everybody, score the purchases as of the company's day, and freeze it all."""
    tasks = {e.id: _tasks(e) for e in study.exercises if isinstance(e, ChoiceExercise)}
    people = [(f"r{n:05d}", n, person) for n, person in enumerate(company.respondents, start=1)]
    walks = {name: walk(study, person, tasks, n) for name, n, person in people}
    respondents = pd.DataFrame(
        [_respondent(study, name, p, walks[name], version) for name, _, p in people],
        columns=list(RESPONDENT_COLUMNS),
    )
    answers = [row for name, found in walks.items() for row in _answers(study, name, found)]
    choices = {
        exercise: pd.DataFrame(
            [
                row
                for name, n, _ in people
                for row in _choices(study.choice_exercise(exercise), shown, name, n, walks[name])
            ],
            columns=[*CHOICE_COLUMNS, *(a.id for a in study.choice_exercise(exercise).attributes)],
        )
        for exercise, shown in tasks.items()
    }
    customers, later = _bought(company, study, respondents)
    return Archive(
        versions={version: study},
        respondents=respondents,
        answers=pd.DataFrame(answers, columns=list(ANSWER_COLUMNS)),
        choices=choices,
        customers=customers,
        outcomes=later,
        facts={
            "study": study.study,
            "version": str(version),
            "as_of": company.today.isoformat() if len(company.purchases) else "",
            "currency": study.currency if len(company.purchases) else "",
            "seed": str(seed),
            "program": "synthetic",
            "created": f"{company.today.isoformat()}T00:00:00+00:00",
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
            shown = tasks[step.page.exercise]
            _, alternatives = shown[_block(study, step.page.exercise, number), step.task]
            exercise = study.choice_exercise(step.page.exercise)
            left.choices.append((exercise.id, step.task, person.choose(exercise, alternatives)))
        seen += 1
        if declined(study, left.answers) or screened_out(study, step.page, left.answers, {}):
            left.ended = "declined" if declined(study, left.answers) else "screened_out"
            return left
        step = step_after(study, step.id, left.answers, {})
    left.ended = "complete"
    return left


def _block(study: Study, exercise: str, number: int) -> int:
    return (number - 1) % study.choice_exercise(exercise).design.blocks + 1


def _tasks(exercise: ChoiceExercise) -> Tasks:
    names = [attribute.id for attribute in exercise.attributes]
    made: dict[tuple[int, int], tuple[str, list[dict[str, str]]]] = {}
    for row in make_tasks(exercise).to_dict("records"):
        task = made.setdefault((int(row["block"]), int(row["task"])), (str(row["role"]), []))
        task[1].append({name: str(row[name]) for name in names})
    return made


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
    asked = asked_questions(study, found.answers, {})
    rows: list[Row] = []
    for question in study.questions():
        for item in question.storable():
            key = (question.id, item)
            value = found.answers.get(key) if question.id in asked else None
            skipped = "skipped" if question.id in asked and key in found.skipped else "not_asked"
            status = "answered" if value is not None else skipped
            rows.append(
                {
                    "respondent": name,
                    "question": question.id,
                    "item": item,
                    "value": value or "",
                    "status": status,
                }
            )
    return rows


def _choices(
    exercise: ChoiceExercise, tasks: Tasks, name: str, number: int, found: Walk
) -> list[Row]:
    block = (number - 1) % exercise.design.blocks + 1
    none: list[dict[str, str]] = [{}] if exercise.none else []
    return [
        {
            "respondent": name,
            "exercise": exercise.id,
            "block": block,
            "task": task,
            "alternative": place,
            "chosen": int(place == chosen),
            "role": tasks[block, task][0],
            **{a.id: levels.get(a.id) for a in exercise.attributes},
        }
        for exercise_id, task, chosen in found.choices
        if exercise_id == exercise.id
        for place, levels in enumerate([*tasks[block, task][1], *none], start=1)
    ]


def _bought(
    company: Company, study: Study, respondents: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of all customers and outcomes of the linked ones; empty without purchases."""
    nothing = pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    if company.purchases.empty:
        return pd.DataFrame(columns=list(CUSTOMER_COLUMNS)), nothing
    keys = {raw: customer_key(raw, KEY) for raw in company.purchases["customer"].unique()}
    ledger = company.purchases.assign(customer=company.purchases["customer"].map(keys))
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
