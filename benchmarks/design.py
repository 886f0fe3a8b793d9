"""Choice designs against their bars: errors and process CPU seconds on one core.

    python benchmarks/design.py

Every error is computed by the evaluator of this script, which shares no code with the engine.
Peers: choicedesign 1.1.0 (Python 3.12 or newer) reached 0.0580 on the given draws of P1 in 25.4 CPU
seconds, its mean of 10 swaps at 2.5 s each; idefix and cbcTools are R packages outside Debian.
"""

from __future__ import annotations

import os
import resource
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from analysis.choices.coding import coding_in
from analysis.choices.design.efficiency import burgess_street_bound
from analysis.choices.design.priors import Priors
from analysis.choices.design.search import Problem, Search
from analysis.choices.design.space import plain_space
from analysis.choices.design.tasks import efficient, make_tasks
from analysis.choices.design.warming import warm_up
from analysis.choices.design.watch import Watch
from analysis.study import ChoiceExercise

BOUNDS = [
    ((2, 2, 2), 2, 4),
    ((2,) * 7, 2, 8),
    ((2,) * 11, 2, 12),
    ((2,) * 4, 3, 8),
    ((3,) * 4, 3, 9),
    ((3,) * 4, 2, 9),
    ((3,) * 4, 2, 18),
    ((4,) * 5, 4, 16),
    ((4,) * 5, 2, 16),
    ((4,) * 6, 3, 16),
    ((4,) * 6, 3, 48),
    ((2, 2, 3, 3, 4), 3, 24),
    ((5,) * 6, 5, 25),
    ((3,) * 13, 3, 27),
    ((3,) * 3, 3, 9),
    ((4,) * 6, 3, 120),
]
MU = np.tile([-0.6, -0.2, 0.2], 6)
GIVEN = np.random.default_rng(20261121).normal(MU, 0.4, (100, 18))
FRESH = MU + 0.4 * np.random.default_rng(999).standard_normal((2000, 18))


def effects(count: int) -> np.ndarray:
    """Effects codes (levels, levels - 1)."""
    return np.vstack([np.eye(count - 1), -np.ones(count - 1)])


def orthogonal(count: int) -> np.ndarray:
    """Standardised orthogonal contrasts by QR: columns sum to 0, Z'Z = count I."""
    q = np.linalg.qr(np.hstack([np.ones((count, 1)), np.eye(count)[:, :-1]]))[0]
    return q[:, 1:] * np.sqrt(count)


