import pytest

from tests import builders


@pytest.fixture
def app(tmp_path):
    """The app with the demo study published."""
    made = builders.make_app(tmp_path / "instance")
    builders.publish(made)
    yield made
    builders.close(made)


@pytest.fixture
def client(app):
    return app.test_client()
