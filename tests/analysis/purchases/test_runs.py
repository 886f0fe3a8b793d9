from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.purchases import runs as kept
from analysis.purchases.engines import open_engine
from analysis.purchases.plan_options import plan_of
from analysis.purchases.runs import read_runs, score_run
from analysis.purchases.scoring import SCORE_COLUMNS, ScoringPlan
from analysis.purchases.stored_movement import FILE as MOVEMENT
from analysis.purchases.stored_movement import movement_between, write_movement
from analysis.purchases.stored_outlook import FILE as OUTLOOK
from analysis.purchases.stored_outlook import StoredOutlook
from analysis.purchases.stored_scores import StoredScores, runs
from analysis.purchases.tiers import TierRule

AS_OF = date(2026, 6, 30)


def log(rows=400):
    generator = np.random.default_rng(8)
    ago = generator.integers(0, 800, rows)
    return pd.DataFrame(
        {
            "customer": [f"k{n:03}" for n in generator.integers(0, 40, rows)],
            "time": pd.Timestamp(AS_OF) - pd.to_timedelta(ago, unit="D"),
            "amount": generator.integers(100, 9000, rows),
        }
    )


def make(folder, *, as_of=AS_OF, plan=None, ledger="d1"):
    with open_engine() as engine:
        return score_run(
            engine,
            log(),
            folder,
            as_of=as_of,
            plan=plan or ScoringPlan(),
            ledger=ledger,
            made="2026-07-01T00:00:00.000Z",
        )


def test_a_run_is_kept_once_and_never_written_again(tmp_path):
    run, fresh = make(tmp_path)
    assert fresh
    assert run.as_of == "2026-06-30"
    record = tmp_path / run.run / "run.json"
    before = record.read_bytes()
    assert make(tmp_path) == (run, False)
    assert record.read_bytes() == before
    others = [
        make(tmp_path, ledger="d2")[0].run,
        make(tmp_path, as_of=date(2026, 3, 31))[0].run,
        make(tmp_path, plan=plan_of({"latest_weight": 1}))[0].run,
    ]
    assert len({run.run, *others}) == 4
    assert read_runs(tmp_path)[0].as_of == "2026-03-31"
    assert not list(tmp_path.glob(".draft-*"))
    assert [record["run"] for record in runs(tmp_path)] == [r.run for r in read_runs(tmp_path)]


def test_a_draft_without_record_does_not_count(tmp_path):
    (tmp_path / "2026-06-30-killed").mkdir()
    (tmp_path / "2026-06-30-killed" / "customers.parquet").write_bytes(b"")
    assert read_runs(tmp_path) == []


def test_the_stored_form_equals_the_tables(tmp_path):
    run, _ = make(tmp_path)
    folder = tmp_path / run.run
    customers = pd.read_parquet(folder / "customers.parquet")
    assert tuple(customers.columns) == SCORE_COLUMNS
    assert customers["customer"].is_monotonic_increasing
    with StoredScores(folder) as stored:
        for row in customers.to_dict("records"):
            found = stored.customer(row["customer"])
            assert found["points"] == row["points"]
            assert isinstance(found["frequency"], int)
            series = stored.series(row["customer"])
            assert len(series) == 52
            assert series[-1].ends == AS_OF
            assert series[-1].rolling == pytest.approx(row["signed_points"])
            rolling = np.array([week.rolling for week in series])
            assert rolling.mean() == pytest.approx(row["rolling_mean"], rel=1e-9)
            assert rolling.std() == pytest.approx(row["rolling_sd"], rel=1e-9, abs=1e-9)
            points = np.array([week.points for week in series])
            assert points.std() == pytest.approx(row["weekly_sd"], rel=1e-9, abs=1e-9)
        assert stored.search(limit=3)[0]["rank"] == 1
        best = stored.search(tier="platinum")
        assert [c["customer"] for c in best] == [
            c["customer"] for c in stored.search() if c["tier"] == "platinum"
        ]
        assert {c["customer"] for c in stored.search(begins="k00")} == {
            name for name in customers["customer"] if name.startswith("k00")
        }
        assert stored.search(begins="%") == []
        assert stored.customer("nobody") is None
        assert stored.series("nobody") == []
        assert sum(t["customers"] for t in stored.table("tiers")) == len(customers)
        assert stored.facts()["configuration"] == json.loads(json.dumps(run.configuration))
        with pytest.raises(ValueError, match="no table"):
            stored.table("customers; DROP TABLE weeks")


