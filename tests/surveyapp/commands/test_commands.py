"""The command line: exit codes, messages, and where data go."""

import contextlib
import csv
import gzip
import io
import json
import socket
import sqlite3

import pytest
from click.testing import CliRunner

from analysis.archive import read_archive
from analysis.customer_key import customer_key
from surveyapp.commands import main
from surveyapp.settings import SETTINGS, read_settings
from surveyapp.store import Store, answers, respondents
from tests import builders

ELECTRICITY = builders.ROOT / "examples" / "electricity"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on an instance of its own; the exit code must be as expected."""
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(tmp_path / "instance"))

    def call(*words, code=0):
        result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def few(tmp_path):
    """The choices of eight people of the electricity data."""
    with gzip.open(ELECTRICITY / "choices.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "few.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in rows if int(row["respondent"]) <= 8)
    return path


def test_init_may_be_repeated_and_keeps_the_secrets(run, tmp_path):
    run("init")
    before = (tmp_path / "instance" / "config.json").read_text()
    run("init")
    assert (tmp_path / "instance" / "config.json").read_text() == before


def test_settings_are_shown_without_secrets(run, tmp_path):
    shown = run("settings").stdout
    found = read_settings(tmp_path / "instance")
    for setting in SETTINGS:
        assert setting.name in shown
        if setting.secret:
            assert str(found.values[setting.name]) not in shown


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[]", "holds no settings"),
        ("null", "holds no settings"),
        ("{}", "SECRET_KEY is missing"),
        ('{"SECRET_KEY": "%s", "CUSTOMER_KEY": "zz"}' % ("ab" * 16), "CUSTOMER_KEY is missing"),
        ("{", "is not JSON"),
    ],
)
def test_settings_that_cannot_be_used_are_a_message(run, tmp_path, config, said):
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "config.json").write_text(config)
    assert said in run("init", code=2).stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "no address of a database"),
        ("sqlite://", "no address of a database"),
        ("mysql://somewhere", "no address of a database"),
        ("sqlite:////missing/folder/x.sqlite", "file"),
        ("postgresql+psycopg://postgres@127.0.0.1:1/x", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_message(run, monkeypatch, address, said):
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", address)
    for command in (("init",), ("study", "list")):
        assert said in run(*command, code=2).stderr


def test_a_file_that_is_no_database_is_a_message(run, tmp_path):
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "surveyapp.sqlite").write_text("no database" * 100)
    assert "not a database" in run("study", "list", code=2).stderr


def test_the_database_of_a_newer_program_is_a_message(run, tmp_path):
    run("init")
    path = tmp_path / "instance" / "surveyapp.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as c:
        c.execute("UPDATE alembic_version SET version_num = 'later'")
        c.commit()
    assert "newer program" in run("init", code=2).stderr


@pytest.mark.parametrize(("port", "code"), [(99999, 2), (0, 2), (-1, 2)])
def test_a_port_that_cannot_be_is_refused(run, port, code):
    run("serve", "--port", port, code=code)


def test_a_port_in_use_and_an_unknown_host_are_messages(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Cannot serve on 127.0.0.1:{port}" in run("serve", "--port", port, code=2).stderr
    assert "Cannot serve" in run("serve", "--host", "no.such.host.invalid", code=2).stderr


def test_check_says_ok_or_lists_every_fault(run, tmp_path):
    assert run("study", "check", builders.PASTRY).stdout == "ok\n"
    broken = tmp_path / "broken.yaml"
    text = builders.PASTRY.read_text().replace("kind: nps", "kind: npx")
    broken.write_text(text.replace("label: Weekly", "").replace("minutes: 6", "minuts: 6"))
    result = run("study", "check", broken, code=2)
    assert "2 faults" in result.stderr
    assert "Did you mean 'minutes'?" in result.stderr
    assert result.stdout == ""


def test_a_missing_file_and_an_unknown_study_are_messages(run):
    run("study", "check", "nowhere.yaml", code=2)
    result = run("study", "publish", "nothing", code=2)
    assert "There is no study 'nothing'" in result.stderr
    assert "not published" in _draft_only(run).stderr


def _draft_only(run):
    run("study", "add", builders.PASTRY)
    return run("links", "create", "pastry", code=2)


def test_a_study_that_cannot_be_fielded_needs_the_option(run, tmp_path):
    text = builders.PASTRY.read_text()
    page = "  - id: choices\n    exercise: bun\n"
    file = tmp_path / "study.yaml"
    file.write_text(text.replace(page, ""))
    run("study", "add", file)
    refused = run("study", "publish", "pastry", code=2)
    assert "is on no page" in refused.stderr
    assert "--import-only" in refused.stderr
    assert "version 1" in run("study", "publish", "pastry", "--import-only").stdout
    assert "imported answers only" in run("links", "create", "pastry", code=2).stderr


def test_links_are_made_for_customers(run, tmp_path):
    run("study", "add", builders.PASTRY)
    run("study", "publish", "pastry")
    assert "/s/" in run("links", "create", "pastry").stdout
    customers = tmp_path / "customers.csv"
    customers.write_text("customer,city\nann,Ulm\nbob,Bonn\n")
    rows = list(
        csv.DictReader(
            io.StringIO(run("links", "create", "pastry", "--customers", customers).stdout)
        )
    )
    assert [row["customer"] for row in rows] == ["ann", "bob"]
    assert all("/a/" in row["address"] for row in rows)


def test_addresses_are_never_lost_to_a_file(run, tmp_path):
    run("study", "add", builders.PASTRY)
    run("study", "publish", "pastry")
    customers, out = tmp_path / "customers.csv", tmp_path / "links.csv"
    customers.write_bytes(b"ann\rbob\r")
    ask = ("links", "create", "pastry", "--customers", customers, "--out")
    assert "No such file" in run(*ask, tmp_path / "missing" / "links.csv", code=2).stderr
    run(*ask, out)
    kept = out.read_text()
    assert kept.count("/a/") == 2
    assert out.stat().st_mode & 0o077 == 0
    assert "exists" in run(*ask, out, code=2).stderr
    assert out.read_text() == kept


@pytest.mark.parametrize(
    ("raw", "said"), [(b"\xff\xfea\x00", "not UTF-8"), (b"a" * 200_000, "Line 1 cannot be read")]
)
def test_a_file_that_is_no_list_of_customers_is_a_message(run, tmp_path, raw, said):
    run("study", "add", builders.PASTRY)
    run("study", "publish", "pastry")
    (tmp_path / "customers.csv").write_bytes(raw)
    refused = run("links", "create", "pastry", "--customers", tmp_path / "customers.csv", code=2)
    assert said in refused.stderr


def test_a_link_that_is_over_already_is_not_made(run):
    run("study", "add", builders.PASTRY)
    run("study", "publish", "pastry")
    refused = run("links", "create", "pastry", "--expires", "2020-01-31", code=2)
    assert "2020-01-31 is over" in refused.stderr


def test_imported_choices_come_out_of_the_archive_as_they_went_in(run, few, tmp_path):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    assert "8 respondents" in run("responses", "import", "electricity", few).stdout
    again = run("responses", "import", "electricity", few, code=2)
    assert "8 of 8 respondents are stored already" in again.stderr
    run("archive", "export", "electricity", "--out", tmp_path / "a.sqlite")
    table = read_archive(tmp_path / "a.sqlite").choices["supplier"]
    with few.open(newline="") as file:
        given = list(csv.DictReader(file))
    names = ("pf", "cl", "loc", "wk", "tod", "seas")
    put_in = sorted(tuple(float(row[n]) for n in (*names, "chosen")) for row in given)
    came_out = sorted(
        tuple(float(row[n]) for n in (*names, "chosen")) for row in table.to_dict("records")
    )
    assert came_out == put_in
    assert "exists" in run(
        "archive", "export", "electricity", "--out", tmp_path / "a.sqlite", code=2
    ).stderr  # fmt: skip


def test_an_archive_moves_to_another_installation(run, few, tmp_path, monkeypatch):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    run("responses", "import", "electricity", few)
    run("archive", "export", "electricity", "--out", tmp_path / "a.sqlite")
    assert "already a study" in run("archive", "import", tmp_path / "a.sqlite", code=2).stderr
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(tmp_path / "other"))
    run("archive", "import", tmp_path / "a.sqlite")
    run("archive", "export", "electricity", "--out", tmp_path / "b.sqlite")
    first, second = (read_archive(tmp_path / f"{name}.sqlite") for name in "ab")
    levels = ["respondent", "task", "alternative", "chosen", "pf", "cl", "loc"]
    assert first.choices["supplier"][levels].equals(second.choices["supplier"][levels])


def test_a_bad_file_of_choices_lists_its_rows_and_stores_nothing(run, few):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    lines = few.read_text().splitlines()
    lines[3] = lines[3].replace(",", ",x", 1)
    lines[9] = ",".join(["1"] * len(lines[9].split(",")))
    few.write_text("\n".join(lines) + "\n")
    result = run("responses", "import", "electricity", few, code=2)
    assert "row " in result.stderr
    assert run("responses", "export", "electricity").stdout.count("\n") == 1


def test_a_mapping_names_the_columns(run, few):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    few.write_text(few.read_text().replace("respondent,", "id,", 1))
    run("responses", "import", "electricity", few, code=2)
    run("responses", "import", "electricity", few, "--map", "respondent=id")
    assert "NAME=COLUMN" in run(
        "responses", "import", "electricity", few, "--map", "respondent", code=2
    ).stderr  # fmt: skip


def test_a_file_that_is_no_archive_is_a_message(run, tmp_path):
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"nothing of the kind")
    assert "archive" in run("archive", "import", path, code=2).stderr


def test_purchases_are_loaded_once(run, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("customer,time,amount,currency\nann,2026-03-01,12.50,USD\nbob,soon,3.00,USD\n")
    first = run("purchases", "load", path).stdout
    assert "1 accepted" in first
    assert "time_unparsed: 1" in first
    assert "loaded before" in run("purchases", "load", path).stdout


def test_staff_are_added_once(run):
    given = ("--role", "manager", "--password", "correct horse battery")
    run("user", "add", "mia", *given)
    assert "already" in run("user", "add", "mia", *given, code=2).stderr
    assert "characters" in run(
        "user", "add", "tom", "--role", "manager", "--password", "x", code=2
    ).stderr  # fmt: skip


def test_formulas_in_answers_stay_text(run, tmp_path):
    from surveyapp.exports.spreadsheet import csv_lines

    lines = "".join(csv_lines(["a"], [["=1+1"], ["-5"], ["+x"], ["@y"], ["\tz"], [None], ["ok"]]))
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(lines))]
    assert cells == ["a", "'=1+1", "-5", "'+x", "'@y", "'\tz", "", "ok"]


def test_a_respondent_is_erased_by_receipt(run, few):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    run("responses", "import", "electricity", few)
    store = Store(read_settings().database_url)
    with store.read() as c:
        before = [person.respondent for person in respondents.of_study(c, "electricity")]
    assert "no respondent" in run("responses", "erase", "abcd-1234", "--yes", code=2).stderr
    assert "analyse electricity" in run("responses", "erase", before[0], "--yes").stdout
    with store.read() as c:
        left = [person.respondent for person in respondents.of_study(c, "electricity")]
        choosers = {given.respondent for given in answers.choices_of_study(c, "electricity")}
    assert left == before[1:]
    assert choosers == set(left)


@pytest.mark.deep
def test_electricity_from_end_to_end(run, tmp_path):
    run("study", "add", ELECTRICITY / "study.yaml")
    run("study", "publish", "electricity")
    run("responses", "import", "electricity", ELECTRICITY / "choices.csv.gz")
    run("analyse", "electricity")
    run("report", "electricity", "--out", tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    slopes = {p["attribute"]: p["estimate"]["value"] for p in report["part_worths"]}
    # Train's published aggregate logit on these data (tests/published/electricity).
    assert slopes["pf"] == pytest.approx(-0.6252, abs=1e-3)
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


def test_ledgers_from_load_to_erasure(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_KEEP_IDENTIFIERS", "true")
    path = tmp_path / "till.csv"
    path.write_text("card;date;paid\nann;2026-01-01;1,50\nbob;2026-01-02;=x\n")
    mapping = "customer=card,time=date,amount=paid"
    first = run("purchases", "load", path, "--map", mapping, "--save", "till", "--source", "A")
    assert "2 rows, 1 accepted, 0 known already, 1 set apart" in first.stdout
    again = run("ledgers", "load", "purchases", path, "--saved", "till", "--json")
    assert json.loads(again.stdout)[0]["already_loaded"]
    assert "amount_unparsed" in run("ledgers", "quarantine", "purchases").stdout
    run("ledgers", "quarantine", "purchases", "--out", tmp_path / "q.csv")
    assert "bob;2026-01-02;=x" in (tmp_path / "q.csv").read_text()
    assert "till.csv" in run("ledgers", "history", "purchases").stdout
    assert "1 rows, 0 corrected, 1 set apart" in run("ledgers", "list", "--columns").stdout
    ann = customer_key("ann", read_settings(tmp_path / "instance").customer_key)
    assert run("customers", "identify", ann).stdout.strip() == "ann"
    erased = run("customers", "erase", "ANN", "--yes").stdout
    assert "purchases rows: 1" in erased
    assert "staged rows: 1" in erased
    assert "not known whom" in run("customers", "identify", ann, code=2).output
    assert "Nothing" in run("customers", "erase", "ann", "--yes").stdout
    for wrong in (("foo", path), ("events", path), ("purchases", path, "--saved", "no")):
        run("ledgers", "load", *wrong, code=2)


def test_an_erased_customer_leaves_answers_archives_and_runs(run, tmp_path):
    run("user", "add", "ada", "--role", "manager", "--password", "several long words")
    run("user", "identifiers", "ada", "on")
    run("init")
    settings = read_settings(tmp_path / "instance")
    ann = customer_key("ann", settings.customer_key)
    archive = settings.files / "archives" / "x-1.sqlite"
    archive.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(archive)) as c:
        c.executescript(
            "CREATE TABLE facts (name, value); CREATE TABLE customers (customer, points);"
            "CREATE TABLE respondents (respondent, customer); CREATE TABLE answers (respondent);"
            f"INSERT INTO customers VALUES ('{ann}', 1), ('b', 2);"
            f"INSERT INTO respondents VALUES ('r', '{ann}'); INSERT INTO answers VALUES ('r');"
        )
    listed = settings.files / "runs" / "1" / "win-back.csv"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"customer,points\n{ann},1\nb,2\n")
    told = run("customers", "erase", "ann", "--yes").stdout
    assert str(archive) in told
    assert str(listed) in told
    run("customers", "erase", "ann", "--yes", "--archives", "rewrite", "--answers", "erase")
    assert listed.read_text() == "customer,points\nb,2\n"
    with contextlib.closing(sqlite3.connect(archive)) as c:
        assert c.execute("SELECT customer FROM customers").fetchall() == [("b",)]
        assert c.execute("SELECT count(*) FROM answers").fetchone() == (0,)
        assert c.execute("SELECT * FROM facts").fetchall() == [("customers_erased", "1")]
    assert ann.encode() not in archive.read_bytes()
