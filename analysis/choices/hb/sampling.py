"""Several chains side by side: settings, progress, cancel, state."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.chain import CHUNK, BurnIn, Chain, ChainState, Output
from analysis.choices.hb.packing import Packed
from analysis.choices.hb.priors import Prior

Floats = NDArray[np.float64]
Progress = Callable[[int, int], bool | None]
"""Called with (draws done, draws in all) of all chains; returning False cancels."""


class Cancelled(RuntimeError):
    """The progress callback asked to stop; there is no result."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Length and trajectories of the chains.

    Attributes
    ----------
    chains, burn_in, draws
        Chains side by side (two or more, for R-hat), and draws of each.
    kept
        Draws of the betas kept over all chains; mu and Sigma keep every draw.
    beta_steps, population_steps
        Leapfrogs of a trajectory.
    """

    chains: int = 2
    burn_in: int = 400
    draws: int = 2000
    kept: int = 1000
    beta_steps: int = 3
    population_steps: int = 6

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if getattr(self, f.name) < 1]
        if wrong:
            raise ValueError(f"at least 1 is needed for {', '.join(wrong)}")
        if self.burn_in % CHUNK or self.burn_in < 10 * CHUNK:
            raise ValueError(f"burn_in is a multiple of {CHUNK}, at least {10 * CHUNK}")

    @property
    def every(self) -> int:
        """Of which draws the betas are kept: every n-th."""
        return max(1, -(-self.draws * self.chains // self.kept))


@dataclass(frozen=True, slots=True)
class State:
    """All chains where they stand, and how many draws they have made."""

    chains: tuple[ChainState, ...]
    done: int

    def save(self, path: Path) -> None:
        """Write to an .npz file."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for number, chain in enumerate(self.chains):
            for name, value in asdict(chain).items():
                arrays[f"{number}.{name}"] = np.asarray(value)
        facts = {"chains": len(self.chains), "done": self.done, "format": 1}
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> State:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(file["facts"].tobytes())
            names = [f.name for f in fields(ChainState)]
            chains = []
            for number in range(facts["chains"]):
                values = {name: file[f"{number}.{name}"] for name in names}
                values["population_size"] = float(values["population_size"])
                chains.append(ChainState(**values))
        return cls(tuple(chains), facts["done"])


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws of all chains.

    Attributes
    ----------
    gamma, sigma
        (chains, draws, Q, K) and (chains, draws, K, K). Without covariates Q = 1 and gamma is mu.
    log_likelihood
        (chains, draws) of all answers at the betas.
    beta
        (chains, kept, N, K) float32, every ``every``-th draw.
    beta_acceptance, population_acceptance
        Mean acceptance by chain (target 0.8).
    cpu_seconds_warm_up, cpu_seconds_sampling
        Of all chains together.
    state
        To go on from.
    """

    gamma: Floats
    sigma: Floats
    log_likelihood: Floats
    beta: NDArray[np.float32]
    every: int
    beta_acceptance: tuple[float, ...]
    population_acceptance: tuple[float, ...]
    cpu_seconds_warm_up: float
    cpu_seconds_sampling: float
    state: State

    @property
    def mu(self) -> Floats:
        """(chains, draws, K): the mean of a respondent whose covariates are zero (average)."""
        return self.gamma[:, :, 0]


def sample(
    packed: Packed,
    covariates: Floats,
    prior: Prior,
    *,
    seed: int,
    settings: Settings | None = None,
    state: State | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior.

    Parameters
    ----------
    packed
        Tasks, see ``pack``.
    covariates
        (N, Q), the first column ones.
    prior
        Of Gamma and Sigma.
    seed
        Same input, same seed, same machine: same draws, however many threads.
    settings
        Lengths; default ``Settings()``.
    state
        Where earlier chains stopped: there is no burn-in then.
    progress
        See ``Progress``.

    Raises
    ------
    Cancelled
        When ``progress`` returned False.
    """
    settings = settings or Settings()
    if covariates.shape[0] != packed.respondents or not np.all(covariates[:, 0] == 1):
        raise ValueError("covariates need a row for every respondent and a first column of ones")
    if state is not None and len(state.chains) != settings.chains:
        raise ValueError(f"the saved state has {len(state.chains)} chains, not {settings.chains}")
    done = state.done if state else 0
    seeds = np.random.SeedSequence([seed, done]).spawn(settings.chains)
    steps = (settings.beta_steps, settings.population_steps)
    runs = [Run(Chain(packed, covariates, prior, seed=s, steps=steps), settings) for s in seeds]
    if state is not None:
        for run, saved in zip(runs, state.chains, strict=True):
            run.chain.restore(saved)
            run.burnt_in = True
    _side_by_side(runs, progress)
    return _collect(runs, settings, done + settings.draws)


