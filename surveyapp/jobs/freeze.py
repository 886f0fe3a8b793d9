"""Freezing a study as of a version: store and ledger in, an archive out.

Respondents of earlier versions are in it too, each judged by the version that they answered.

Answers are joined with purchases only where the respondent consented to the linking: of the
others the archive holds no customer key beside their answers. The scores of all customers of the
ledger stand in a table of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

import pandas as pd

from analysis.answered_tasks import AnsweredTask, table_columns, task_rows
from analysis.archive import OUTCOME_COLUMNS, PAGE_TIME_COLUMNS, Archive
from analysis.customers.linkage import answer_days
from analysis.study import Study, parse_study
from analysis.study.exercises import BestWorstExercise, Exercise, RatingsExercise
from analysis.study.routing import Way
from analysis.tables import (
    ANSWER_COLUMNS,
    BEHAVIOUR_COLUMNS,
    CUSTOMER_COLUMNS,
    ORDER_COLUMNS,
    RESPONDENT_COLUMNS,
)
from surveyapp.exports.walked import all_answers, linking_agreed, way_of
from surveyapp.store import Store, answers, respondents, studies
from surveyapp.store.records import AnswerRecord, ChoiceRecord, RespondentRecord, TaskRecord

Stored = dict[tuple[str, str], AnswerRecord]
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Collected:
    """All that the store holds of a study up to a version, read in one transaction.

    Attributes
    ----------
    versions
        The study by published version.
    answers
        By respondent: the stored answers by (question, item).
    choices
        By respondent.
    tasks
        By (version, exercise, block, task).
    sent
        (respondent, turn, step, time) of every page sent.
    despite
        Why versions were published although their rehearsal missed the targets, by version.
    """

    versions: dict[int, Study]
    respondents: tuple[RespondentRecord, ...]
    answers: dict[str, Stored]
    choices: dict[str, list[ChoiceRecord]]
    tasks: dict[tuple[int, str, int, int], TaskRecord]
    despite: dict[int, str]
    sent: tuple[tuple[str, int, str, str], ...] = ()
    withdrawn: int = 0
    """How many respondents took their answers back; nothing of them is in it."""


def collect(store: Store, study: str, version: int) -> Collected:
    """Read the respondents of a study up to a version with their answers, choices and tasks."""
    with store.read() as c:
        published = [v for v in studies.versions(c, study) if v.version <= version]
        everybody = [r for r in respondents.of_study(c, study) if r.version <= version]
        people = tuple(r for r in everybody if r.ended != "withdrawn")
        given: dict[str, Stored] = {person.respondent: {} for person in people}
        for respondent, answer in answers.of_study(c, study):
            if respondent in given:
                given[respondent][answer.question, answer.item] = answer
        chosen: dict[str, list[ChoiceRecord]] = defaultdict(list)
        for choice in answers.choices_of_study(c, study):
            chosen[choice.respondent].append(choice)
        sent = tuple(row for row in respondents.pages_of_study(c, study) if row[0] in given)
        tasks = {
            (v.version, t.exercise, t.block, t.task): t
            for v in published
            for t in studies.all_tasks(c, study, v.version)
        }
    versions = {v.version: parse_study(v.definition) for v in published}
    despite = {v.version: v.despite for v in published if v.despite}
    withdrawn = sum(
        r.ended == "withdrawn" and r.run_kind in versions[max(versions)].counted_kinds
        for r in everybody
    )
    return Collected(versions, people, given, dict(chosen), tasks, despite, sent, withdrawn)


def respondents_frame(collected: Collected) -> pd.DataFrame:
    """One row per respondent; the customer only where linking was consented to."""
    linkable = linked_respondents(collected)
    rows = [
        {
            **{name: getattr(person, name, None) for name in RESPONDENT_COLUMNS},
            "customer": person.customer if person.respondent in linkable else None,
            "study_version": person.version,
            "seed": person.seed,
            "panel_key": person.panel_key,
        }
        for person in collected.respondents
    ]
    return pd.DataFrame(rows, columns=[*RESPONDENT_COLUMNS, "seed", "panel_key"])


def linked_respondents(collected: Collected) -> frozenset[str]:
    """Respondents with a customer who agreed to the linking, on the way they took."""
    return frozenset(
        person.respondent
        for person in collected.respondents
        if person.customer
        and linking_agreed(_way(collected, person), collected.answers[person.respondent])
    )


def answers_frame(collected: Collected) -> pd.DataFrame:
    """One row per respondent and item, with the status of each."""
    rows = [
        {"respondent": person.respondent, **row}
        for person in collected.respondents
        for row in _answers_of(_way(collected, person), collected.answers[person.respondent])
    ]
    return pd.DataFrame(rows, columns=list(ANSWER_COLUMNS))


def orders_frame(collected: Collected) -> pd.DataFrame:
    """One row per respondent and part of anything that was shuffled for the respondent."""
    rows = [
        (person.respondent, order.of, order.place, position, part)
        for person in collected.respondents
        for order in _way(collected, person).orders
        for position, part in enumerate(order.parts, start=1)
    ]
    return pd.DataFrame(rows, columns=list(ORDER_COLUMNS))


def _answers_of(way: Way, stored: Stored) -> Iterator[Row]:
    """Answers off the respondent's way (given before going back) count as not asked."""
    for question, item, value, status in all_answers(way, stored):
        yield {"question": question, "item": item, "value": value, "status": status}


