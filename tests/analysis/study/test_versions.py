from pathlib import Path

from analysis.study import parse_study
from analysis.study.versions import compare_versions, pooled_with

PASTRY = (Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml").read_text()


def outcomes(old, new, number=1):
    found = compare_versions(parse_study(old), parse_study(new), number=number)
    return {v.id: v.outcome for v in found if v.part != "study"}


def test_nothing_changed_is_pooled():
    assert set(outcomes(PASTRY, PASTRY).values()) == {"pooled"}


def test_a_changed_wording_keeps_one_item_apart_unless_declared():
    new = PASTRY.replace("text: The quality is the same", "text: The quality is about the same")
    assert outcomes(PASTRY, new)["function.same"] == "apart"
    assert outcomes(PASTRY, new)["function.order"] == "pooled"
    declared = new.replace("analysis:\n", "analysis:\n  equivalent: {function: [1]}\n")
    assert outcomes(PASTRY, declared)["function.same"] == "declared"
    assert outcomes(PASTRY, declared, number=2)["function.same"] == "apart"


def test_changed_levels_are_refused_even_when_declared():
    new = PASTRY.replace("number: 1.35}", "number: 1.50}")
    assert new != PASTRY
    declared = new.replace("analysis:\n", "analysis:\n  equivalent: {bun: [1]}\n")
    assert outcomes(PASTRY, declared)["bun"] == "refused"
    assert pooled_with(parse_study(declared), 1, parse_study(PASTRY)) == (
        frozenset(),
        frozenset({"bun"}),
    )
    said = [v.in_words() for v in compare_versions(parse_study(PASTRY), parse_study(new), number=1)]
    assert any("stood for 1.35 and stands for 1.5" in words for words in said)
