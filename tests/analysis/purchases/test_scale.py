"""Ten times the purchases: about ten times the CPU, within four gigabytes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "scores.py"


@pytest.mark.deep
def test_cost_is_linear_to_a_hundred_million_rows(tmp_path):
    spec = importlib.util.spec_from_file_location("scores_benchmark", SCRIPT)
    scores = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scores)
    found = {}
    for rows, customers in ((10_000_000, 500_000), (100_000_000, 5_000_000)):
        path = tmp_path / "purchases.parquet"
        scores.simulate(rows, customers, path)
        found[rows] = scores.run("ours", path, 2.5)
        path.unlink()
    small, large = found[10_000_000], found[100_000_000]
    assert large["peak_mib"] < 4096
    assert large["cpu"] < 15 * small["cpu"]