def _way(collected: Collected, person: RespondentRecord) -> Way:
    stored = collected.answers[person.respondent]
    return way_of(collected.versions[person.version], person, stored)


def choices_frame(exercise: Exercise, collected: Collected) -> pd.DataFrame:
    """The table of an exercise, see ``answered_tasks``.

    What was answered in a version in which the exercise offered something else is left out.
    """
    rows: list[Row] = []
    for person in collected.respondents:
        if not _same(collected, person.version, exercise):
            continue
        for given in collected.choices.get(person.respondent, ()):
            if given.exercise == exercise.id:
                shown = collected.tasks[person.version, given.exercise, given.block, given.task]
                rows += task_rows(exercise, _answered(person, shown, given))
    return pd.DataFrame(rows, columns=list(table_columns(exercise)))


def _answered(person: RespondentRecord, shown: TaskRecord, given: ChoiceRecord) -> AnsweredTask:
    return AnsweredTask(
        respondent=person.respondent,
        block=shown.block,
        task=shown.task,
        role=shown.role,
        shown=shown.alternatives,
        chosen=given.chosen,
        second=given.second,
        seed=person.seed,
    )


def _same(collected: Collected, version: int, exercise: Exercise) -> bool:
    """Whether a version has the exercise and offers the same in it."""
    earlier = {e.id: e for e in collected.versions[version].exercises}.get(exercise.id)
    return earlier is not None and _offer(earlier) == _offer(exercise)


def _offer(exercise: Exercise) -> object:
    if isinstance(exercise, BestWorstExercise):
        return [item.id for item in exercise.items]
    shown = [(a.id, a.range, [(v.id, v.number) for v in a.levels]) for a in exercise.attributes]
    if isinstance(exercise, RatingsExercise):
        return shown, exercise.least, exercise.greatest
    return shown, exercise.none and exercise.none.response, exercise.alternative_order


def linked_answer_days(collected: Collected, zone: str = "UTC") -> pd.DataFrame:
    """The linked customers and the day on which each completed, for the outcomes.

    A customer who completed twice counts once, with the latest answer, as in the linkage. Test runs
    do not count, nor do bots where real people are asked.
    """
    frame = linked_answers(collected, zone)[["customer", "answered_on"]]
    frame = frame.sort_values("answered_on")
    return frame.drop_duplicates("customer", keep="last").reset_index(drop=True)


def linked_answers(collected: Collected, zone: str = "UTC") -> pd.DataFrame:
    """Every linked respondent who completed and counts: respondent, customer, answered_on.

    Days are those of a time zone, as the days of purchases are those of the stores.
    """
    linkable = linked_respondents(collected)
    kinds = collected.versions[max(collected.versions)].counted_kinds
    rows = [
        (person.respondent, person.customer, person.completed)
        for person in collected.respondents
        if person.respondent in linkable and person.completed and person.run_kind in kinds
    ]
    found = pd.DataFrame(rows, columns=["respondent", "customer", "answered_on"], dtype="str")
    return found.assign(answered_on=answer_days(found["answered_on"], zone))


@dataclass(frozen=True, slots=True)
class FreezeAs:
    """What an archive is made of besides answers: the ledger, the day of the scores, the seed."""

    ledger: Path
    """Of purchases; those of events, loyalty and margins lie beside it."""
    as_of: date | None
    """None: the day of the last purchase in the ledger."""
    seed: int
    created: str
    zone: str = "UTC"
    """Time zone of the days on which customers answered."""


