"""What a rehearsal found, in sentences: for pages, files and refusals alike."""

from __future__ import annotations

from analysis.rehearsal.types import Figure, Outcome, Rehearsal, Verdict
from analysis.study import Study

CLOSE = 2.0
"""Monte-Carlo errors within which a figure cannot be told from its target."""

KINDS = {"choice": "choices", "best_worst": "best-worst sets", "ratings": "rated profiles"}


def verdict(found: Rehearsal) -> Verdict:
    """Whether the study reaches all of its targets with the respondents rehearsed."""
    each = [one for one, _ in _judged(found)]
    if not each:
        return "no targets"
    if "missed" in each:
        return "missed"
    return "close" if "close" in each else "reached"


def headline(found: Rehearsal) -> str:
    """The verdict in one sentence."""
    people = f"{found.n:,} respondents"
    return {
        "reached": f"With {people} this study reaches its targets.",
        "close": f"With {people} this study is at the edge of its targets: too close to call.",
        "missed": f"With {people} this study cannot reach its targets.",
        "no targets": "The study states no targets, so nothing says whether it is large enough.",
    }[verdict(found)]


def sentences(found: Rehearsal) -> tuple[str, ...]:
    """One sentence for each target, then the sample size that reaches all of them."""
    unrehearsed = (found.unrehearsed,) if found.unrehearsed else ()
    return (*(text for _, text in _judged(found)), *_size(found), *unrehearsed)


def unrehearsed(study: Study) -> str:
    """Which exercises on the pages of a study no rehearsal tries, and what follows; else empty."""
    tried = study.rehearsed_exercise()
    left = [e for e in study.shown_exercises() if tried is None or e.id != tried.id]
    if not left:
        return ""
    named = ", ".join(f"'{exercise.id}' ({KINDS[exercise.kind]})" for exercise in left)
    return (
        f"Not rehearsed: {named}. Nothing says whether the respondents planned are enough for "
        f"{'it' if len(left) == 1 else 'them'}."
    )


def shortfall(found: Rehearsal) -> str:
    """Why a study is refused; empty when it is not."""
    if verdict(found) != "missed":
        return ""
    missed = [text for one, text in _judged(found) if one == "missed"]
    return " ".join([headline(found), *missed, *_size(found)])


def _judged(found: Rehearsal) -> list[tuple[Verdict, str]]:
    judged: list[tuple[Verdict, str]] = []
    if found.half_width is not None and not found.main.money:
        judged.append(("missed", "The exercise has no price, so it has no willingness to pay."))
    elif found.half_width is not None:
        judged.append(_half_width(found, found.half_width))
    if found.smallest_difference is not None:
        judged.append(_power(found, found.smallest_difference))
    return judged


def _half_width(found: Rehearsal, wanted: float) -> tuple[Verdict, str]:
    worst = found.main.widest
    assert worst is not None
    change = change_of(worst.attribute, worst.from_level, worst.to_level)
    if worst.half_width.value is None:
        return "missed", (
            f"Willingness to pay for {change} has no interval inside the tested prices in half of "
            f"the studies or more, where {money(wanted, found.unit)} to each side is wanted."
        )
    one = _against(worst.half_width, wanted, larger_is_better=False)
    reaches = {"reached": "within", "close": "at the edge of", "missed": "more than"}[one]
    return one, (
        f"Willingness to pay is known to {give_or_take(worst.half_width)} {found.unit} to each "
        f"side at worst ({change}), {reaches} the {wanted:g} wanted."
    )


def _power(found: Rehearsal, wanted: float) -> tuple[Verdict, str]:
    weakest = found.main.weakest
    if weakest is None:
        return "missed", f"A difference of {wanted:g} cannot be told in any attribute."
    one = _against(weakest.power, found.target_power, larger_is_better=True)
    reaches = {"reached": "at least", "close": "at the edge of", "missed": "less than"}[one]
    return one, (
        f"A difference of {wanted:g} between two part-worths is found in "
        f"{percent(weakest.power)} of such studies at worst (attribute '{weakest.attribute}'), "
        f"{reaches} the {found.target_power:.0%} wanted."
    )


def _against(figure: Figure, target: float, *, larger_is_better: bool) -> Verdict:
    assert figure.value is not None
    ahead = figure.value - target if larger_is_better else target - figure.value
    noise = CLOSE * (figure.error or 0.0)
    if ahead >= 0:
        return "reached"
    return "close" if ahead >= -noise else "missed"


def _size(found: Rehearsal) -> tuple[str, ...]:
    if not found.needed:
        return ()
    wanted = found.needed[-1].respondents
    if wanted.value is None:
        return (
            "No number of respondents can be named: test a wider range of prices, show more tasks, "
            "or ask for less.",
        )
    error = CLOSE * (wanted.error or 0.0)
    checked = f" (checked by simulating {found.check.n:,})" if found.check else " (not checked)"
    return (
        f"About {rounded(wanted.value)} complete respondents reach all targets, "
        f"between {rounded(wanted.value - error)} and {rounded(wanted.value + error)} by the noise "
        f"of the simulation{checked}.",
    )


def rounded(number: float) -> str:
    """A number of people to two or three digits, never less than 1."""
    step = 1 if number < 100 else 5 if number < 1000 else 50 if number < 10_000 else 500
    return f"{max(1, round(number / step) * step):,}"


def change_of(attribute: str, from_level: str, to_level: str) -> str:
    """A change of level in words."""
    return f"{attribute}: {from_level} to {to_level}"


def money(value: float, unit: str) -> str:
    """An amount with its unit."""
    return f"{value:.3g} {unit}"


def give_or_take(figure: Figure) -> str:
    """A figure with its Monte-Carlo error."""
    if figure.value is None:
        return "unavailable"
    error = "" if figure.error is None else f" (±{figure.error:.1g})"
    return f"{figure.value:.3g}{error}"


def percent(figure: Figure) -> str:
    """A share with its Monte-Carlo error."""
    if figure.value is None:
        return "unavailable"
    return f"{figure.value:.0%}" + ("" if figure.error is None else f" (±{figure.error:.1%})")


def world_sentences(found: Rehearsal) -> tuple[str, ...]:
    """What becomes of the targets where people choose otherwise than the estimator believes."""
    return tuple(_world_sentence(found, world) for world in found.worlds)


def _world_sentence(found: Rehearsal, world: Outcome) -> str:
    parts = []
    if world.widest is not None:
        parts.append(f"willingness to pay known to {give_or_take(world.widest.half_width)}")
    if world.weakest is not None:
        parts.append(f"power {percent(world.weakest.power)}")
    if world.hits is not None:
        parts.append(f"holdouts hit {percent(world.hits.logit)}")
    if world.failed:
        parts.append(f"{world.failed} of {world.repeats} studies without an estimate")
    return f"{world.label}: {', '.join(parts)}."


def hit_sentences(found: Rehearsal) -> tuple[str, ...]:
    """What hit rate of the holdouts to expect."""
    hits, hb = found.main.hits, found.hierarchical
    if hits is None:
        return ("The exercise has no holdout tasks, so there is no hit rate to expect.",)
    by_hb = ""
    if hb is not None and hb.hit_rate.value is not None:
        by_hb = f" and {percent(hb.hit_rate)} with hierarchical Bayes"
    return (
        f"Expect to hit {percent(hits.logit)} of the holdout choices with the aggregate "
        f"logit{by_hb}.",
        f"Knowing everybody's part-worths would hit {hits.best_possible:.0%}; people repeat their "
        f"own choice in {hits.same_again:.0%}; guessing hits {hits.chance:.0%}.",
    )
