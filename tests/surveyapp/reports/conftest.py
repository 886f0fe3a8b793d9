import pytest

from tests import builders


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path, LOG_IN_LIMIT="1000 per minute")
    yield made
    builders.close(made)
