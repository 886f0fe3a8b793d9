"""Which respondents and rows of an archive a report rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.archive import Archive
from analysis.customers.weighting import Weighting
from analysis.study import Study
from analysis.study.versions import Verdict, compare_versions, pooled_with
from analysis.tables import RUN_KINDS


@dataclass(frozen=True, slots=True, eq=False)
class Used:
    """The rows of an archive that count.

    Attributes
    ----------
    started, quality_out
        How many began, and how many of them failed an attention check that ended the survey, of the
        kinds of respondent that count.
    respondents, answers, choices
        Completed respondents only; answers and choices of earlier versions only where they mean the
        same as in the latest.
    weights
        Index respondent; None when all weigh the same.
    excluded
        Who is left out, in words.
    warnings
        What a reader must know.
    verdicts
        By earlier version that somebody answered: what of it is pooled.
    weighting
        What the weights rest on, where the plan asks for some.
    subset
        Which group of respondents these rows are of, in words; empty: of all.
    every_wave
        Where these rows are the latest of every customer: those of every wave, for what compares
        waves. None where nobody answered again.
    """

    archive: Archive
    study: Study
    started: int
    respondents: pd.DataFrame
    answers: pd.DataFrame
    choices: Mapping[str, pd.DataFrame]
    weights: pd.Series | None
    excluded: str
    warnings: tuple[str, ...]
    verdicts: Mapping[int, tuple[Verdict, ...]]
    weighting: Weighting | None = None
    quality_out: int = 0
    subset: tuple[str, ...] = ()
    every_wave: Used | None = None

    @property
    def waves(self) -> Used:
        """The rows that waves are compared by: of every customer those of every wave."""
        return self.every_wave or self

    @property
    def weighing(self) -> dict[str, float] | None:
        """Weight by respondent, as the fits of choices take it."""
        if self.weights is None:
            return None
        return {str(name): float(weight) for name, weight in self.weights.items()}

    def without(self, flagged: frozenset[str], why: str) -> Used:
        """The same without some respondents; ``why`` goes with their number into the words."""
        kept = self.respondents[~self.respondents["respondent"].isin(flagged)]
        inside = set(kept["respondent"])
        more = f"{len(self.respondents) - len(kept)} {why}"
        before = self.excluded.removeprefix("left out: ")
        named = more if before == "nobody is left out" else f"{before}, {more}"
        return replace(
            self,
            respondents=kept.reset_index(drop=True),
            answers=_of(self.answers, inside),
            choices={name: _of(frame, inside) for name, frame in self.choices.items()},
            weights=_weights(kept),
            excluded=f"left out: {named}",
            every_wave=None if self.every_wave is None else self.every_wave.without(flagged, why),
        )


def used_rows(archive: Archive, kinds: Sequence[str] = ()) -> Used:
    """Completed respondents of all versions, with the answers that mean the same as in the latest.

    Parameters
    ----------
    kinds
        Kinds of run that count; default: ``Study.counted_kinds``.

    Raises
    ------
    ValueError
        When a kind of run is none.
    """
    unknown = [kind for kind in kinds if kind not in RUN_KINDS]
    if unknown:
        known = ", ".join(RUN_KINDS)
        raise ValueError(f"there is no kind of run '{unknown[0]}'; known: {known}")
    everybody, study = archive.respondents, archive.study
    counted = everybody["run_kind"].isin(kinds or study.counted_kinds)
    answered = sorted(set(everybody["study_version"]) - {archive.version})
    old = {n: archive.versions[n] for n in answered if n in archive.versions}
    apart = {n: pooled_with(study, n, version) for n, version in old.items()}
    verdicts = {n: compare_versions(version, study, number=n) for n, version in old.items()}
    foreign = [n for n in old if not any(v.outcome in ("pooled", "declared")
               and v.part != "study" for v in verdicts[n]) or _is_apart(verdicts[n])]  # fmt: skip
    current = ~everybody["study_version"].isin(foreign)
    began = counted & current
    done = began & (everybody["completed"] != "") & everybody["ended"].isin(["complete", ""])
    kept = everybody[done].reset_index(drop=True)
    inside = set(kept["respondent"])
    versions = kept.set_index("respondent")["study_version"]
    return Used(
        archive=archive,
        study=study,
        started=int(began.sum()),
        respondents=kept,
        answers=_pooled_answers(_of(archive.answers, inside), versions, apart),
        choices={
            name: _pooled_choices(_of(frame, inside), versions, apart, name)
            for name, frame in archive.choices.items()
        },
        weights=_weights(kept),
        excluded=_left_out(
            {
                _not_counted(everybody["run_kind"][~counted]): int((~counted).sum()),
                "who did not complete": int((began & ~done).sum()),
                "of other versions": int((counted & ~current).sum()),
                "who withdrew, with all their answers": int(archive.facts.get("withdrawn", 0)),
            }
        ),
        warnings=tuple(_warnings(archive, int((counted & ~current).sum()))),
        verdicts={n: found for n, found in verdicts.items() if (versions == n).any()},
        quality_out=int((began & (everybody["ended"] == "quality_out")).sum()),
    )


EARLIER = "earlier answers of customers who answered again (they count where waves are compared)"
SAME_WAVE = "earlier answers of customers who answered a wave twice"


def once_each(used: Used) -> Used:
    """The latest answers of every customer, so that all figures rest on different people.

    What compares waves takes ``waves``: every answer of a customer, once a wave. Respondents whose
    customer is not known cannot be recognised, and stay.
    """
    whole = _without_earlier(used, ["customer", "wave"], SAME_WAVE)
    latest = _without_earlier(whole, ["customer"], EARLIER)
    return latest if latest is whole else replace(latest, every_wave=whole)


def _without_earlier(used: Used, same: list[str], why: str) -> Used:
    known = used.respondents[used.respondents["customer"].fillna("") != ""]
    known = known.sort_values(["completed", "respondent"])
    again = known.loc[known.duplicated(same, keep="last"), "respondent"]
    return used if again.empty else used.without(frozenset(again), why)


def answered_again(used: Used) -> tuple[str, ...]:
    """What becomes of customers who answered more than one wave; nothing where none did."""
    if used.every_wave is None:
        return ()
    people = used.every_wave.respondents
    known = people[people["customer"].fillna("") != ""]
    again = int((known.groupby("customer")["wave"].nunique() > 1).sum())
    who = f"{again:,} customers" if again > 1 else "One customer"
    return (
        f"{who} answered more than one wave. Figures over all waves count the latest answers of "
        "each, so that their ranges rest on different people; changes between waves count all, and "
        "allow for the same people being in both.",
    )


def _is_apart(verdicts: Sequence[Verdict]) -> bool:
    return any(v.part == "study" and v.outcome == "apart" for v in verdicts)


def _not_counted(kinds: pd.Series) -> str:
    names = {"live": "live runs", "test": "test runs", "bot": "bots"}
    found = [names[kind] for kind in RUN_KINDS if (kinds == kind).any()]
    return f"of {' and '.join(found)}" if found else ""


def _left_out(counts: Mapping[str, int]) -> str:
    named = [f"{n} {what}" for what, n in counts.items() if n]
    return f"left out: {', '.join(named)}" if named else "nobody is left out"


def _warnings(archive: Archive, others: int) -> list[str]:
    found = []
    if others:
        found.append(
            f"{others} respondents answered other versions of the study that ask something else; "
            "they are left out."
        )
    despite = archive.facts.get("published_despite")
    if despite:
        found.append(
            "The rehearsal before fielding did not show that this study reaches its targets; it "
            f"was published all the same, for this reason: {despite}"
        )
    return found


Apart = Mapping[int, tuple[frozenset[str], frozenset[str]]]


def _pooled_answers(answers: pd.DataFrame, versions: pd.Series, apart: Apart) -> pd.DataFrame:
    """Answers to what meant something else in an earlier version count as not asked."""
    if not any(questions for questions, _ in apart.values()):
        return answers
    version = answers["respondent"].map(versions)
    name = answers["question"] + ("." + answers["item"]).where(answers["item"] != "", "")
    other = pd.Series(False, index=answers.index)
    for number, (questions, _) in apart.items():
        mine = name.isin(questions) | answers["question"].isin(questions)
        other |= (version == number) & mine
    changed = answers.copy()
    changed.loc[other, "status"] = "not_asked"
    changed.loc[other, "value"] = ""
    return changed


def _pooled_choices(
    frame: pd.DataFrame, versions: pd.Series, apart: Apart, exercise: str
) -> pd.DataFrame:
    others = [number for number, (_, exercises) in apart.items() if exercise in exercises]
    if not others:
        return frame
    kept = ~frame["respondent"].map(versions).isin(others)
    return frame[kept].reset_index(drop=True)


def _of(frame: pd.DataFrame, respondents: set[str]) -> pd.DataFrame:
    return frame[frame["respondent"].isin(respondents)].reset_index(drop=True)


def _weights(respondents: pd.DataFrame) -> pd.Series | None:
    weight = respondents.set_index("respondent")["weight"].astype(float).fillna(1.0)
    return None if weight.nunique() <= 1 else weight
