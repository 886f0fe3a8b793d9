"""Logs and options that are wrong on purpose: a reason in words, never a number or a traceback."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli.lifetime_value import lifetime_value
from analysis.cli.winback import winback


def log():
    """60 customers over 500 days from 1 January 2025."""
    generator = np.random.default_rng(1)
    rows = [
        (f"c{n}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(day)))
        for n in range(60)
        for day in np.unique([0 if n == 0 else 9, *generator.integers(0, 500, 12)])
    ]
    table = pd.DataFrame(rows, columns=["customer", "time"])
    return table.assign(amount=generator.gamma(3, 10, len(table)).round(2) + 0.01)


LOGS = {
    "a single customer": lambda table: table[table["customer"] == "c1"],
    "all on one day": lambda table: table.assign(time="2026-01-01"),
    "refunds alone": lambda table: table.assign(amount=-5),
    "gifts alone": lambda table: table.assign(amount=0),
    "one amount": lambda table: table.assign(amount=10),
    "nobody twice": lambda table: table.drop_duplicates("customer"),
    "a header alone": lambda table: table.head(0),
}
DAYS = {
    "before the first purchase": "2020-01-01",
    "the day of the first": "2025-01-01",
    "long after the last": "2040-01-01",
    "the last day there is": "9999-12-31",
}


@pytest.fixture
def call(tmp_path):
    def run(command, table, *options, as_of="2026-05-16"):
        path = tmp_path / "log.csv"
        table.to_csv(path, index=False)
        out = tmp_path / ("list.csv" if command is winback else "values")
        given = [str(path), "--as-of", as_of, *options, "--out", str(out)]
        return CliRunner().invoke(command, given), out

    return run


@pytest.mark.parametrize(
    ("table", "as_of"),
    [*((name, "2026-05-16") for name in LOGS), *(("log", day) for day in DAYS.values())],
    ids=[*LOGS, *DAYS],
)
def test_too_little_to_tell_is_a_reason_and_no_number(call, table, as_of):
    rows = LOGS[table](log()) if table in LOGS else log()
    found, out = call(lifetime_value, rows, "--margin", "0.3", as_of=as_of)
    assert found.exit_code == 0, found.output
    assert "not enough history" in found.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary["parameters"] is None
    assert summary["totals"] == {}
    customers = pd.read_parquet(out / "customers.parquet")
    assert customers[["p_alive", "expected_purchases", "residual_value"]].isna().all().all()
    found, out = call(winback, rows, as_of=as_of)
    assert found.exit_code == 0, found.output
    assert "not enough history" in found.stderr
    assert pd.read_csv(out).empty
    assert "not enough history" in json.loads(out.with_suffix(".json").read_text())["unavailable"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--horizon-weeks", "0", "not in the range x>0"),
        ("--horizon-weeks", "nan", "a horizon of nan weeks: write more than 0"),
        ("--horizon-weeks", "inf", "at most 2,600 (50 years)"),
        ("--horizon-weeks", "1e9", "at most 2,600 (50 years)"),
        ("--margin", "nan", "a margin of nan"),
        ("--discount", "nan", "a discount of nan"),
        ("--seed", "-1", "not in the range x>=0"),
        ("--map", "time=customer", "the column 'customer' is taken for customer and time"),
        ("--map", "customer=time,time=time", "the column 'time' is taken for customer and time"),
        ("--map", "customer=customer,customer=time", "a name stands twice"),
    ],
)
def test_options_of_lifetime_value_that_mean_nothing(call, option, value, words):
    found, out = call(lifetime_value, log(), option, value)
    assert found.exit_code == 2, found.output
    assert words in found.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--false-alarms", "0", "between 0 and 0.5"),
        ("--false-alarms", "nan", "between 0 and 0.5"),
        ("--control-share", "nan", "at least 0 and below 1"),
        ("--capacity", "0", "1 customer or more"),
        ("--margin", "inf", "share of spend"),
        ("--seed", "-1", "not in the range x>=0"),
        ("--map", "amount=time", "the column 'time' is taken for time and amount"),
    ],
)
def test_options_of_winback_that_mean_nothing(call, option, value, words):
    found, out = call(winback, log(), option, value)
    assert found.exit_code == 2, found.output
    assert words in found.stderr
    assert not out.exists()


def test_a_horizon_need_not_be_whole_weeks(call):
    found, out = call(lifetime_value, log(), "--horizon-weeks", "12.5")
    assert found.exit_code == 0, found.output
    assert json.loads((out / "summary.json").read_text())["horizon_weeks"] == 12.5
