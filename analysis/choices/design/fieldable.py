"""Whether a design fits the exercise that respondents see: every fault with its mend."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.study import ChoiceExercise


def faults_to_field(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    """What keeps a design (block, task, alternative, role, level ids) from being fielded.

    Lines count from the frame's index, the heads being line 1.
    """
    yield from _blocks(frame)
    yield from _counts(exercise, frame)
    yield from _prohibited(exercise, frame)
    yield from _labels(exercise, frame)
    yield from _holdouts(exercise, frame)
    yield from _fixed(exercise, frame)


def _blocks(frame: pd.DataFrame) -> Iterator[str]:
    blocks = sorted(frame["block"].unique().tolist())
    if blocks != list(range(1, len(blocks) + 1)):
        shown = f"{', '.join(map(str, blocks[:8]))}{' ...' if len(blocks) > 8 else ''}"
        yield f"blocks {shown} are not numbered 1, 2, ... Renumber them"


def _counts(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    wanted = {"estimation": exercise.tasks, "holdout": exercise.holdouts}
    fields = {"estimation": "tasks", "holdout": "holdouts"}
    tasks = frame.drop_duplicates(["block", "task"])
    counts = tasks.groupby(["block", "role"]).size().unstack(fill_value=0)
    for role, count in wanted.items():
        found = counts[role] if role in counts else pd.Series(0, index=counts.index)
        wrong = found[found != count]
        alike = len(wrong) == len(found) > 1 and wrong.nunique() == 1
        for block, number in wrong[:1].items() if alike else wrong.items():
            yield (
                f"{'every block' if alike else f'block {block}'}: {number} tasks of role '{role}', "
                f"but exercise '{exercise.id}' shows {count}. Mend the file (a column 'role' may "
                f"mark holdouts), or write '{fields[role]}: {number}' in the study"
            )


def _prohibited(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    for prohibition in exercise.prohibitions:
        hit = pd.Series(data=True, index=frame.index)
        for name, levels in prohibition.items():
            hit &= frame[name].isin(levels)
        for line, row in frame[hit.to_numpy()].iterrows():
            pair = ", ".join(f"{name} '{row[name]}'" for name in prohibition)
            yield (
                f"line {int(str(line)) + 2}: block {row['block']}, task {row['task']}, alternative "
                f"{row['alternative']} shows {pair} together, which the study prohibits. Change a "
                "level, or take the prohibition out of the study"
            )


def _labels(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    label = exercise.labelled_by
    if label is None:
        return
    again = frame[frame.duplicated(["block", "task", label])]
    for line, row in again.iterrows():
        yield (
            f"line {int(str(line)) + 2}: block {row['block']}, task {row['task']} shows {label} "
            f"'{row[label]}' twice, which labels its alternatives. Show each at most once in a task"
        )


def _holdouts(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    """Holdouts are the same in every block, or hit rates of respondents could not be compared."""
    held = frame[frame["role"] == "holdout"]
    columns = ["task", "alternative", *(a.id for a in exercise.attributes)]
    first = None
    for block, rows in held.groupby("block"):
        shown = rows[columns].to_numpy().tolist()
        first = first or shown
        if shown != first:
            yield (
                f"block {block}: its holdouts are not those of the first block, or stand at other "
                "places. Show everybody the same holdouts"
            )


def _fixed(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    if not exercise.fixed_tasks:
        return
    names = [a.id for a in exercise.attributes]
    wanted = [
        (
            n,
            task.role,
            frozenset(tuple(shown[name] for name in names) for shown in task.alternatives),
        )
        for n, task in enumerate(exercise.fixed_tasks, start=1)
    ]
    for block, rows in frame.groupby("block"):
        shown = {
            (task["role"].iloc[0], frozenset(map(tuple, task[names].to_numpy().tolist())))
            for _, task in rows.groupby("task")
        }
        for n, role, alternatives in wanted:
            if (role, alternatives) not in shown:
                yield (
                    f"block {block}: fixed task {n} of the study is not among its tasks of role "
                    f"'{role}'. Add it, or take it out of 'fixed_tasks'"
                )
