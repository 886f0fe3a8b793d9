"""Apps whose ledgers take files, with a researcher each."""

import pytest

from tests import builders
from tests.surveyapp.people import logged_in


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path, LEASE_SECONDS=2, MAX_LEDGER_BYTES=400_000)
    yield made
    builders.close(made)


@pytest.fixture
def researcher(app):
    return logged_in(app, "researcher")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An app for tests that load nothing."""
    made = builders.make_app(tmp_path_factory.mktemp("shared"))
    yield made
    builders.close(made)


@pytest.fixture(scope="module")
def asker(shared):
    return logged_in(shared, "researcher")