class Run:
    """One chain from start to end, in steps short enough to report progress and to stop."""

    def __init__(self, chain: Chain, settings: Settings) -> None:
        self.chain, self.settings = chain, settings
        self.burnt_in = False
        self.done = 0
        self.outputs: list[Output] = []
        self.warm_up = 0.0

    @property
    def length(self) -> int:
        """Draws in all, with those of the burn-in."""
        return self.settings.draws + (0 if self.burnt_in else self.settings.burn_in)

    def go(self, stop: Event) -> None:
        """Run until the end or until ``stop`` is set."""
        if not self.burnt_in:
            burn_in = BurnIn(self.chain, self.settings.burn_in)
            while not burn_in.finished and not stop.is_set():
                burn_in.advance()
                self.done = burn_in.done
        self.warm_up = self.chain.seconds
        every, drawn = self.settings.every, 0
        chunk = every * -(-50 // every)
        while drawn < self.settings.draws and not stop.is_set():
            n = min(chunk, self.settings.draws - drawn)
            self.outputs.append(self.chain.draw(n, every=every))
            drawn += n
            self.done += n


def _side_by_side(runs: Sequence[Run], progress: Progress | None) -> None:
    """All runs in threads (the kernels release the interpreter), reporting from this one."""
    stop = Event()
    total = sum(run.length for run in runs)
    with ThreadPoolExecutor(max_workers=len(runs)) as pool:
        pending: set[Future[None]] = {pool.submit(run.go, stop) for run in runs}
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                if progress and progress(sum(run.done for run in runs), total) is False:
                    raise Cancelled("hierarchical Bayes was cancelled")
        finally:
            stop.set()


def _collect(runs: Sequence[Run], settings: Settings, done: int) -> Posterior:
    def stack(name: str) -> Floats:
        return np.stack([np.concatenate([getattr(o, name) for o in r.outputs]) for r in runs])

    parts = [[o.acceptance for o in run.outputs] for run in runs]
    weights = [[len(o.gamma) for o in run.outputs] for run in runs]
    rates = [np.average(p, axis=0, weights=w) for p, w in zip(parts, weights, strict=True)]
    return Posterior(
        gamma=stack("gamma"),
        sigma=stack("sigma"),
        log_likelihood=stack("log_likelihood"),
        beta=_betas(runs),
        every=settings.every,
        beta_acceptance=tuple(float(r[0]) for r in rates),
        population_acceptance=tuple(float(r[1]) for r in rates),
        cpu_seconds_warm_up=sum(run.warm_up for run in runs),
        cpu_seconds_sampling=sum(run.chain.seconds - run.warm_up for run in runs),
        state=State(tuple(run.chain.save() for run in runs), done),
    )


def _betas(runs: Sequence[Run]) -> NDArray[np.float32]:
    """All kept betas in one array, releasing the pieces: they are most of the memory."""
    kept = sum(len(o.beta) for o in runs[0].outputs)
    shape = runs[0].outputs[0].beta.shape[1:]
    out = np.empty((len(runs), kept, *shape), np.float32)
    for number, run in enumerate(runs):
        at = 0
        while run.outputs:
            piece = run.outputs.pop(0).beta
            out[number, at : at + len(piece)] = piece
            at += len(piece)
    return out


def warm_up() -> None:
    """Compile all kernels, or load them from the cache: for set-up, not for the first user."""
    from analysis.choices.hb.packing import pack
    from analysis.choices.hb.priors import bayesm_prior

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 5, 3, 2))
    packed = pack(x, rng.integers(0, 3, (4, 5)))
    settings = Settings(chains=1, burn_in=100, draws=10)
    sample(packed, np.ones((4, 1)), bayesm_prior(2), seed=0, settings=settings)
