"""How tests are shared out among processes: a file to each, but all that need Spark to one."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    spark = {item.path for item in items if item.get_closest_marker("spark")}
    for item in items:
        group = "spark" if item.path in spark else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
