"""Inspection, layouts and best-worst sets: what a researcher reads and exchanges."""

import importlib.util
import json
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.choices.coding import coding_in
from analysis.choices.design import make_tasks
from analysis.choices.design.best_worst import inspect_sets, make_sets
from analysis.choices.design.describing import described
from analysis.choices.design.inspection import inspect_design
from analysis.choices.design.layouts import LAYOUTS, from_layout, to_layout
from analysis.choices.design.reading import DesignFaults, checked_design
from analysis.cli import main
from analysis.cli.design import asked_by_ctrl_c
from analysis.study.exercises import BestWorstExercise

SPEC = importlib.util.spec_from_file_location("evaluator", Path(__file__).parent / "evaluator.py")
evaluator = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(evaluator)
PASTRY = Path(__file__).parents[4] / "examples" / "pastry" / "study.yaml"


def inspected(exercise, frame, **more):
    return inspect_design(exercise, coding_in("", exercise), frame, **more)


def test_errors_and_standard_errors_are_those_of_the_definition():
    priors = {"a0": {"means": {"l0": -0.5, "l1": 0, "l2": 0.5}, "sd": 0.3}}
    exercise = evaluator.exercise([3, 2, 4], blocks=4, priors=priors)
    frame = make_tasks(exercise)
    figures = inspected(exercise, frame, n=200).figures
    levels, tables = evaluator.places(frame, exercise), [evaluator.effects(c) for c in (3, 2, 4)]
    mean = np.array([-0.5, 0, 0, 0, 0, 0])
    assert figures["d0"] == pytest.approx(evaluator.error(levels, tables, np.zeros(6)))
    assert figures["dp"] == pytest.approx(evaluator.error(levels, tables, mean))
    assert figures["db"] > figures["dp"] * 0.99
    assert figures["db_singular_draws"] == 0
    variances = np.linalg.inv(evaluator.information(levels, tables, mean) * 200 / 4)
    ses = {(e["attribute"], e["level"]): e["se"] for e in figures["standard_errors"]}
    assert ses["a0", "l0"] == pytest.approx(np.sqrt(variances[0, 0]))
    last = np.array([-1.0, -1.0])
    assert ses["a0", "l2"] == pytest.approx(np.sqrt(last @ variances[:2, :2] @ last))
    assert 90 < figures["relative_d_efficiency"] <= 100 + 1e-9
    text = described(inspected(exercise, frame))
    assert "Nothing to mend was found." in text
    assert "divided by nothing" in text