@pytest.mark.parametrize(
    "asked", [{}, {"tier": "gold"}, {"begins": "k0"}, {"begins": "k0", "tier": "gold"}]
)
def test_a_page_of_customers_is_found_in_an_index_alone(tmp_path, asked):
    run, _ = make(tmp_path)
    with StoredScores(tmp_path / run.run) as stored:
        statements = []
        stored._file.set_trace_callback(statements.append)
        found = stored.search(**asked, limit=5)
        stored._file.set_trace_callback(None)
        plan = [
            row["detail"] for row in stored._file.execute(f"EXPLAIN QUERY PLAN {statements[0]}")
        ]
    assert 0 < len(found) <= 5
    assert any("COVERING INDEX" in step for step in plan)
    assert not any(step == "SCAN customers" for step in plan)


def test_a_wrong_configuration_lists_what_is_wrong():
    with pytest.raises(ValueError, match="rise from the best tier down"):
        TierRule((("a", 0.5), ("b", 0.2)))
    with pytest.raises(ValueError, match=r"latest_weight is -2.*tiers are 'x'"):
        plan_of({"latest_weight": -2, "tiers": "x"})
    with pytest.raises(ValueError, match="no scoring options weight"):
        plan_of({"weight": 2})


def test_a_run_of_an_earlier_build_is_made_anew_and_stays_readable(tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(kept, "CONTENTS", kept.CONTENTS - 1)
        old, _ = make(tmp_path)
    new, fresh = make(tmp_path)
    assert fresh
    assert new.run != old.run
    assert {run.run for run in read_runs(tmp_path)} == {old.run, new.run}
    for run in (old, new):
        with StoredScores(tmp_path / run.run) as scores:
            assert len(scores.search(limit=100)) == run.customers


def test_purchase_days_of_an_outlook_of_an_earlier_build_are_read(tmp_path):
    with closing(sqlite3.connect(tmp_path / OUTLOOK)) as file:
        file.execute(
            "CREATE TABLE days (customer, day, cents, lines, channels, stores, sale_lines)"
        )
        rows = [("k1", f"2026-06-0{day}", 500, 1, "web", None, 0) for day in (1, 2, 3)]
        file.executemany("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        file.commit()
    with StoredOutlook(tmp_path) as outlook:
        assert outlook.count_days("k1") == 3
        (second,) = outlook.days("k1", limit=1, after=1)
        assert (second["day"], second["cents"], second["channels"]) == ("2026-06-02", 500, "web")


def test_movement_is_counted_with_the_run_and_again_after_an_erasure(tmp_path):
    earlier = tmp_path / make(tmp_path, as_of=date(2026, 3, 31))[0].run
    run = tmp_path / make(tmp_path)[0].run
    counted = movement_between(earlier, run)
    assert sum(row["customers"] for row in counted) == 40
    write_movement(run)
    stored = json.loads((run / MOVEMENT).read_text())
    assert stored[earlier.name]["moves"] == counted
    stored[earlier.name]["moves"] = []  # so that what is read is told from what is counted
    (run / MOVEMENT).write_text(json.dumps(stored))
    assert movement_between(earlier, run) == []
    with closing(sqlite3.connect(run / "lookup.sqlite")) as file:
        file.execute("DELETE FROM customers WHERE number = 0")
        file.commit()
    assert sum(row["customers"] for row in movement_between(earlier, run)) == 39
