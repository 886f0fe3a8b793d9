"""The logit against a plain NumPy Newton: CPU seconds, peak memory, agreement.

    python benchmarks/mnl.py [--respondents 20000] [--rounds 5]

12 tasks of 4 alternatives, K = 20 (effects coding of levels 4,4,4,4,4,6), respondents' part-worths
N(mu, 0.25 I). Both start from data in memory (the checked table; the coded array) and end with
coefficients and classical, robust and cluster standard errors. They run in turn, each in a process
of its own, on one thread; the minimum and median of the rounds are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
COUNTS = (4, 4, 4, 4, 4, 6)
TASKS, ALTERNATIVES = 12, 4


def study():
    from analysis.study import Study

    attributes = [
        {
            "id": f"a{n}",
            "label": f"Attribute {n}",
            "levels": [{"id": str(k), "label": str(k)} for k in range(count)],
        }
        for n, count in enumerate(COUNTS)
    ]
    exercise = {"id": "e", "question": "Which?", "attributes": attributes, "alternatives": 4}
    return Study.model_validate({"study": "s", "title": "S", "exercises": [exercise]})


def simulated(respondents):
    """Level places (tasks, alternatives, attributes) and the chosen alternative (tasks,)."""
    import numpy as np

    generator = np.random.default_rng(7)
    shape = (respondents, TASKS, ALTERNATIVES)
    levels = np.stack([generator.integers(c, size=shape, dtype=np.int8) for c in COUNTS], axis=-1)
    width = sum(COUNTS) - len(COUNTS)
    mu = generator.normal(0, 0.5, width)
    chosen = np.empty((respondents, TASKS), dtype=np.int64)
    for r in range(respondents):
        utility = coded(levels[r]) @ (mu + 0.5 * generator.standard_normal(width))
        chosen[r] = (utility + generator.gumbel(size=utility.shape)).argmax(axis=1)
    return levels.reshape(-1, ALTERNATIVES, len(COUNTS)), chosen.ravel()


def coded(levels):
    import numpy as np

    tables = [np.vstack([np.eye(c - 1), -np.ones(c - 1)]) for c in COUNTS]
    return np.concatenate([t[levels[..., a]] for a, t in enumerate(tables)], axis=-1)


def ours(respondents):
    import numpy as np
    import pandas as pd

    from analysis.choices.mnl import fit_mnl
    from analysis.tables import Choices

    levels, chosen = simulated(respondents)
    rows = np.indices(levels.shape[:2], dtype=np.int32)
    columns = {
        "respondent": (rows[0] // TASKS).ravel().astype(str),
        "task": rows[0].ravel() % TASKS,
        "alternative": rows[1].ravel() + 1,
        "chosen": (rows[1] == chosen[:, None]).ravel(),
        "role": pd.Categorical.from_codes(np.zeros(rows[0].size, dtype=int), ["estimation"]),
    }
    for a, count in enumerate(COUNTS):
        names = pd.Index([str(k) for k in range(count)])
        columns[f"a{a}"] = pd.Categorical.from_codes(levels[..., a].ravel(), names)
    given = study()
    frame = pd.DataFrame(columns).astype({"respondent": "str"})
    choices = Choices(given.choice_exercise(), frame)
    del rows, columns, levels, chosen
    start = time.process_time()
    fitted = fit_mnl(given, choices)
    seconds = time.process_time() - start
    errors = [np.sqrt(np.diag(fitted.covariances[k])) for k in ("classical", "robust", "cluster")]
    return seconds, fitted.log_likelihood, fitted.coefficients, np.concatenate(errors)


def plain(respondents):
    import numpy as np

    levels, chosen = simulated(respondents)
    x = coded(levels)
    del levels
    start = time.process_time()
    tasks, _, width = x.shape
    picked = x[np.arange(tasks), chosen]
    b = np.zeros(width)
    for _ in range(50):
        v = x @ b
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


def run(name, respondents):
    """One run in a fresh process."""
    command = [sys.executable, __file__, "--only", name, "--respondents", str(respondents)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | THREADS
    )
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--respondents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("ours", "plain"))
    given = parser.parse_args()
    if given.only:
        seconds, log_likelihood, b, errors = {"ours": ours, "plain": plain}[given.only](
            given.respondents
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([seconds, peak, log_likelihood, b.tolist(), errors.tolist()]))
        return
    rounds = [
        (run("ours", given.respondents), run("plain", given.respondents))
        for _ in range(given.rounds)
    ]
    for place, name in enumerate(("this package", "plain Newton")):
        seconds = [both[place][0] for both in rounds]
        peak = max(both[place][1] for both in rounds)
        print(
            f"{name}: CPU s min {min(seconds):.2f} median {statistics.median(seconds):.2f}, "
            f"peak {peak:.0f} MiB"
        )
    a, b = rounds[-1]
    ratios = [both[1][0] / both[0][0] for both in rounds]
    print(f"ratio per round: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    print(f"log-likelihood {a[2]:.6f}, difference {abs(a[2] - b[2]):.1e}")
    apart = max(abs(x - y) for x, y in zip(a[3], b[3], strict=True))
    relative = max(abs(x / y - 1) for x, y in zip(a[4], b[4], strict=True))
    print(
        f"largest difference: coefficients {apart:.1e}, standard errors {relative:.1e} (relative)"
    )


if __name__ == "__main__":
    main()
