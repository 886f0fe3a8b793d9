"""Tables of choices: all faults at once with their rows, and what is accepted."""

import gzip

import numpy as np
import pandas as pd
import pytest

from analysis.study import ChoiceExercise
from analysis.tables import TableFaults, check_choices, read_choices

HEADER = "respondent,task,alternative,chosen,taste,price\n"
GOOD = """r1,1,1,1,sweet,1.2
r1,1,2,0,none,0.9
r1,2,1,0,sweet,090
r1,2,2,1,none,120
r2,1,1,true,none,0.90
r2,1,2,False,sweet,1.20
"""


def exercise(**changes):
    taste = {"id": "taste", "label": "Taste", "levels": [lv("none"), lv("sweet")]}
    price = {
        "id": "price",
        "label": "Price",
        "tag": "price",
        "coding": "linear",
        "levels": [lv("090", number=0.9), lv("120", number=1.2)],
    }
    parts = {"id": "e", "question": "Which?", "attributes": [taste, price], "alternatives": 2}
    return ChoiceExercise.model_validate(parts | changes)


def lv(name, **more):
    return {"id": name, "label": name, **more}


def write(tmp_path, rows, header=HEADER, name="choices.csv"):
    path = tmp_path / name
    path.write_text(header + rows)
    return path


def faults(tmp_path, rows, header=HEADER, **options):
    with pytest.raises(TableFaults) as caught:
        read_choices(write(tmp_path, rows, header), exercise(), **options)
    return [(f.row, f.column) for f in caught.value.faults]


def test_a_sound_file_is_read_with_level_ids_or_their_numbers(tmp_path):
    choices = read_choices(write(tmp_path, GOOD), exercise())
    assert list(choices.frame["price"]) == ["120", "090", "090", "120", "090", "120"]
    assert list(choices.frame["taste"])[:2] == ["sweet", "none"]
    assert list(choices.frame["chosen"]) == [True, False, False, True, True, False]
    assert set(choices.frame["role"]) == {"estimation"}
    assert choices.frame["task"].dtype == np.int64
    assert choices.notes == ()


def test_packed_files_other_separators_byte_order_marks_and_blank_lines(tmp_path):
    plain = read_choices(write(tmp_path, GOOD), exercise()).frame
    packed = tmp_path / "choices.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + GOOD).encode()))
    pd.testing.assert_frame_equal(read_choices(packed, exercise()).frame, plain)
    text = "\ufeff" + (HEADER + GOOD.replace("r1,2,1", "\nr1,2,1")).replace(",", ";") + "\n\n"
    other = write(tmp_path, text, header="")
    pd.testing.assert_frame_equal(read_choices(other, exercise()).frame, plain)


def test_a_mapping_names_the_columns_of_the_file(tmp_path):
    header = "id,chid,alt,choice,taste,price\n"
    mapping = {"respondent": "id", "task": "chid", "alternative": "alt", "chosen": "choice"}
    mapped = read_choices(write(tmp_path, GOOD, header), exercise(), mapping=mapping)
    plain = read_choices(write(tmp_path, GOOD), exercise())
    pd.testing.assert_frame_equal(mapped.frame, plain.frame)


def test_a_mapping_takes_precedence_over_a_column_of_the_same_name(tmp_path):
    header, rows = "id,respondent,task,alternative,chosen,taste,price\n", ""
    for line in GOOD.splitlines():
        rows += f"x{line[:2]},same,{line[3:]}\n"
    mapped = read_choices(write(tmp_path, rows, header), exercise(), mapping={"respondent": "id"})
    assert set(mapped.frame["respondent"]) == {"xr1", "xr2"}


