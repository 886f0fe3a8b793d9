"""``surveyapp`` on the command line. Heavy imports stand inside the bodies of commands."""

from __future__ import annotations

from surveyapp.commands.analysing import analyse, report
from surveyapp.commands.archives import archive
from surveyapp.commands.customers import customers
from surveyapp.commands.demo import demo
from surveyapp.commands.group import Group
from surveyapp.commands.invitations import links
from surveyapp.commands.ledger import ledgers, purchases
from surveyapp.commands.load_testing import load_test
from surveyapp.commands.mailing import invitations
from surveyapp.commands.panels import panels
from surveyapp.commands.rehearsing import rehearse
from surveyapp.commands.responses import responses
from surveyapp.commands.scores import scores
from surveyapp.commands.serving import init, serve, worker
from surveyapp.commands.settings import settings
from surveyapp.commands.stores import store
from surveyapp.commands.studies import study
from surveyapp.commands.users import user

main = Group(
    "surveyapp",
    help="Surveys, choices and purchases joined into one report of perceived customer value.",
)
for _command in (
    init,
    demo,
    serve,
    worker,
    study,
    rehearse,
    links,
    invitations,
    panels,
    responses,
    purchases,
    ledgers,
    customers,
    scores,
    analyse,
    report,
    archive,
    store,
    load_test,
    user,
    settings,
):
    main.add_command(_command)
