"""The logit against a plain NumPy Newton, xlogit and statsmodels: CPU seconds, memory, agreement.

    python benchmarks/mnl.py [--study effects ...] [--respondents 20000] [--rounds 3] [--no-peers]

12 tasks a respondent with part-worths N(mu, 0.25 I). The studies: effects (4 alternatives, levels
4,4,4,4,4,6, K = 20), linear (3 alternatives, 8 linear attributes), ten (10 alternatives, K = 20),
ragged (2 to 5 alternatives, K = 20), none (3 alternatives and none, K = 21). All programs start
from data in memory (the checked table; the coded array) and end with coefficients and their
standard errors: classical, robust and cluster here and in the plain Newton, classical in the
peers. They run in turn, each in a process of its own, on one core and one thread. The peers are
installed into a temporary environment; they run on the first study: both at 12,000 choice sets
(statsmodels in the first round only), xlogit also at the full size.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
TASKS = 12
FEW = 1_000
"""Respondents of the smaller run: 12,000 choice sets."""
PEERS = ("xlogit", "statsmodels")


@dataclass(frozen=True)
class Shape:
    """Levels of each attribute, and the most alternatives of a task (none included)."""

    levels: tuple[int, ...]
    alternatives: int
    linear: bool = False
    ragged: bool = False
    none: bool = False

    def coded(self, levels):
        """The columns (tasks, alternatives, K) of level places."""
        if self.linear:
            return levels - (np.array(self.levels) - 1) / 2
        tables = [np.vstack([np.eye(c - 1), -np.ones(c - 1)]) for c in self.levels]
        x = np.concatenate([t[levels[..., a]] for a, t in enumerate(tables)], axis=-1)
        if not self.none:
            return x
        x[:, -1] = 0
        none = np.zeros((*x.shape[:2], 1))
        none[:, -1] = 1
        return np.concatenate([x, none], axis=-1)


MIXED = (4, 4, 4, 4, 4, 6)
SHAPES = {
    "effects": Shape(MIXED, 4),
    "linear": Shape((5,) * 8, 3, linear=True),
    "ten": Shape(MIXED, 10),
    "ragged": Shape(MIXED, 5, ragged=True),
    "none": Shape(MIXED, 4, none=True),
}


def simulated(shape, respondents):
    """Level places (tasks, alternatives, attributes), which are offered, and the chosen one."""
    generator = np.random.default_rng(7)
    size = (respondents, TASKS, shape.alternatives)
    levels = np.stack([generator.integers(c, size=size, dtype=np.int8) for c in shape.levels], -1)
    offered = np.ones(size, dtype=bool)
    if shape.ragged:
        sizes = generator.integers(2, shape.alternatives + 1, size=size[:2])
        offered = np.arange(shape.alternatives) < sizes[..., None]
    mu = generator.normal(0, 0.5, shape.coded(levels[0]).shape[-1])
    chosen = np.empty(size[:2], dtype=np.int64)
    for r in range(respondents):
        utility = shape.coded(levels[r]) @ (mu + 0.5 * generator.standard_normal(len(mu)))
        utility += generator.gumbel(size=utility.shape)
        chosen[r] = np.where(offered[r], utility, -np.inf).argmax(axis=1)
    flat = (-1, shape.alternatives)
    return {
        "levels": levels.reshape(*flat, len(shape.levels)),
        "offered": offered.reshape(flat),
        "chosen": chosen.ravel(),
    }


def study_of(shape):
    from analysis.study import Study

    attributes = []
    for n, count in enumerate(shape.levels):
        levels = [{"id": str(k), "label": str(k)} for k in range(count)]
        if shape.linear:
            levels = [level | {"number": k} for k, level in enumerate(levels)]
        coding = "linear" if shape.linear else "effects"
        attributes.append(
            {"id": f"a{n}", "label": f"Attribute {n}", "coding": coding, "levels": levels}
        )
    exercise = {"id": "e", "question": "Which?", "attributes": attributes}
    exercise["alternatives"] = shape.alternatives - shape.none
    if shape.none:
        exercise["none"] = {"label": "None of these"}
    return Study.model_validate({"study": "s", "title": "S", "exercises": [exercise]})


def table_of(shape, given, drawn):
    """The checked table of choices, as it is after reading."""
    import pandas as pd

    from analysis.tables import Choices

    task, alternative = (n.astype(np.int32) for n in np.nonzero(drawn["offered"]))
    places = drawn["levels"][drawn["offered"]]
    if shape.none:
        places[alternative == shape.alternatives - 1] = -1
    columns = {
        "respondent": (task // TASKS).astype(str),
        "task": task % TASKS,
        "alternative": alternative + 1,
        "chosen": alternative == drawn["chosen"][task],
        "role": pd.Categorical.from_codes(np.zeros(len(task), dtype=int), ["estimation"]),
    }
    for a, count in enumerate(shape.levels):
        names = pd.Index([str(k) for k in range(count)])
        columns[f"a{a}"] = pd.Categorical.from_codes(places[:, a], names)
    frame = pd.DataFrame(columns).astype({"respondent": "str"})
    return Choices(given.choice_exercise(), frame)


def ours(shape, drawn):
    from analysis.choices.mnl import fit_mnl

    given = study_of(shape)
    choices = table_of(shape, given, drawn)
    drawn.clear()
    start = time.process_time()
    fitted = fit_mnl(given, choices)
    seconds = time.process_time() - start
    errors = [np.sqrt(np.diag(fitted.covariances[k])) for k in ("classical", "robust", "cluster")]
    return seconds, fitted.log_likelihood, fitted.coefficients, np.concatenate(errors)


def plain(shape, drawn):
    x, offered, chosen = shape.coded(drawn["levels"]), drawn["offered"], drawn["chosen"]
    drawn.clear()
    start = time.process_time()
    tasks, _, width = x.shape
    picked = x[np.arange(tasks), chosen]
    b = np.zeros(width)
    for _ in range(50):
        v = x @ b
        if shape.ragged:
            v[~offered] = -np.inf
        v -= v.max(axis=1, keepdims=True)
        p = np.exp(v)
        p /= p.sum(axis=1, keepdims=True)
        mean = (p[:, :, None] * x).sum(axis=1)
        scores = picked - mean
        weighted = (x * p[:, :, None]).reshape(-1, width)
        information = weighted.T @ x.reshape(-1, width) - mean.T @ mean
        step = np.linalg.solve(information, scores.sum(axis=0))
        if np.abs(step).max() < 1e-10:
            break
        b = b + step
    log_likelihood = float(np.log(p[np.arange(tasks), chosen]).sum())
    inverse = np.linalg.inv(information)
    sums = scores.reshape(-1, TASKS, width).sum(axis=1)
    spreads = [inverse] + [inverse @ (s.T @ s) @ inverse for s in (scores, sums)]
    errors = np.concatenate([np.sqrt(np.diag(spread)) for spread in spreads])
    return time.process_time() - start, log_likelihood, b, errors


def long_format(shape, drawn):
    """Coded rows (tasks x alternatives, K) and whether each is chosen."""
    x = shape.coded(drawn["levels"])
    chosen = np.arange(x.shape[1]) == drawn["chosen"][:, None]
    drawn.clear()
    return x.reshape(-1, x.shape[2]), chosen.ravel()


def xlogit(shape, drawn):
    from xlogit import MultinomialLogit

    x, chosen = long_format(shape, drawn)
    tasks, names = len(x) // shape.alternatives, [f"x{k}" for k in range(x.shape[1])]
    ids = np.repeat(np.arange(tasks), shape.alternatives)
    alternatives = np.tile(np.arange(shape.alternatives), tasks)
    start = time.process_time()
    model = MultinomialLogit()
    model.fit(x, chosen, varnames=names, alts=alternatives, ids=ids, verbose=0)
    seconds = time.process_time() - start
    return seconds, float(model.loglikelihood), model.coeff_, np.sqrt(np.diag(model.covariance))


def statsmodels(shape, drawn):
    from statsmodels.discrete.conditional_models import ConditionalLogit

    x, chosen = long_format(shape, drawn)
    groups = np.repeat(np.arange(len(x) // shape.alternatives), shape.alternatives)
    start = time.process_time()
    fitted = ConditionalLogit(chosen.astype(int), x, groups=groups).fit(disp=0)
    seconds = time.process_time() - start
    return seconds, float(fitted.llf), np.asarray(fitted.params), np.asarray(fitted.bse)


PROGRAMS = {"ours": ours, "plain": plain, "xlogit": xlogit, "statsmodels": statsmodels}
SHOWN = {"ours": "`fit_mnl`", "plain": "plain Newton"}


@dataclass(frozen=True)
class Run:
    """What one process found, in CPU seconds and MiB."""

    seconds: float
    peak: float
    log_likelihood: float
    coefficients: np.ndarray
    errors: np.ndarray


def only(program, name, file):
    """The work of one process: fit, and print what was found."""
    with np.load(file) as stored:
        drawn = {key: stored[key] for key in stored.files}
    found = PROGRAMS[program](SHAPES[name], drawn)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([found[0], peak, found[1], *(np.asarray(a).tolist() for a in found[2:])]))


def run(python, program, name, file):
    """One run in a fresh process."""
    command = [python, __file__, "--only", program, "--study", name, "--data", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS)
    if done.returncode:
        sys.exit(f"{program} failed:\n{done.stderr}")
    seconds, peak, log_likelihood, b, errors = json.loads(done.stdout.splitlines()[-1])
    return Run(seconds, peak, log_likelihood, np.array(b), np.array(errors))


def install_peers(folder):
    """The Python of a new environment that has the peers."""
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PEERS], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    versions = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", versions, *PEERS], check=True, capture_output=True)
    print(f"peers: {', '.join(PEERS)} {done.stdout.decode().strip()}\n")
    return str(python)


def compare(name, respondents, rounds, pythons, folder):
    """Run the programs in turn; one line of a table for each."""
    file = folder / f"{name}.npz"
    drawn = simulated(SHAPES[name], respondents)
    np.savez(file, **drawn)
    runs = {program: [] for program in pythons}
    for turn in range(rounds):
        for program, python in pythons.items():
            if program != "statsmodels" or turn == 0:
                runs[program].append(run(python, program, name, file))
    mine = runs["ours"]
    for program, theirs in runs.items():
        print(line(f"{name}, {len(drawn['chosen']):,}", program, theirs, mine), flush=True)
    file.unlink()


def line(case, program, runs, mine):
    seconds = [r.seconds for r in runs]
    last, own = runs[-1], mine[-1]
    shared = min(len(last.errors), len(own.errors))
    cells = [
        case,
        SHOWN.get(program, program),
        f"{min(seconds):.2f}",
        f"{statistics.median(seconds):.2f}",
        f"{max(r.peak for r in runs):.0f}",
        ", ".join(f"{r.seconds / m.seconds:.1f}" for r, m in zip(runs, mine, strict=False)),
        f"{last.log_likelihood - own.log_likelihood:.1e}",
        f"{np.abs(last.coefficients - own.coefficients).max():.1e}",
        f"{np.abs(last.errors[:shared] / own.errors[:shared] - 1).max():.1e}",
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| study, choice sets | program | CPU s, minimum | median | peak MiB "
    "| times `fit_mnl`, by round | log-likelihood, less ours | coefficients | errors (relative) |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--respondents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", choices=PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        only(given.only, given.study[0], given.data)
        return
    importlib.import_module("analysis.choices.mnl")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pythons = {"ours": sys.executable, "plain": sys.executable}
        peers = {} if given.no_peers else dict.fromkeys(PEERS, install_peers(folder / "peers"))
        print(HEAD)
        for n, study in enumerate(given.study):
            wide = SHAPES[study].alternatives > 5
            respondents = given.respondents // 3 if wide else given.respondents
            if n == 0:
                compare(study, min(FEW, respondents), given.rounds, pythons | peers, folder)
            rest = {"xlogit": peers["xlogit"]} if n == 0 and peers else {}
            compare(study, respondents, given.rounds, pythons | rest, folder)


if __name__ == "__main__":
    main()
