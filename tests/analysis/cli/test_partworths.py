"""python -m analysis: check, schema, design, partworths."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDY = EXAMPLES / "electricity/study.yaml"
CHOICES = EXAMPLES / "electricity/choices.csv.gz"


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def refused(*arguments):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "deep" / "er"
    result = run("partworths", STUDY, CHOICES, "--estimator", "mnl", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return out


def test_help_is_shown_without_loading_the_statistics():
    program = (
        "import sys; from analysis.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "assert not {'pandas', 'numpy', 'scipy', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("check", "schema", "design", "partworths", "nps", "engagement", "report"):
        assert name in done.stdout


def test_the_logit_loads_nothing_it_does_not_use(tmp_path):
    heavy = {"numba", "arviz", "statsmodels", "scipy.stats", "scipy.optimize"}
    program = (
        "import sys; from analysis.cli import main\n"
        f"main({['partworths', str(STUDY), str(CHOICES), '--out', str(tmp_path / 'out')]},"
        " standalone_mode=False)\n"
        f"assert not {heavy} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_check_says_ok_or_lists_every_fault(tmp_path):
    assert run("check", STUDY).stdout == "ok\n"
    broken = tmp_path / "broken.yaml"
    broken.write_text("study: Bad\ntitle: T\npages:\n  - {id: p, exercise: nowhere}\nodd: 1\n")
    said = refused("check", broken)
    assert "study" in said
    assert "nowhere" in said
    assert "odd" in said
    assert "3 faults" in said
    assert "No such file" in refused("check", tmp_path / "nowhere.yaml")
    assert "directory" in refused("check", tmp_path).lower()


def test_schema_is_json():
    assert json.loads(run("schema").stdout)["title"] == "Study"


def test_summary(written):
    summary = json.loads((written / "summary.json").read_text())
    assert summary["estimator"] == "mnl"
    assert (summary["n_respondents"], summary["n_tasks"], summary["n_parameters"]) == (361, 4308, 6)
    assert summary["log_likelihood"] == pytest.approx(-4958.649119, abs=1e-6)
    assert summary["null_log_likelihood"] == pytest.approx(-5972.1561077)
    assert summary["converged"] is True
    assert summary["warnings"] == []


def test_partworths_table(written):
    table = pd.read_csv(written / "partworths.csv", keep_default_na=False)
    columns = ["attribute", "level", "kind", "part_worth", "se", "se_robust", "se_cluster"]
    assert list(table.columns) == columns
    price = table[table["attribute"] == "pf"].iloc[0]
    assert (price["level"], price["kind"]) == ("", "linear")
    numbers = [price["part_worth"], price["se"], price["se_cluster"]]
    assert numbers == pytest.approx([-0.625228, 0.023222, 0.033444], abs=1e-6)


def test_importances_and_money_tables(written):
    shares = pd.read_csv(written / "importances.csv")
    assert list(shares.columns)[:4] == ["attribute", "importance", "low", "high"]
    assert shares["importance"].sum() == pytest.approx(1)
    assert (shares["null_reference"] < shares["importance"]).all()
    money = pd.read_csv(written / "wtp.csv").set_index("attribute")
    assert money.loc["loc", "wtp"] == pytest.approx(2.306748, abs=1e-6)
    assert "beyond the tested prices" in money.loc["seas", "method"]


def test_same_seed_same_files(written, tmp_path):
    assert run("partworths", STUDY, CHOICES, "--out", tmp_path).exit_code == 0
    for path in written.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_mapping_renames_the_columns(written, tmp_path):
    renamed = pd.read_csv(CHOICES, nrows=480).rename(
        columns={"respondent": "id", "task": "chid", "alternative": "alt", "chosen": "choice"}
    )
    renamed["choice"] = renamed["choice"] == 1
    renamed.to_csv(tmp_path / "raw.csv", index=False)
    mapping = "respondent=id,task=chid, alternative=alt,chosen=choice"
    result = run(
        "partworths", STUDY, tmp_path / "raw.csv", "--map", mapping, "--out", tmp_path / "out"
    )
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["n_tasks"] == 120


def test_wrong_calls_are_refused_with_a_message(tmp_path):
    out = ("--out", tmp_path / "out")
    base = ("partworths", STUDY, CHOICES, *out)
    assert "'magic' is not" in refused(*base, "--estimator", "magic")
    assert "respondent=id" in refused(*base, "--map", "respondent")
    assert "twice" in refused(*base, "--map", "task=a,task=b")
    assert "no column 'id'" in refused(*base, "--map", "respondent=id")
    assert "no table of choices has" in refused(*base, "--map", "person=task")
    assert "no exercise 'other'" in refused(*base, "--exercise", "other")
    assert "--out" in refused("partworths", STUDY, CHOICES)
    assert "is a file" in refused("partworths", STUDY, CHOICES, "--out", STUDY)
    assert "No such file" in refused("partworths", STUDY, tmp_path / "none.csv", *out)
    assert "fault" in refused("partworths", CHOICES, CHOICES, *out)
    assert "no command 'partworth'" in refused("partworth")


def test_faults_of_the_file_are_listed_with_their_rows(tmp_path):
    lines = ["respondent,task,alternative,chosen,pf,cl,loc,wk,tod,seas"]
    lines += ["1,1,1,1,8,5,0,1,0,0", "1,1,2,1,9,1,1,0,0,x"]
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    said = refused("partworths", STUDY, tmp_path / "bad.csv", "--out", tmp_path / "out")
    assert "row 2, column 'pf': '8' is not a level. Use one of: 0, 7, 9." in said
    assert "row 3, column 'seas'" in said
    assert "several are chosen" in said
    assert not (tmp_path / "out").exists()


def test_choices_that_tell_nothing_are_refused_by_name(tmp_path):
    frame = pd.read_csv(CHOICES, nrows=400).assign(loc=1)
    frame.to_csv(tmp_path / "flat.csv", index=False)
    said = refused("partworths", STUDY, tmp_path / "flat.csv", "--out", tmp_path / "out")
    assert "attribute 'loc' is the same in all alternatives" in said


def test_design_writes_the_tasks(tmp_path):
    study = EXAMPLES / "pastry/study.yaml"
    printed = run("design", study)
    assert printed.exit_code == 0
    assert run("design", study, "--out", tmp_path / "a" / "tasks.csv").exit_code == 0
    path = tmp_path / "a" / "tasks.csv"
    assert path.read_text() == printed.stdout
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    concepts = frame[frame["alternative"] != "4"]
    assert set(concepts["price"]) == {"090", "105", "120", "135"}
    assert len(concepts) == 20 * 12 * 3
    none = frame[frame["alternative"] == "4"]
    assert set(none["price"]) == {""}
    assert len(none) == 20 * 12


ROW = "n,p1,1,1,1,7,1,0,0,0,0\nn,p1,1,2,0,9,1,0,0,0,0\n"
NAMES = "respondent,task,alternative,chosen,pf,cl,loc,wk,tod,seas\n"


def test_faults_name_the_line_on_which_a_row_starts(tmp_path):
    choices = tmp_path / "choices.csv"
    text = "note," + NAMES + ROW.replace("n,", '"two\nlines",', 1) + "n,p1,2,1,1,8,1,0,0,0,0\n"
    for path, pack in ((choices, bytes), (tmp_path / "choices.csv.gz", gzip.compress)):
        path.write_bytes(pack(text.encode()))
        said = refused("partworths", STUDY, path, "--out", tmp_path / "out")
        assert "row 5, column 'pf': '8' is not a level" in said
        assert not (tmp_path / "out").exists()


def test_a_quoted_name_may_hold_the_separator(tmp_path):
    choices = tmp_path / "choices.csv"
    choices.write_text('"note, private",' + NAMES + ROW.replace(",7,", ",8,"))
    said = refused("partworths", STUDY, choices, "--out", tmp_path / "out")
    assert "row 2, column 'pf': '8' is not a level" in said


def test_a_file_that_is_no_gz_says_so(tmp_path):
    choices = tmp_path / "choices.csv.gz"
    choices.write_text(NAMES + ROW)
    assert "cannot be unpacked" in refused("partworths", STUDY, choices, "--out", tmp_path / "out")


def test_counts_write_their_table(tmp_path):
    weights = tmp_path / "weights.csv"
    people = pd.read_csv(CHOICES)["respondent"].unique()
    pd.DataFrame({"respondent": people, "weight": 2.5}).to_csv(weights, index=False)
    arguments = ("--estimator", "counts", "--out", tmp_path / "c", "--weights", weights)
    assert run("partworths", STUDY, CHOICES, *arguments).exit_code == 0
    table = pd.read_csv(tmp_path / "c/counts.csv", keep_default_na=False)
    raw = pd.read_csv(CHOICES)
    local = table[(table["attribute"] == "loc") & (table["attribute_2"] == "")]
    assert list(local["chosen"]) == list(raw.groupby("loc")["chosen"].sum())
    assert (table["low"] <= table["share"]).all()
    summary = json.loads((tmp_path / "c/summary.json").read_text())
    assert summary["p_values"]["loc"] < 1e-6


def test_weights_that_cannot_be_used_are_refused(tmp_path):
    base = ("partworths", STUDY, CHOICES, "--out", tmp_path / "out", "--weights")
    path = tmp_path / "weights.csv"
    path.write_text("respondent,heavy\n1,1\n")
    assert "no column 'weight'" in refused(*base, path)
    path.write_text("respondent,weight\n1,1\n1,2\n")
    assert "respondent '1' stands twice" in refused(*base, path)
    path.write_text("respondent,weight\n1,1\n2,much\n")
    assert "row 3: weight 'much' is not a number" in refused(*base, path)
    path.write_text("respondent,weight\n1,1\n")
    assert "360 respondents have no weight" in refused(*base, path)
    assert "No such file" in refused(*base, tmp_path / "nowhere.csv")
    path.write_text("respondent,weight\n1,1\n", encoding="utf-16")
    assert "the file is not UTF-8 text. Save it as UTF-8" in refused(*base, path)
    path.write_text("")
    assert "the file is empty" in refused(*base, path)
    people = [f" {n} ;{0.5 + n % 2}" for n in range(1, 362)]
    path.write_text("respondent;weight\n" + "\n".join(people))
    assert run(*base, path).exit_code == 0


def test_latent_classes_write_their_tables(tmp_path):
    frame = pd.read_csv(CHOICES)
    few = frame[frame["respondent"] <= 120]
    few.to_csv(tmp_path / "few.csv", index=False)
    options = ("--estimator", "latent-class", "--classes", "2-3", "--starts", "3")
    done = run("partworths", STUDY, tmp_path / "few.csv", *options, "--out", tmp_path / "lc")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "lc/summary.json").read_text())
    assert [s["classes"] for s in summary["solutions"]] == [2, 3]
    assert summary["lowest_bic"] == min(summary["solutions"], key=lambda s: s["bic"])["classes"]
    table = pd.read_csv(tmp_path / "lc/classes.csv")
    assert table.groupby("classes")["class"].nunique().to_dict() == {2: 2, 3: 3}
    heads = table.drop_duplicates(["classes", "class"]).groupby("classes")["share"].sum()
    assert heads.to_list() == pytest.approx([1, 1])
    members = pd.read_parquet(tmp_path / "lc/membership.parquet")
    assert len(members) == 120 * 5
    sums = members.groupby(["classes", "respondent"])["probability"].sum()
    assert sums.to_list() == pytest.approx([1] * 240)
    money = pd.read_csv(tmp_path / "lc/wtp.csv")
    assert set(money["class"]) == set(range(1, summary["lowest_bic"] + 1))


@pytest.mark.parametrize(("value", "why"), [("5-2", "smaller number first"), ("few", "as in 2-5")])
def test_numbers_of_classes_that_make_no_sense_are_refused(tmp_path, value, why):
    arguments = ("--estimator", "latent-class", "--classes", value, "--out", tmp_path / "lc")
    assert why in refused("partworths", STUDY, CHOICES, *arguments)


def test_the_mixed_logit_writes_its_tables(tmp_path):
    frame = pd.read_csv(CHOICES)
    frame[frame["respondent"] <= 60].to_csv(tmp_path / "few.csv", index=False)
    options = ("--estimator", "mixed-logit", "--halton-draws", "30", "--vary", "cl, loc")
    done = run("partworths", STUDY, tmp_path / "few.csv", *options, "--out", tmp_path / "mx")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "mx/summary.json").read_text())
    assert (summary["n_parameters"], summary["halton_draws"]) == (8, 30)
    assert "30 draws" in summary["warnings"][-1]
    table = pd.read_csv(tmp_path / "mx/partworths.csv").set_index("attribute")
    assert list(table.index[table["sd"] > 0]) == ["cl", "loc"]
    people = pd.read_parquet(tmp_path / "mx/individual.parquet")
    assert len(people) == 60
    assert people["loc.sd"].gt(0).all()
    assert people["pf.sd"].max() == pytest.approx(0, abs=1e-9)
    for name in ("importances.csv", "wtp.csv"):
        assert len(pd.read_csv(tmp_path / "mx" / name)) >= 5
    said = refused(
        *("partworths", STUDY, CHOICES, "--out", tmp_path / "x"), *options[:2], "--vary", "x"
    )
    assert "no attribute 'x' to vary" in said


OTHER_STUDY = """
study: others
title: Others
exercises:
  - id: mattering
    kind: best_worst
    question: What matters?
    items:
      - {id: a, label: A}
      - {id: b, label: B}
      - {id: c, label: C}
  - id: rated
    kind: ratings
    question: How much?
    attributes:
      - {id: look, label: Look, levels: [{id: poor, label: Poor}, {id: good, label: Good}]}
      - {id: price, label: Price, tag: price, coding: linear, levels: [1, 2, 3]}