def test_all_faults_at_once_with_the_rows_of_the_file(tmp_path):
    rows = """r1,1,1,1,sour,1.2
r1,1,2,0,none,9
r1,2,1,maybe,sweet,
,2,2,1,none,abc
"""
    assert faults(tmp_path, rows) == [
        (2, "taste"),
        (3, "price"),
        (4, "chosen"),
        (4, "price"),
        (5, "respondent"),
        (5, "price"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("r1,1,1,0,sweet,090\nr1,1,2,0,none,090\n", (2, "chosen")),
        ("r1,1,1,1,sweet,090\nr1,1,2,1,none,090\n", (2, "chosen")),
        ("r1,1,1,1,sweet,090\nr1,1,1,0,none,090\n", (3, "alternative")),
        ("r1,1,1,1,sweet,090\n", (2, "alternative")),
        ("r1,1,1,1,sweet,090\nr1,1,2,0,,090\n", (3, "taste")),
        ("r1,1,1,1,sweet,090\nr1,1,2,0,,\n", (3, "")),
        ("r1,1,1,1,sweet,nan\nr1,1,2,0,none,090\n", (2, "price")),
        ("r1,1,1,1,sweet,inf\nr1,1,2,0,none,090\n", (2, "price")),
    ],
    ids=["none_chosen", "two_chosen", "twice", "single", "gap", "no_none", "nan", "inf"],
)
def test_unsound_tasks_and_cells(tmp_path, rows, expected):
    assert faults(tmp_path, rows) == [expected]


def test_faults_after_a_blank_line_keep_the_row_of_the_file(tmp_path):
    rows = GOOD.splitlines()
    assert faults(tmp_path, "\n".join([rows[0], "", rows[1].replace("none", "sour")])) == [
        (4, "taste")
    ]


def test_missing_columns_and_wrong_mappings(tmp_path):
    header = "id,task,alternative,chosen,taste\n"
    assert faults(tmp_path, "r1,1,1,1,sweet\n", header) == [(0, "respondent"), (0, "price")]
    wrong = {"respondant": "id", "task": "chid"}
    found = faults(tmp_path, GOOD, mapping=wrong)
    assert found == [(0, "respondant"), (0, "task")]
    twice = "respondent,task,task,chosen,taste,price\n"
    assert (1, "task") in faults(tmp_path, GOOD, twice)


def test_unreadable_files_say_why(tmp_path):
    cases = {"empty": b"", "latin": HEADER.encode() + "r\xe4,1,1,1,sweet,090".encode("latin-1")}
    for name, content in cases.items():
        path = tmp_path / f"{name}.csv"
        path.write_bytes(content)
        with pytest.raises(TableFaults):
            read_choices(path, exercise())
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(gzip.compress((HEADER + GOOD * 50).encode())[:40])
    with pytest.raises(TableFaults, match="unpacked"):
        read_choices(torn, exercise())
    with pytest.raises(TableFaults, match="no rows"):
        read_choices(write(tmp_path, ""), exercise())
    with pytest.raises(TableFaults, match="row 3"):
        read_choices(write(tmp_path, "r1,1,1,1,sweet,090\nr1,1,2,0,none,090,7,7\n"), exercise())
    with pytest.raises(FileNotFoundError):
        read_choices(tmp_path / "nowhere.csv", exercise())


def test_a_file_that_is_not_separated_or_quoted_as_expected_says_so(tmp_path):
    path = write(tmp_path, GOOD.replace(",", "|"), header=HEADER.replace(",", "|"))
    with pytest.raises(TableFaults, match=r"row 1: the header has one cell, .*comma, semicolon"):
        read_choices(path, exercise())
    path = write(tmp_path, 'r1,1,1,1,sweet,090\n"r1,1,2,0,none,120\n')
    with pytest.raises(TableFaults, match="row 3: a quoted cell that starts here has no end"):
        read_choices(path, exercise())
    path = write(tmp_path, 'r1,1,1,1,sweet,"0,9"\nr1,1,2,0,none,090\n')
    with pytest.raises(TableFaults, match=r"row 2, column 'price': '0,9' is .*\(write 0.9\)"):
        read_choices(path, exercise())


def test_answers_that_never_vary_are_noted(tmp_path):
    rows = [
        f"r1,{t},{a},{int(a == 1)},{'none' if a == t else 'sweet'},090\n"
        for t in (1, 2)
        for a in (1, 2)
    ]
    notes = read_choices(write(tmp_path, "".join(rows)), exercise()).notes
    assert "alternative 1 is chosen in every task: do answers vary at all?" in notes


