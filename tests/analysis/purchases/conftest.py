"""Both engines, for the tests that run on each."""

from __future__ import annotations

import os

import pytest

from analysis.purchases.engines import open_engine
from analysis.purchases.spark import missing


@pytest.fixture(scope="session", params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request):
    if request.param == "spark" and missing():
        if os.environ.get("REQUIRE_SPARK") == "1":
            pytest.fail(missing())
        pytest.skip(missing())
    with open_engine(request.param) as opened:
        yield opened
