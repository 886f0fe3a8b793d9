"""The exponent of share of preference, as tuned on holdout tasks: read and said, not fitted."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from analysis.estimate import Estimate

FILE = "exponent.json"
NOT_SAVED = (
    "No tuned exponent: these part-worths were saved without one, so the exponent is 1. Fit again "
    "with holdout tasks to have it tuned."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Judged(_Part):
    """Predictions with one exponent, of the holdout tasks that it was not tuned on.

    ``mae`` is the error of shares of fixed tasks and ``noise`` that of sampling alone, None with
    the reason ``why_no_mae`` where tasks differ.
    """

    exponent: float
    log_loss: Estimate
    hit_rate: Estimate
    mae: float | None
    noise: float | None
    why_no_mae: str = ""


class Tuned(_Part):
    """An exponent tuned on some holdout tasks and judged on the others.

    Attributes
    ----------
    exponent
        The one of least log-loss on the tasks ``tuned_on``; its interval is over respondents.
    at_bound
        Whether it lies at an end of the exponents tried.
    tuned_on, judged_on
        Names of the tasks.
    one, own
        The other tasks predicted with exponent 1 and with the tuned one.
    gain
        Log-loss with exponent 1 less that with the tuned one, paired by answer (nats).
    """

    exponent: Estimate
    at_bound: bool
    tuned_on: tuple[str, ...]
    judged_on: tuple[str, ...]
    answers: int
    one: Judged
    own: Judged
    gain: Estimate

    @property
    def better(self) -> bool:
        """Whether it predicts the other tasks better than 1 does, beyond the error of that."""
        return self.gain.low is not None and self.gain.low > 0


class Exponent(_Part):
    """What tuning found; ``tuned`` is None where ``reason`` says why nothing could be tuned."""

    tuned: Tuned | None = None
    reason: str = ""

    @property
    def chosen(self) -> float:
        """The tuned exponent where it is better beyond its error, else 1."""
        if self.tuned is None or self.tuned.exponent.value is None or not self.tuned.better:
            return 1.0
        return self.tuned.exponent.value

    def sentences(self) -> tuple[str, ...]:
        """The same in words, for every page and output."""
        found = self.tuned
        if found is None:
            return (self.reason,)
        value = found.exponent
        said = [
            f"Exponent tuned on half of the holdout tasks ({', '.join(found.tuned_on)}): "
            f"{_two(value.value)}"
            + (f" ({_two(value.low)} to {_two(value.high)})" if value.available else "")
            + (", at the end of those tried." if found.at_bound else ".")
        ]
        said.append(
            f"On the other half ({', '.join(found.judged_on)}; {found.answers:,} answers): "
            f"{_record(found.one)}; {_record(found.own)}."
        )
        if found.one.mae is None:
            said.append(f"Error of shares on that half: not known, {found.one.why_no_mae}.")
        said.append(_verdict(found))
        return tuple(said)


def read_exponent(folder: Path) -> Exponent:
    """What an analysis left beside its draws; without a file, that there is none."""
    try:
        return Exponent.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Exponent(reason=NOT_SAVED)


def _verdict(found: Tuned) -> str:
    gain = found.gain
    if not gain.available:
        return f"Whether it predicts better is not known ({gain.reason}): the exponent stays 1."
    said = f"{gain.value:+.3f} nats an answer ({gain.low:+.3f} to {gain.high:+.3f})"
    if found.better:
        return f"It predicts that half better than 1, beyond its error: {said}."
    return f"It is not better than 1 on that half beyond its error, {said}: the exponent stays 1."


def _record(judged: Judged) -> str:
    hit, loss = judged.hit_rate, judged.log_loss
    said = f"with {_two(judged.exponent)} "
    if loss.value is None or hit.value is None or hit.low is None or hit.high is None:
        return f"{said}not known ({loss.reason})"
    said += f"log-loss {loss.value:.3f} ({loss.low:.3f} to {loss.high:.3f}), "
    said += f"hit rate {100 * hit.value:.0f} % ({100 * hit.low:.0f} to {100 * hit.high:.0f})"
    if judged.mae is None or judged.noise is None:
        return said
    return (
        f"{said}, error of shares {100 * judged.mae:.1f} points "
        f"(sampling alone {100 * judged.noise:.1f})"
    )


def _two(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"
