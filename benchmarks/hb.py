"""Hierarchical Bayes against R bayesm: effective draws per CPU second, one core, same prior.

    python benchmarks/hb.py [STUDY.npz ...] [--draws 1000] [--bayesm-draws 6000] [--repeat 1]

STUDY.npz holds ``X`` (N, T, J, K), ``y`` (N, T; -1 = no task) and, for the hold-out log-loss,
``Xh``, ``yh``. Without a file a study is simulated: 1,000 respondents, 12 tasks of 4 alternatives
(the last is none), K = 20. bayesm is run through Rscript; on Debian, as root, it is installed when
it is missing (r-cran-bayesm).
Programs take turns; the process is tied to one core; seconds are CPU seconds after burn-in.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from analysis.choices.hb.diagnostics import effective, r_hats
from analysis.choices.hb.packing import pack
from analysis.choices.hb.priors import bayesm_prior
from analysis.choices.hb.sampling import Settings, sample, warm_up

STEPS = {"camera": (3, 4), "bank": (3, 9)}
LEVELS = (5, 5, 4, 4, 4, 3)

R_SCRIPT = """
suppressMessages(library(bayesm))
a <- commandArgs(TRUE); dir <- a[1]; draws <- as.integer(a[2]); chains <- as.integer(a[3])
n <- scan(file.path(dir, "shape"), quiet = TRUE)
X <- array(readBin(file.path(dir, "X"), "double", prod(n)), dim = rev(n))   # K, J, T, N
y <- matrix(readBin(file.path(dir, "y"), "integer", n[1] * n[2]), nrow = n[2])
ids <- scan(file.path(dir, "ids"), quiet = TRUE)
lgt <- lapply(seq_len(n[1]), function(i) {
  t <- which(y[, i] >= 0)
  list(y = y[t, i] + 1, X = t(matrix(X[, , t, i], nrow = n[4])))
})
cpu <- function() sum(proc.time()[1:2])
run <- function(R, seed) {
  set.seed(seed); sink("/dev/null"); t0 <- cpu()
  o <- rhierMnlRwMixture(Data = list(p = n[3], lgtdata = lgt), Prior = list(ncomp = 1),
                         Mcmc = list(R = R, keep = 1, nprint = 0))
  s <- cpu() - t0; sink(); list(o = o, s = s)
}
start <- run(20, 1)$s
for (chain in seq_len(chains)) {
  r <- run(draws, chain)
  mu <- t(sapply(r$o$nmix$compdraw, function(d) d[[1]]$mu))
  sd2 <- t(sapply(r$o$nmix$compdraw, function(d) diag(solve(tcrossprod(d[[1]]$rooti)))))
  b <- r$o$betadraw[ids + 1, , ]
  f <- file(file.path(dir, paste0("out", chain)), "wb")
  writeBin(c(start, r$s), f); writeBin(as.vector(t(mu)), f); writeBin(as.vector(t(sd2)), f)
  writeBin(as.vector(b), f); close(f)
}
"""


def has_bayesm() -> bool:
    """Whether R has bayesm, installing it from Debian when that is possible."""
    if _r_loads_bayesm():
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "r-cran-bayesm"]
        subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
        subprocess.run(command, check=True, capture_output=True)
    return _r_loads_bayesm()


def _r_loads_bayesm() -> bool:
    if not shutil.which("Rscript"):
        return False
    return not subprocess.run(["Rscript", "-e", "library(bayesm)"], capture_output=True).returncode


def simulated(n: int = 1000, tasks: int = 12, seed: int = 20261121) -> dict[str, np.ndarray]:
    """Six effects attributes and none, correlated part-worths of sd 0.5 to 1.1 (none 1.5)."""
    rng = np.random.default_rng(seed)
    tables = [np.vstack([np.eye(k - 1), -np.ones(k - 1)]) for k in LEVELS]
    width = sum(k - 1 for k in LEVELS) + 1
    deviation = np.append(rng.uniform(0.5, 1.1, width - 1), 1.5)
    loadings = rng.normal(size=(width, 3)) * 0.4
    correlation = loadings @ loadings.T + np.eye(width)
    scale = deviation / np.sqrt(np.diag(correlation))
    root = np.linalg.cholesky(correlation * scale[:, None] * scale)
    beta = rng.normal(0, 0.6, width) + rng.normal(size=(n, width)) @ root.T

    def answered(count: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.zeros((n, count, 4, width), np.float32)
        parts = [table[rng.integers(0, len(table), (n, count, 3))] for table in tables]
        x[:, :, :3, :-1] = np.concatenate(parts, axis=-1)
        x[:, :, 3, -1] = 1
        utility = np.einsum("ntjk,nk->ntj", x, beta) + rng.gumbel(size=(n, count, 4))
        return x, utility.argmax(-1)

    x, y = answered(tasks)
    held_x, held_y = answered(2)
    return {"X": x, "y": y, "Xh": held_x, "yh": held_y}


def respondents(n: int) -> np.ndarray:
    return np.sort(np.random.default_rng(3).choice(n, min(50, n), replace=False))


def ours(study: dict[str, np.ndarray], name: str, draws: int, burn_in: int, seed: int) -> dict:
    began = time.process_time()
    packed = pack(study["X"], study["y"])
    n, width = packed.respondents, study["X"].shape[3]
    steps = STEPS.get(name, (3, 5))
    posterior = sample(
        packed,
        np.ones((n, 1)),
        bayesm_prior(width),
        seed=seed,
        settings=Settings(2, burn_in, draws, 2 * draws, *steps),
    )
    total = time.process_time() - began
    betas = posterior.beta[:, :, respondents(n)].reshape(2, draws, -1).astype(float)
    spread = np.diagonal(posterior.sigma, axis1=2, axis2=3)
    found = figures(posterior.mu, spread, betas, posterior.cpu_seconds_sampling)
    return found | {"total": total, "log_loss": log_loss(study, posterior.beta)}


def bayesm(study: dict[str, np.ndarray], draws: int, burn_in: float = 0.25) -> dict:
    n, tasks, alternatives, width = study["X"].shape
    ids = respondents(n)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "shape").write_text(f"{n} {tasks} {alternatives} {width}")
        (at / "ids").write_text(" ".join(map(str, ids)))
        np.ascontiguousarray(study["X"], np.float64).tofile(at / "X")
        np.ascontiguousarray(study["y"], np.int32).tofile(at / "y")
        (at / "run.R").write_text(R_SCRIPT)
        command = ["Rscript", str(at / "run.R"), folder, str(draws), "2"]
        subprocess.run(command, check=True, capture_output=True)
        raw = [np.fromfile(at / f"out{chain}") for chain in (1, 2)]
    first = int(draws * burn_in)
    parts: list[list[np.ndarray]] = [[], [], []]
    seconds = 0.0
    for values in raw:
        seconds += (values[1] - values[0]) * (1 - burn_in)
        a, b = 2 + draws * width, 2 + 2 * draws * width
        parts[0].append(values[2:a].reshape(draws, width)[first:])
        parts[1].append(values[a:b].reshape(draws, width)[first:])
        parts[2].append(values[b:].reshape(draws, -1)[first:])
    total = sum(values[1] for values in raw)
    return figures(*(np.stack(p) for p in parts), seconds) | {"total": total, "log_loss": np.nan}


def figures(mu: np.ndarray, spread: np.ndarray, betas: np.ndarray, seconds: float) -> dict:
    ess = [effective(part, "bulk") for part in (mu, spread, betas)]
    return {
        "seconds": seconds,
        "ms_per_draw": 1000 * seconds / (mu.shape[0] * mu.shape[1]),
        "min": min(e.min() for e in ess) / seconds,
        "mu": np.median(ess[0]) / seconds,
        "sigma": np.median(ess[1]) / seconds,
        "beta": np.median(ess[2]) / seconds,
        "r_hat": max(r_hats(mu).max(), r_hats(spread).max()),
        "mean_mu": mu.mean((0, 1)),
        "mean_sigma": spread.mean((0, 1)),
    }


def log_loss(study: dict[str, np.ndarray], beta: np.ndarray) -> float:
    if "Xh" not in study:
        return float("nan")
    draws = beta[:, :: max(1, beta.shape[1] // 250)]
    utility = np.einsum("ntjk,cdnk->cdntj", study["Xh"].astype(np.float32), draws)
    chances = np.exp(utility - utility.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    chosen = np.take_along_axis(chances.mean((0, 1)), study["yh"][..., None], -1)
    return float(-np.log(chosen).mean())


def line(program: str, name: str, f: dict) -> str:
    return (
        f"| {name} | {program} | {f['ms_per_draw']:.2f} | {f['min']:.3g} | {f['mu']:.3g} | "
        f"{f['sigma']:.3g} | {f['beta']:.3g} | {f['r_hat']:.4f} | {f['total']:.1f} | "
        f"{f['log_loss']:.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("studies", nargs="*", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--burn-in", type=int, default=300)
    parser.add_argument("--bayesm-draws", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--no-peers", action="store_true")
    wanted = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warm_up()
    peers = not wanted.no_peers and has_bayesm()
    if not peers and not wanted.no_peers:
        print("R has no bayesm (Debian: r-cran-bayesm): only this package is measured")
    print(
        "| study | program | ms/draw | min ESS/s | mu | diag(Sigma) | beta | R-hat | CPU s | loss |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    studies = [(p.stem.removeprefix("hb-"), dict(np.load(p))) for p in wanted.studies]
    for name, study in studies or [("simulated", simulated())]:
        for turn in range(wanted.repeat):
            mine = ours(study, name, wanted.draws, wanted.burn_in, seed=turn + 1)
            print(line("ours", name, mine), flush=True)
            if not peers:
                continue
            theirs = bayesm(study, wanted.bayesm_draws)
            print(line("bayesm", name, theirs), flush=True)
            ratios = [mine[k] / theirs[k] for k in ("min", "mu", "sigma", "beta")]
            print(f"| {name} | ratio | | " + " | ".join(f"{r:.0f}x" for r in ratios) + " | | | |")
            for key in ("mean_mu", "mean_sigma"):
                print(f"<!-- {name} {key} ours {np.round(mine[key], 2).tolist()} -->")
                print(f"<!-- {name} {key} bayesm {np.round(theirs[key], 2).tolist()} -->")


if __name__ == "__main__":
    main()
