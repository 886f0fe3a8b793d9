"""Wrong files are told in words."""

from click.testing import CliRunner

from analysis.cli import main
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