def freeze(collected: Collected, how: FreezeAs) -> Archive:
    """The archive of a study: answers, choices, customers' scores and alarms as of a day.

    Raises
    ------
    ValueError
        When the ledger mixes currencies.
    """
    from analysis.purchases.ledger import ledger_digest

    version = max(collected.versions)
    study = collected.versions[version]
    bought = _Bought.of(how)
    alarms, alarm_facts = bought.alarms()
    scores = bought.scores()
    linked = linked_answer_days(collected, how.zone)
    offered, offer_facts = bought.on_offer(study, how, set(linked["customer"]))
    return Archive(
        versions=collected.versions,
        respondents=respondents_frame(collected),
        answers=answers_frame(collected),
        orders=orders_frame(collected),
        choices={e.id: choices_frame(e, collected) for e in study.exercises},
        customers=scores,
        alarms=alarms,
        page_times=pd.DataFrame(list(collected.sent), columns=list(PAGE_TIME_COLUMNS)),
        outcomes=bought.outcomes(linked, study.analysis.outcome_weeks),
        behaviour=_behaviour(linked_answers(collected, how.zone), how, bought, scores),
        on_offer=offered,
        facts={
            "study": study.study,
            "version": str(version),
            "as_of": bought.as_of.isoformat() if bought.as_of else "",
            "currency": bought.currency(),
            "ledger": ledger_digest(how.ledger) if bought.as_of else "",
            "seed": str(how.seed),
            "program": f"surveyapp {metadata.version('surveyapp')}",
            "created": how.created,
            "time_zone": how.zone,
            **({"withdrawn": str(collected.withdrawn)} if collected.withdrawn else {}),
            **alarm_facts,
            **bought.margin(how.ledger.parent),
            **offer_facts,
            **{despite_fact(n, version): reason for n, reason in collected.despite.items()},
        },
    )


def _behaviour(
    answered: pd.DataFrame, how: FreezeAs, bought: _Bought, scores: pd.DataFrame
) -> pd.DataFrame:
    """What linked respondents had done before they answered; no rows without any ledger."""
    from analysis.customers.behaviour import behaviour
    from analysis.ledgers.kinds import EVENTS, LOYALTY
    from analysis.ledgers.looking import read_rows_of

    events, loyalty = (
        read_rows_of(how.ledger.with_name(kind.name), kind) for kind in (EVENTS, LOYALTY)
    )
    if answered.empty or (bought.as_of is None and events.empty and loyalty.empty):
        return pd.DataFrame(columns=list(BEHAVIOUR_COLUMNS))
    return behaviour(
        answered,
        purchases=bought.rows_of(answered["customer"]),
        points=scores["points"],
        events=events,
        loyalty=loyalty,
        as_of=bought.as_of or how.as_of,
    )


def despite_fact(version: int, newest: int) -> str:
    """The fact that says why a version was published although its rehearsal missed its targets."""
    return "published_despite" + (f"_{version}" if version != newest else "")


@dataclass(frozen=True, slots=True)
class _Bought:
    """The purchases of a ledger up to a day; without any, empty tables.

    The ledger is asked where it lies: only the rows of linked customers come into memory.
    """

    ledger: Path
    as_of: date | None

    @classmethod
    def of(cls, how: FreezeAs) -> _Bought:
        from analysis.purchases.engine import last_day

        last = last_day(how.ledger)
        return cls(how.ledger, last and (how.as_of or last))

    def currency(self) -> str:
        from analysis.purchases.engine import compute, purchases_table

        found = compute(purchases_table().agg(code=lambda t: t.currency.max()), self.ledger)
        return str(found["code"].iloc[0] or "")

    def rows_of(self, customers: Iterable[str]) -> pd.DataFrame:
        from analysis.ledgers.looking import read_rows_of

        return read_rows_of(self.ledger, customers=set(customers))

    def scores(self) -> pd.DataFrame:
        from analysis.purchases.score import score_customers

        if self.as_of is None:
            return pd.DataFrame(columns=list(CUSTOMER_COLUMNS))
        return score_customers(self.ledger, as_of=self.as_of)

    def alarms(self) -> tuple[pd.DataFrame, dict[str, str]]:
        from analysis.purchases.winback.alarms import frozen_alarms

        return frozen_alarms(self.ledger, as_of=self.as_of)

    def margin(self, ledgers: Path) -> dict[str, str]:
        """The share of spend that is profit, as of the day, or why it is not known."""
        from analysis.purchases.outlook_ledgers import margin_of, rows_of

        if self.as_of is None:
            return {}
        share, source = margin_of(rows_of(ledgers, "margins"), self.ledger, as_of=self.as_of)
        return {"margin": "" if share is None else repr(share), "margin_source": source}

    def on_offer(
        self, study: Study, how: FreezeAs, customers: Collection[str]
    ) -> tuple[pd.DataFrame, dict[str, str]]:
        from analysis.customers.on_offer import frozen_on_offer
        from analysis.ledgers.kinds import AVAILABILITY
        from analysis.ledgers.looking import read_rows_of

        offers = read_rows_of(how.ledger.with_name(AVAILABILITY.name), AVAILABILITY)
        return frozen_on_offer(
            study,
            (self.rows_of(customers), offers),
            customers=customers,
            as_of=self.as_of,
            seed=how.seed,
        )

    def outcomes(self, answered_on: pd.DataFrame, weeks: int) -> pd.DataFrame:
        from analysis.purchases.outcomes import outcomes

        if self.as_of is None or answered_on.empty:
            return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
        return outcomes(self.ledger, answered_on, weeks_after=weeks, as_of=self.as_of)
