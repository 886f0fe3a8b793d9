"""What serving sets before any request."""

import os
import subprocess
import sys

import pytest

from surveyapp.commands import serving
from surveyapp.commands.group import Fault


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("3", "3")])
def test_requests_calculate_on_one_thread_unless_told_otherwise(monkeypatch, given, found):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")

    def none():
        raise Fault("There is no instance")

    monkeypatch.setattr(serving, "read_settings", none)
    with pytest.raises(Fault):
        serving.serve_until_stopped("127.0.0.1", 8000, work=False)
    assert os.environ["OPENBLAS_NUM_THREADS"] == found


def test_numpy_is_not_loaded_before_that():
    says = (
        "import sys, surveyapp.commands.serving, surveyapp.jobs.worker; "
        "from surveyapp import create_app; sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", says], check=False).returncode == 0
