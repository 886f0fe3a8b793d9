"""The web app: collects answers, runs analyses, shows reports."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from surveyapp import languages, security
from surveyapp.settings import CHECKOUT, PACKAGE, Settings, read_settings
from surveyapp.store import Store, migrate


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; without arguments, from the instance folder and the environment.

    An empty database gets its tables; an outdated one is refused with the command that mends it.
    """
    settings = settings or read_settings()
    settings.instance.mkdir(parents=True, exist_ok=True)
    app = Flask(
        "surveyapp",
        instance_path=str(settings.instance),
        template_folder=str(_templates()),
        static_folder=str(PACKAGE / "static"),
    )
    store = Store(settings.database_url)
    migrate.prepare(store)
    app.extensions["surveyapp.settings"] = settings
    app.extensions["surveyapp.store"] = store
    languages.set_up(app)
    security.protect(app, settings)
    _register_doors(app)
    return app


def _templates() -> Path:
    inside = PACKAGE / "templates"
    return inside if inside.is_dir() else CHECKOUT / "templates"


def _register_doors(app: Flask) -> None:
    from surveyapp.customers import routes as customers
    from surveyapp.ledgers import routes as ledgers
    from surveyapp.reports import routes as reports
    from surveyapp.reports import sharing
    from surveyapp.respond import opt_out, withdrawal
    from surveyapp.respond import routes as respond
    from surveyapp.staff import customer_routes as staff
    from surveyapp.studies import routes as studies

    for door in (respond, withdrawal, opt_out, staff, studies, reports, customers, ledgers):
        app.register_blueprint(door.door)
    app.register_blueprint(sharing.shared)
