"""Ten times the purchases: about ten times the CPU, within four gigabytes."""

from __future__ import annotations

import importlib.util
import shutil
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
        folder = tmp_path / "purchases"
        scores.simulate(rows, customers, folder)
        found[rows] = scores.run("ours", folder, 2)
        shutil.rmtree(folder)
    small, large = found[10_000_000], found[100_000_000]
    assert large["peak_mib"] < 4096
    assert large["cpu"] < 15 * small["cpu"]
    for name in ("customers", "frequency", "points", "active"):
        assert large["sums"][name] == pytest.approx(10 * small["sums"][name], rel=0.02)