def mean_error(levels: np.ndarray, tables: list[np.ndarray], betas: np.ndarray) -> float:
    """Mean over draws of det(M)^(-1/K), task by task as the definition says."""
    x = np.concatenate([t[levels[..., a]] for a, t in enumerate(tables)], axis=-1)
    errors = []
    for beta in betas:
        u = x @ beta
        p = np.exp(u - u.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        m = np.einsum("sjk,sj,sjl->kl", x, p, x)
        means = np.einsum("sj,sjk->sk", p, x)
        sign, log = np.linalg.slogdet(m - means.T @ means)
        errors.append(np.exp(-log / len(beta)) if sign > 0 else np.inf)
    return float(np.mean(errors))


def problem(counts: tuple[int, ...], alternatives: int, tasks: int, blocks: int = 1) -> Problem:
    """A main-effects problem in effects coding, all levels free."""
    shape = (tasks, alternatives, len(counts))
    free = np.ones((tasks, len(counts)), dtype=np.uint8)
    space = plain_space([effects(count) for count in counts])
    template = np.random.default_rng(0).integers(np.array(counts), size=shape)
    return Problem(space, template, free, np.ones(tasks), np.zeros(2), blocks)


def found(wanted: Problem, mean: np.ndarray, sd: float = 0.0) -> tuple[np.ndarray, float]:
    """The engine's default design for normal priors, and its CPU seconds."""
    started = time.process_time()
    levels = efficient(
        wanted,
        Priors(mean, sd**2 * np.eye(len(mean))),
        bayesian=sd > 0,
        starts=None,
        generator=np.random.default_rng(1),
        watch=Watch(),
    )
    return levels, time.process_time() - started


def given_draws() -> tuple[np.ndarray, float]:
    """P1 on the 100 given draws: the best design at the mean, then exchange on the draws."""
    wanted = problem((4,) * 6, 3, 120, 10)
    started = time.process_time()
    generator = np.random.default_rng(1)
    first = Search(wanted, MU[None], work=1e7, generator=generator, watch=Watch())
    start = first.run([wanted.template], 1)
    second = Search(wanted, GIVEN, work=3e7, generator=generator, watch=Watch())
    return second.run([start], None), time.process_time() - started


def line(name: str, reached: str, bar: str, seconds: float) -> None:
    """Print a row of the table."""
    print(f"| {name} | {reached} | {bar} | {seconds:.2f} |", flush=True)


def overlap_design() -> None:
    """300 blocks x 12 tasks x 4 alternatives, 8 attributes x 5 levels, and twice as many blocks."""
    attributes = [
        {"id": f"a{n}", "label": "A", "levels": [{"id": f"l{k}", "label": "L"} for k in range(5)]}
        for n in range(8)
    ]
    for blocks in (300, 600, 1200):
        design = {"method": "balanced-overlap", "blocks": blocks}
        given = {"id": "e", "question": "?", "attributes": attributes, "alternatives": 4}
        exercise = ChoiceExercise.model_validate(given | {"tasks": 12, "design": design})
        started = time.process_time()
        tasks = make_tasks(exercise)
        seconds = time.process_time() - started
        ids = [a.id for a in exercise.attributes]
        levels = tasks[ids].apply(lambda c: c.str[1:].astype(int)).to_numpy().reshape(-1, 4, 8)
        tables, width = [orthogonal(5)] * 8, coding_in("", exercise).width
        error = mean_error(levels, tables, np.zeros((1, width)))
        share = 100 * burgess_street_bound([5] * 8, 4, len(levels)) / error
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        name = f"balanced overlap, {blocks} blocks x 12 x 4, 8 x 5 levels"
        line(name, f"{share:.1f} % of the bound, peak {peak:.0f} MiB", "10 s", seconds)


def main() -> None:
    """Print the table."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warm_up()
    print("| problem | reached | bar | CPU s |\n|---|---|---|---|")
    overlap_design()
    levels, seconds = given_draws()
    error = mean_error(levels, [effects(4)] * 6, GIVEN)
    line("P1, DB on the given draws", f"{error:.5f}", "0.0383 in 2 s", seconds)
    levels, seconds = found(problem((4,) * 6, 3, 120, 10), MU, 0.4)
    error = mean_error(levels, [effects(4)] * 6, FRESH)
    line("P1, DB on 2,000 fresh draws", f"{error:.5f}", "0.0399 in 6 s", seconds)
    levels, seconds = found(problem((4,) * 6, 3, 120, 10), MU)
    line("P1, Dp", f"{mean_error(levels, [effects(4)] * 6, MU[None]):.6f}", "0.02703", seconds)
    for counts, alternatives, tasks in BOUNDS:
        width = sum(counts) - len(counts)
        levels, seconds = found(problem(counts, alternatives, tasks), np.zeros(width))
        error = mean_error(levels, [orthogonal(c) for c in counts], np.zeros((1, width)))
        share = 100 * burgess_street_bound(counts, alternatives, tasks) / error
        name = f"{'x'.join(map(str, counts))}, J={alternatives}, {tasks} sets, D0"
        line(name, f"{share:.2f} % of the bound", "100 %", seconds)
    for name, counts, alternatives, tasks, mean, bar in (
        ("3^3/3/9, b = (-1, 0), Dp", (3,) * 3, 3, 9, np.tile([-1.0, 0.0], 3), "0.2785"),
        ("3^4/2/15, b = (-1, 0), Dp", (3,) * 4, 2, 15, np.tile([-1.0, 0.0], 4), "-"),
        ("4^3/3/12, b = (-.9, -.3, .3), Dp", (4,) * 3, 3, 12, np.tile([-0.9, -0.3, 0.3], 3), "-"),
    ):
        levels, seconds = found(problem(counts, alternatives, tasks), mean)
        error = mean_error(levels, [effects(c) for c in counts], mean[None])
        line(name, f"{error:.6f}", bar, seconds)


if __name__ == "__main__":
    main()