def test_faults_of_a_design_are_named():
    exercise = evaluator.exercise(
        [2, 2, 2],
        alternatives=2,
        tasks=3,
        blocks=1,
        preference="increasing",
        prohibitions=[{"a0": "l1", "a1": "l1"}],
    )
    rows = [
        (1, 1, "l0", "l0", "l0"), (1, 2, "l1", "l1", "l0"),
        (2, 1, "l0", "l0", "l0"), (2, 2, "l1", "l1", "l0"),
        (3, 1, "l0", "l1", "l0"), (3, 2, "l0", "l1", "l0"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["task", "alternative", "a0", "a1", "a2"]).assign(block=1)
    found = inspected(exercise, checked_design(exercise, frame))
    faults = found.figures["faults"]
    assert faults["prohibited_alternatives"] == 2
    assert faults["tasks_with_a_repeated_alternative"] == 1
    assert faults["tasks_twice_in_a_block"] == 1
    assert found.figures["dominated_tasks"] == 3
    assert "a2" in found.figures["unconnected"]
    assert found.figures["d0"] == np.inf
    assert any("level 'l1' of attribute 'a2' is in no task" in w for w in found.warnings)
    json.dumps(found.plain(), allow_nan=False)


def test_prohibitions_that_leave_a_part_worth_untold_are_named():
    forbidden = [{"a0": "l0", "a1": "l1"}, {"a0": "l1", "a1": "l0"}]
    exercise = evaluator.exercise([2, 2, 3], alternatives=2, prohibitions=forbidden, tasks=6)
    found = inspected(exercise, make_tasks(exercise))
    reasons = " ".join(found.figures["inestimable"])
    assert "because of the prohibitions" in reasons
    assert "a0" in reasons
    assert "a1" in reasons
    assert "a2" not in reasons


@pytest.mark.parametrize("layout", LAYOUTS)
def test_designs_go_out_and_come_back(layout):
    exercise = evaluator.exercise([3, 2, 4], none={"label": "No"}, holdouts=2)
    frame = make_tasks(exercise)
    assert (frame["role"] == "holdout").sum() == 2 * 2 * 3
    text = to_layout(exercise, frame, layout).to_csv(index=False)
    from io import StringIO

    table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(from_layout(exercise, table, layout), frame, check_dtype=False)


def test_tasks_that_differ_between_blocks_are_no_holdouts():
    exercise = evaluator.exercise([3, 2, 4], holdouts=2)
    frame = make_tasks(exercise).drop(columns="role")
    other = frame["block"].eq(2) & frame["task"].eq(5)
    frame.loc[other, "a2"] = ["l0", "l1", "l2"]
    frame.loc[other, "a1"] = ["l0", "l1", "l0"]
    frame.loc[other, "a0"] = ["l0", "l0", "l0"]
    assert set(checked_design(exercise, frame)["role"]) == {"estimation"}


def test_priors_that_leave_no_doubt_are_named_as_such():
    """Every answer is certain at the means, but the tasks themselves tell all part-worths."""
    means = {"l0": -80, "l1": 0, "l2": 80}
    priors = {name: {"means": means} for name in ("a0", "a1", "a2")}
    found = inspected(wanted := evaluator.exercise([3, 3, 3], priors=priors), make_tasks(wanted))
    assert np.isfinite(found.figures["d0"])
    assert np.isinf(found.figures["dp"])
    assert found.figures["inestimable"] == []
    assert any("nearly every answer is certain" in warning for warning in found.warnings)


def test_tasks_fewer_than_part_worths_have_no_efficiency():
    exercise = evaluator.exercise([5] * 6, tasks=4, blocks=1)
    figures = inspected(exercise, make_tasks(exercise)).figures
    assert figures["relative_d_efficiency"] == 0
    assert figures["d_efficiency_choiceff"] == 0
    assert figures["inestimable"]


def test_a_reason_that_lies_in_the_prohibitions_is_said_once():
    left = [f"l{k}" for k in range(9)]
    prohibitions = [{f"a{n}": left[1:], f"a{n + 1}": left} for n in (0, 2, 4, 6)]
    exercise = evaluator.exercise([9] * 8, tasks=6, prohibitions=prohibitions)
    reasons = inspected(exercise, make_tasks(exercise)).figures["inestimable"]
    assert len(reasons) == 4 * 8
    assert all(reason.startswith("because of the prohibitions, level") for reason in reasons)


def test_ctrl_c_asks_for_the_best_tasks_so_far_and_a_second_one_ends():
    before = signal.getsignal(signal.SIGINT)
    with asked_by_ctrl_c() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_fixed_tasks_of_sawtooth_become_holdouts_of_every_version():
    exercise = evaluator.exercise([2, 2], alternatives=2, tasks=2)
    rows = ["0,2,1,1,2", "0,2,2,2,1", "1,1,1,1,1", "1,1,2,2,2", "1,3,1,1,2", "1,3,2,2,1"]
    rows += [row.replace("1,", "2,", 1) for row in rows[2:]]
    cells = [row.split(",") for row in rows]
    table = pd.DataFrame(cells, columns=["Version", "Task", "Concept", "Att1", "Att2"])
    frame = from_layout(exercise, table, "sawtooth")
    assert frame["block"].nunique() == 2
    assert set(frame.loc[frame["role"] == "holdout", "task"]) == {2}
    assert frame["task"].max() == 3


def test_every_fault_of_a_design_file_is_listed_at_once():
    exercise = evaluator.exercise([2, 2], alternatives=2)
    rows = [("1", "1", "1", "l0", "l9"), ("1", "x", "2", "l1", "l0"), ("1", "2", "1", "l7", "l0")]
    table = pd.DataFrame(rows, columns=["block", "task", "alternative", "a0", "a1"])
    with pytest.raises(DesignFaults) as found:
        checked_design(exercise, table)
    text = str(found.value)
    assert "line 2: 'a1' has no level 'l9'. Use one of: l0, l1" in text
    assert "line 3: task 'x' is no whole number" in text
    assert "line 4: 'a0' has no level 'l7'" in text
    with pytest.raises(DesignFaults, match="there is no column 'a1'"):
        checked_design(exercise, table.drop(columns="a1"))
    good = table.assign(task=["1", "1", "2"], a0="l0", a1=["l0", "l1", "l0"])
    with pytest.raises(DesignFaults, match=r"block 1, task 2: alternatives \[1\]"):
        checked_design(exercise, good)


def test_the_commands_make_rewrite_and_inspect(tmp_path):
    run = CliRunner().invoke
    made, other, out = tmp_path / "d.csv", tmp_path / "s.csv", tmp_path / "out"
    options = ["--method", "balanced-overlap", "--blocks", "6", "--seed", "3"]
    assert run(main, ["design", str(PASTRY), *options, "--out", str(made)]).exit_code == 0
    table = pd.read_csv(made, dtype=str, keep_default_na=False)
    assert table["block"].nunique() == 6
    assert set(table.loc[table["none"] == "1", "price"]) == {""}
    arguments = ["design", str(PASTRY), *options, "--layout", "sawtooth", "--out", str(other)]
    assert run(main, arguments).exit_code == 0
    read = run(main, ["design", str(PASTRY), "--from", str(other), "--layout", "sawtooth"])
    assert read.exit_code == 0
    assert read.output.startswith("block,task,alternative,role")
    done = run(main, ["inspect", str(PASTRY), str(made), "--n", "400", "--out", str(out)])
    assert done.exit_code == 0, done.output
    figures = json.loads((out / "inspection.json").read_text())
    assert figures["blocks"] == 6
    assert "divided by nothing" in figures["conventions"]["information"]
    wrong = run(main, ["design", str(PASTRY), "--layout", "sawtoth"])
    assert wrong.exit_code == 2
    assert "Use one of: surveyapp, sawtooth" in wrong.output


@pytest.mark.parametrize(
    ("items", "size", "sets"), [(7, 3, 7), (9, 3, 12), (13, 4, 13), (10, 4, 15), (16, 4, 20)]
)
def test_best_worst_sets_are_balanced_where_blocks_exist(items, size, sets):
    exercise = best_worst(items, size, sets, blocks=3)
    figures = inspect_sets(exercise, make_sets(exercise))
    assert figures["item_most_less_least_in_worst_block"] == 0
    assert figures["pair_most_less_least_in_worst_block"] == 0
    assert figures["unconnected_blocks"] == figures["repeated_items"] == 0
    assert figures["position_most_less_least"] <= 2


def test_best_worst_sets_are_nearly_balanced_otherwise():
    exercise = best_worst(20, 5, 12, blocks=30)
    frame = make_sets(exercise)
    figures = inspect_sets(exercise, frame)
    assert figures["item_most_less_least_in_worst_block"] == 0
    assert figures["pair_most_less_least_in_worst_block"] <= 1
    assert figures["pair_most_less_least"] <= 8
    pd.testing.assert_frame_equal(frame, make_sets(exercise))


def best_worst(items, size, sets, *, blocks):
    parts = [{"id": f"i{n}", "label": f"I{n}"} for n in range(items)]
    given = {"id": "m", "kind": "best_worst", "question": "?", "items": parts, "sets": sets}
    design = {"blocks": blocks, "seed": 2}
    return BestWorstExercise.model_validate(given | {"set_size": size, "design": design})
