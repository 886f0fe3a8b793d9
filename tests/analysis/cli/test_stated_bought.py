"""Wrong files are told in words."""

import pandas as pd
from click.testing import CliRunner

from analysis.cli import main
from analysis.cli.stated_bought import _table
from tests.builders import PASTRY


def test_a_file_without_its_columns_and_a_customer_named_twice_are_refused(tmp_path):
    products, wrong, twice = (tmp_path / name for name in ("p.yaml", "w.csv", "t.csv"))
    levels = "{filling: none}"
    products.write_text(f"products:\n- name: bun\n  levels: {levels}\n")
    wrong.write_text("who\nx\n")
    twice.write_text("respondent,customer\nr1,c\nr2,c\n")
    for links in (wrong, twice):
        files = ["--links", links, "--purchases", wrong, "--availability", wrong]
        rest = [*files, "--split", "2026-03-01", "--out", tmp_path / "out.json"]
        given = ["stated-bought", PASTRY, tmp_path, products, *rest]
        found = CliRunner().invoke(main, [str(part) for part in given])
        assert found.exit_code == 2
        assert "Traceback" not in found.output


def test_a_last_day_is_whole_and_days_are_as_written(tmp_path):
    path = tmp_path / "availability.csv"
    path.write_text(
        "product,time,until,price\n"
        "bun,2026-03-01,2026-03-31,2.00\n"
        "roll,2026-03-01T20:00:00-08:00,2026-03-31T12:00:00,2.00\n"
        "tart,2026-03-01,,2.00\n"
    )
    found = _table(path, "product", "time", "until", "price")
    ends = [pd.Timestamp("2026-03-31T23:59:59.999999"), pd.Timestamp("2026-03-31T12:00")]
    assert found["until"].tolist()[:2] == ends
    assert found["until"].isna().tolist() == [False, False, True]
    assert found["day"].dt.strftime("%m-%d").tolist() == ["03-01"] * 3
