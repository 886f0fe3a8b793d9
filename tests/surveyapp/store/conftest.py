import os

import pytest
from sqlalchemy import create_engine, text

from surveyapp.store import Store, migrate

POSTGRES = os.environ.get("SURVEYAPP_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    if not POSTGRES:
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail("REQUIRE_POSTGRES=1, but SURVEYAPP_TEST_POSTGRES names no server")
        pytest.skip("SURVEYAPP_TEST_POSTGRES names no PostgreSQL server")
    name = f"surveyapp_test_{os.getpid()}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as c:
        c.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        c.execute(text(f"CREATE DATABASE {name}"))
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as c:
        c.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def store(url):
    """A store with all tables."""
    made = Store(url)
    migrate.prepare(made)
    yield made
    made.close()
