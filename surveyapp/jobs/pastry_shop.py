"""The demo's company: its purchases are loaded, its customers are invited and answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from analysis.customer_key import customer_key
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import load_files
from analysis.ledgers.summary import FileLoad
from analysis.study import Study
from analysis.synthetic.company import Company
from analysis.synthetic.costs import acquisition_of, margins_of
from analysis.synthetic.pastry import pastry_company
from surveyapp.bots import Visit
from surveyapp.jobs.ledgers import loading
from surveyapp.settings import Settings
from surveyapp.store import Store, links, respondents
from surveyapp.studies.invitations import Terms, make_open, make_personal

STUDY = "pastry"
SEED = 7
BOTS = Terms(run_kind="bot")


def invent(study: Study, *, today: date, respondents: int) -> Company:
    """The pastry shop as of a day: the same day, the same people and purchases."""
    return pastry_company(study, seed=SEED, today=today, respondents=respondents)


def load(settings: Settings, company: Company) -> FileLoad:
    """Load the ledgers the way a company's files are loaded; a file loaded before is skipped.

    Returns what became of the file of purchases; what was on offer, social events, the
    loyalty programme, margin and acquisition cost are loaded beside it.
    """
    settings.files.mkdir(parents=True, exist_ok=True)
    amounts = [f"{cents / 100:.2f}" for cents in company.purchases["amount"].astype(int)]
    tables = {
        "margins": margins_of(company),
        "acquisition": acquisition_of(company),
        "events": company.events,
        "loyalty": company.loyalty,
        "availability": company.availability,
        "purchases": company.purchases.assign(amount=amounts),
    }
    for kind, table in tables.items():
        path = settings.files / f"demo-{kind}.csv"
        table.to_csv(path, index=False)
        how = replace(loading(settings, kind), today=company.today)
        summary = load_files([path], how, Layout(source="demo"))
    return summary.files[0]


def invite(
    settings: Settings, store: Store, company: Company, known: dict[str, str]
) -> dict[str, str]:
    """Make personal links for all who have none; returns the paths by customer.

    ``known`` are the paths that an earlier run made: only their hashes are stored.
    """
    people = [person.customer for person in company.respondents]
    with store.write() as c:
        if not links.of_study(c, STUDY, "open"):
            make_open(c, STUDY, Terms())
        made = make_personal(c, STUDY, people, BOTS, key=settings.customer_key, base_url="")
    return known | {row.customer: row.address for row in made if row.address}


def visits(
    settings: Settings, store: Store, company: Company, paths: dict[str, str]
) -> list[Visit]:
    """Who still has to answer, each at the time of the simulated answer."""
    with store.read() as c:
        answered = {person.customer for person in respondents.of_study(c, STUDY)}
    return [
        Visit(paths[person.customer], person, person.stops_after, person.answered_on)
        for person in company.respondents
        if person.customer in paths
        and customer_key(person.customer, settings.customer_key) not in answered
    ]
