"""Speeding: pages and tasks that were sent faster than they can be read, or than others read them.

Plain Python, so that the field monitor may call it in the web process.

Each page's log time is compared with its median over respondents, in units of its own spread; a
respondent's score is the mean of these over the pages sent. The slow half of the respondents tells
the spread, for interruptions only slow people down and speeders are all on the other side: they
move the median a little and the limit outwards, so that the stated rate is an upper one.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import NormalDist, fmean, median

from analysis.customers.quality.types import Mark, Rule, unused
from analysis.study.quality import FlagName
from analysis.study.types import Study

ENOUGH = 30
"""Respondents whose times a limit must rest on."""
FASTEST = 1000 / 60
"""Words a second: four times the mean of silent reading (Brysbaert 2019: 238 words a minute)."""
TASK_FLOOR = 1.0
"""Seconds under which nobody compares the alternatives of a task."""
MAD = 1.4826
"""A median absolute deviation times this is the standard deviation of a normal."""
SHORTEST = 0.05
"""Seconds below which a time is taken for this one (clocks, resends)."""

Times = Mapping[str, Mapping[str, float]]
"""Seconds by respondent and step."""


def page_seconds(started: str, sent: Iterable[tuple[int, str, str]]) -> dict[str, float]:
    """Seconds from one page sent to the next, by step.

    Parameters
    ----------
    started
        When the respondent began.
    sent
        (turn, step, time) of every page sent. Of a step sent twice the first counts: going back is
        reading again.
    """
    found: dict[str, float] = {}
    before = started
    for _, step, at in sorted(sent):
        if before and at:
            seconds = (_moment(at) - _moment(before)).total_seconds()
            found.setdefault(step, max(seconds, 0.0))
        before = at
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def reading_floors(study: Study) -> dict[str, float]:
    """Seconds by page under which its questions cannot have been read, in any language."""
    found = {}
    for page in study.pages:
        if not page.exercise and page.questions:
            words = sum(
                _words(text.root if isinstance(text.root, str) else text.say())
                for question in page.questions
                for text in (question.text, *(item.text for item in question.rated_items()))
            )
            found[page.id] = max(words / FASTEST, 0.2)
    return found


def _words(text: str) -> float:
    """Words; two signs count as one in scripts that are written without spaces."""
    wide = sum(1 for sign in text if unicodedata.east_asian_width(sign) in "WF")
    return len(text.split()) + wide / 2


def is_task(step: str) -> bool:
    """Whether a step is a task of an exercise."""
    return "." in step


def speeding(study: Study, times: Times, flag: FlagName, *, wanted: float) -> Rule:
    """Who was too fast, on pages of questions or on tasks.

    Parameters
    ----------
    times
        Of the respondents to be judged; those without times of such steps are not judged.
    flag
        'speeding' for pages of questions, 'speeding_tasks' for tasks.
    wanted
        The share of careful respondents who may be flagged.
    """
    tasks = flag == "speeding_tasks"
    floors = reading_floors(study)
    mine = {
        name: {step: t for step, t in found.items() if is_task(step) == tasks
               and (tasks or step in floors)}
        for name, found in times.items()
    }  # fmt: skip
    mine = {name: found for name, found in mine.items() if found}
    if not mine:
        what = "tasks" if tasks else "pages of questions"
        return unused(flag, wanted, f"the times of {what} are not known")
    scores = _scores(mine)
    limit = limit_of(list(scores.values()), wanted)
    marks = []
    for name, found in mine.items():
        under = sum(t < (TASK_FLOOR if tasks else floors[step]) for step, t in found.items())
        if 2 * under > len(found):
            marks.append(Mark(name, flag, f"{under} of {len(found)} faster than can be read"))
        elif limit is not None and scores[name] < limit:
            typical = median(found.values())
            fact = f"{scores[name]:.1f} spreads from the median, typically {typical:.1f} s"
            marks.append(Mark(name, flag, fact))
    noun = "task" if tasks else "page"
    floor = "1 second" if tasks else "the time of 1,000 words a minute"
    rule = f"more than half of the {noun}s were sent under {floor}"
    null = "nobody who reads is so fast"
    if limit is not None:
        rule = f"the mean log time over the {noun}s lies below {limit:.2f} spreads, or {rule}"
        null = (
            f"log times of those who read fall off on the fast side as on the slow side, normally; "
            f"median and spread are those of these {len(scores)} respondents"
        )
    rate = wanted if limit is not None else 0.0
    return Rule(flag, wanted, rate, rule, null, len(scores), "", scores, None, tuple(marks))


def _scores(times: Times) -> dict[str, float]:
    logs: dict[str, list[float]] = defaultdict(list)
    for found in times.values():
        for step, seconds in found.items():
            logs[step].append(math.log(max(seconds, SHORTEST)))
    places = {step: _centre(values) for step, values in logs.items()}
    return {
        name: fmean(
            (math.log(max(t, SHORTEST)) - places[step][0]) / places[step][1]
            for step, t in found.items()
        )
        for name, found in times.items()
    }


def _centre(values: Sequence[float]) -> tuple[float, float]:
    """Median, and the spread of the slow half (1 where it cannot be told)."""
    middle = median(values)
    slow = [value - middle for value in values if value > middle]
    return middle, (MAD * median(slow) if slow else 1.0) or 1.0


def limit_of(scores: Sequence[float], wanted: float) -> float | None:
    """The score below which a share ``wanted`` of careful respondents lies; None for too few.

    The factor 1 + 2 z^2 / n is what median and spread cost when they are estimated from n
    (simulated for n of 20 to 1,000 and rates of .005 to .05: attained within a tenth of the rate
    from n = 50).
    """
    if len(scores) < ENOUGH:
        return None
    middle, spread = _centre(scores)
    z = NormalDist().inv_cdf(wanted)
    return middle + z * (1 + 2 * z * z / len(scores)) * spread
