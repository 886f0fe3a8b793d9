"""Which respondents and rows of an archive a report rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.archive import Archive
from analysis.study import Study


@dataclass(frozen=True, slots=True, eq=False)
class Used:
    """The rows of an archive that count.

    Attributes
    ----------
    started
        How many began, of the kinds of respondent that count.
    respondents, answers, choices
        Completed respondents only.
    weights
        Index respondent; None when all weigh the same.
    excluded
        Who is left out, in words.
    warnings
        What a reader must know.
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

    @property
    def weighing(self) -> dict[str, float] | None:
        """Weight by respondent, as the fits of choices take it."""
        if self.weights is None:
            return None
        return {str(name): float(weight) for name, weight in self.weights.items()}


def used_rows(archive: Archive) -> Used:
    """Completed respondents of versions that ask the same as the latest one.

    In a simulated study bots count as respondents; otherwise only live ones do.
    """
    everybody, study = archive.respondents, archive.study
    kinds = ("live", "bot") if study.simulated else ("live",)
    counted = everybody["run_kind"].isin(kinds)
    same = [n for n, old in archive.versions.items() if _asks_the_same(old, study)]
    current = everybody["study_version"].isin(same)
    began = counted & current
    done = began & (everybody["completed"] != "") & everybody["ended"].isin(["complete", ""])
    kept = everybody[done].reset_index(drop=True)
    left_out = {
        "of test runs" if study.simulated else "of test runs and bots": int((~counted).sum()),
        "who did not complete": int((began & ~done).sum()),
        "of other versions": int((counted & ~current).sum()),
    }
    named = [f"{n} {what}" for what, n in left_out.items() if n]
    warnings = []
    if left_out["of other versions"]:
        warnings.append(
            f"{left_out['of other versions']} respondents answered other versions of the study "
            "that ask something else; they are left out."
        )
    despite = archive.facts.get("published_despite")
    if despite:
        warnings.append(
            "The rehearsal before fielding did not show that this study reaches its targets; it "
            f"was published all the same, for this reason: {despite}"
        )
    inside = set(kept["respondent"])
    return Used(
        archive=archive,
        study=study,
        started=int(began.sum()),
        respondents=kept,
        answers=_of(archive.answers, inside),
        choices={name: _of(frame, inside) for name, frame in archive.choices.items()},
        weights=_weights(kept),
        excluded=f"left out: {', '.join(named)}" if named else "nobody is left out",
        warnings=tuple(warnings),
    )


def _of(frame: pd.DataFrame, respondents: set[str]) -> pd.DataFrame:
    return frame[frame["respondent"].isin(respondents)].reset_index(drop=True)


def _weights(respondents: pd.DataFrame) -> pd.Series | None:
    weight = respondents.set_index("respondent")["weight"].astype(float).fillna(1.0)
    return None if weight.nunique() <= 1 else weight


def _asks_the_same(one: Study, other: Study) -> bool:
    parts = ("constructs", "scales", "pages", "exercises", "currency", "simulated")
    return all(getattr(one, part) == getattr(other, part) for part in parts)