"""


def test_ratings_and_best_worst_write_their_tables(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(OTHER_STUDY)
    lines = ["respondent,profile,rating,look,price"]
    for person in range(40):
        for n in range(6):
            look, price = ("poor", "good")[n % 2], n % 3 + 1
            rating = 5 + 2 * (n % 2) - price + (person * 7 + n * 3) % 5 / 5
            lines.append(f"{person},{n},{rating},{look},{price}")
    (tmp_path / "ratings.csv").write_text("\n".join(lines))
    arguments = ("--estimator", "ratings", "--out", tmp_path / "r")
    done = run("partworths", study, tmp_path / "ratings.csv", *arguments)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "r/partworths.csv").set_index("attribute")
    assert table.loc["price", "part_worth"] == pytest.approx(-1, abs=0.1)
    assert len(pd.read_parquet(tmp_path / "r/individual.parquet")) == 40
    money = pd.read_csv(tmp_path / "r/wtp.csv")
    assert money["wtp"][0] == pytest.approx(2, abs=0.2)
    answers = ["respondent,task,item,best,worst"]
    for person in range(30):
        best = "aab"[person % 3]
        worst = {"a": "c", "b": "ca"[person % 2]}[best]
        answers += [f"{person},1,{i},{int(i == best)},{int(i == worst)}" for i in "abc"]
    (tmp_path / "bw.csv").write_text("\n".join(answers))
    arguments = ("--estimator", "best-worst", "--out", tmp_path / "b")
    refusal = refused("partworths", study, tmp_path / "bw.csv", *arguments, "--exercise", "rated")
    assert "is of kind 'ratings', not 'best_worst'" in refusal
    done = run("partworths", study, tmp_path / "bw.csv", *arguments)
    assert done.exit_code == 0, done.output
    scores = pd.read_csv(tmp_path / "b/scores.csv").set_index("item")
    assert scores.loc["a", "score_0_100"] == 100
    assert scores["share"].sum() == pytest.approx(100)
    assert json.loads((tmp_path / "b/summary.json").read_text())["set_size"] == 3


def test_covariates_are_read_from_a_file(tmp_path):
    people = pd.read_csv(CHOICES)["respondent"].unique()
    pd.DataFrame({"respondent": people, "size": people % 7}).to_csv(tmp_path / "c.csv", index=False)
    base = ("partworths", STUDY, CHOICES, "--out", tmp_path / "out")
    done = run(*base, "--covariates", tmp_path / "c.csv", "--covary", "size:pf, loc")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "out/partworths.csv")
    assert list(table.loc[table["kind"] == "covariate", "attribute"]) == ["pf:size", "loc:size"]
    given = ("--covariates", tmp_path / "c.csv")
    assert "give both or none" in refused(*base, *given)
    assert "as in age:price,none" in refused(*base, *given, "--covary", "size")
    assert "no column 'age'" in refused(*base, *given, "--covary", "age:pf")
    assert "no attribute" in refused(*base, *given, "--covary", "size:price")
    lc = ("--estimator", "counts", "--covary", "size:pf")
    said = refused(*base, *given, *lc)
    assert "--covary is for --estimator mnl; leave it out with --estimator counts" in said
    assert "--covariates is for" in said