def test_many_faults_are_shown_in_part_and_counted(tmp_path):
    rows = "".join(f"r{n},1,1,1,sour,090\nr{n},1,2,0,none,090\n" for n in range(60))
    with pytest.raises(TableFaults, match="and 10 more") as caught:
        read_choices(write(tmp_path, rows), exercise())
    assert len(caught.value.faults) == 60
    assert str(caught.value).startswith("60 faults")


def test_a_none_alternative_has_no_levels(tmp_path):
    rows = "r1,1,1,0,sweet,090\nr1,1,2,0,none,120\nr1,1,3,1,,\n"
    with_none = exercise(none={"label": "None of these"})
    frame = read_choices(write(tmp_path, rows), with_none).frame
    assert frame[["taste", "price"]].isna().all(axis=1).tolist() == [False, False, True]
    with pytest.raises(TableFaults, match="several alternatives without levels"):
        read_choices(write(tmp_path, rows + "r1,1,4,0,,\n"), with_none)


def test_numbers_of_an_attribute_with_a_range(tmp_path):
    price = {"id": "price", "label": "P", "coding": "linear", "range": {"least": 0, "greatest": 5}}
    ranged = exercise(attributes=[price])
    header = "respondent,task,alternative,chosen,price\n"
    path = write(tmp_path, "r1,1,1,1,0.25\nr1,1,2,0,5\n", header)
    assert read_choices(path, ranged).frame["price"].tolist() == [0.25, 5.0]
    with pytest.raises(TableFaults) as caught:
        path = write(tmp_path, "r1,1,1,1,-1\nr1,1,2,0,x\nr1,1,3,0,inf\n", header)
        read_choices(path, ranged)
    assert [f.row for f in caught.value.faults] == [2, 3, 4]


def test_roles_are_checked_and_kept(tmp_path):
    header = HEADER.replace("\n", ",role\n")
    rows = [line + ",estimation" for line in GOOD.splitlines()]
    rows[0] = rows[0].replace("estimation", "holdout")
    assert faults(tmp_path, "\n".join(rows), header) == [(2, "role")]
    rows[1] = rows[1].replace("estimation", "holdout")
    frame = read_choices(write(tmp_path, "\n".join(rows), header), exercise()).frame
    assert (frame["role"] == "holdout").sum() == 2
    rows[2] = rows[2].replace("estimation", "other")
    assert faults(tmp_path, "\n".join(rows), header) == [(4, "role")]


def test_unequal_sets_and_unused_columns_are_noted(tmp_path):
    header = HEADER.replace("\n", ",age\n")
    rows = [f"{line},30" for line in GOOD.splitlines()] + ["r2,1,3,0,sweet,090,30"]
    notes = read_choices(write(tmp_path, "\n".join(rows), header), exercise()).notes
    assert len(notes) == 2
    assert "age" in " ".join(notes)
    assert "2 to 3 alternatives" in " ".join(notes)


def test_a_frame_is_checked_alike_and_left_alone(tmp_path):
    frame = pd.DataFrame(
        {
            "respondent": [1, 1],
            "task": [1, 1],
            "alternative": [1, 2],
            "chosen": [1, 0],
            "taste": ["sweet", "none"],
            "price": [0.9, 1.2],
            "block": [1, 1],
        }
    )
    before = frame.copy()
    choices = check_choices(frame, exercise())
    pd.testing.assert_frame_equal(frame, before)
    assert choices.frame["respondent"].tolist() == ["1", "1"]
    assert choices.frame["price"].tolist() == ["090", "120"]
    assert "block" in choices.frame.columns
    again = check_choices(choices.frame, exercise())
    pd.testing.assert_frame_equal(again.frame, choices.frame)


def test_the_same_task_number_of_two_respondents_is_two_tasks(tmp_path):
    frame = read_choices(write(tmp_path, GOOD), exercise()).frame
    assert len(frame[["respondent", "task"]].drop_duplicates()) == 3
