"""Several chains side by side: settings, progress, cancel, state."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from threading import Event
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from analysis.choices.compiled import compile_apart
from analysis.choices.hb.chain import CHUNK, BurnIn, Chain, ChainState, Output, advance
from analysis.choices.hb.packing import Packed
from analysis.choices.hb.priors import Prior

Floats = NDArray[np.float64]
FORMAT = 2
"""Of saved states; 1 did not say what it belonged to."""
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
    thinning
        Keep the betas of every n-th draw instead of ``kept`` in all; 0: as ``kept`` says.
    at_most
        Draws of each chain up to which ``fit_hb`` goes on by itself, doubling, while the
        diagnostics do not pass; 0: it stops after ``draws``.
    beta_steps, population_steps
        Leapfrogs of a trajectory.
    """

    chains: int = 2
    burn_in: int = 400
    draws: int = 2000
    kept: int = 1000
    beta_steps: int = 3
    population_steps: int = 6
    thinning: int = 0
    at_most: int = 0

    def __post_init__(self) -> None:
        may_be_zero = ("thinning", "at_most")
        wrong = [
            f.name for f in fields(self) if getattr(self, f.name) < (f.name not in may_be_zero)
        ]
        if wrong:
            raise ValueError(f"at least 1 is needed for {', '.join(wrong)}")
        if self.burn_in % CHUNK or self.burn_in < 10 * CHUNK:
            raise ValueError(f"burn_in is a multiple of {CHUNK}, at least {10 * CHUNK}")

    @property
    def every(self) -> int:
        """Of which draws the betas are kept: every n-th."""
        return self.thinning or max(1, -(-self.draws * self.chains // self.kept))


@dataclass(frozen=True, slots=True)
class State:
    """All chains where they stand, and how many draws they have made.

    ``of`` tells the tasks, covariates, prior and constraints by which they were drawn.
    """

    chains: tuple[ChainState, ...]
    done: int
    of: str

    def save(self, path: Path) -> None:
        """Write to an .npz file."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for number, chain in enumerate(self.chains):
            for name, value in asdict(chain).items():
                arrays[f"{number}.{name}"] = np.asarray(value)
        facts = {"chains": len(self.chains), "done": self.done, "of": self.of, "format": FORMAT}
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> State:
        """Read what ``save`` wrote; ValueError when the file is something else."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
            facts = json.loads(arrays["facts"].tobytes())
        except (KeyError, ValueError, EOFError, TypeError, BadZipFile):
            raise ValueError(f"'{path}' is not a saved state of hierarchical Bayes") from None
        if facts["format"] != FORMAT:
            raise ValueError(f"'{path}' was saved by another version of this program; start anew")
        chains = []
        for number in range(facts["chains"]):
            values = {f.name: arrays[f"{number}.{f.name}"] for f in fields(ChainState)}
            size = float(values.pop("population_size"))
            chains.append(ChainState(**values, population_size=size))
        return cls(tuple(chains), facts["done"], facts["of"])


def _mark(packed: Packed, covariates: Floats, prior: Prior) -> str:
    """What a state is bound to, as a short text: other tasks, prior or columns give another."""
    mark = blake2b(digest_size=16)
    medians = np.ones(0) if prior.medians is None else prior.medians
    parts = (packed.rows, packed.offset, packed.order, covariates, prior.scale, prior.precision)
    for part in (*parts, medians, np.array([prior.nu, *packed.logs], float)):
        mark.update(repr(part.shape).encode())
        mark.update(part.tobytes())
    return mark.hexdigest()


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
        Tasks, see ``pack``. Where they have ``logs``, Gamma, Sigma and the betas returned are those
        of the logarithms.
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
    ValueError
        Covariates that do not fit the tasks, or a state of other tasks, covariates or priors.
    Cancelled
        When ``progress`` returned False.
    """
    compile_apart(advance, f"from {__name__} import warm_up; warm_up()")
    settings = settings or Settings()
    if covariates.shape[0] != packed.respondents or not np.all(covariates[:, 0] == 1):
        raise ValueError("covariates need a row for every respondent and a first column of ones")
    if state is not None and len(state.chains) != settings.chains:
        raise ValueError(f"the saved state has {len(state.chains)} chains, not {settings.chains}")
    mark = _mark(packed, covariates, prior)
    if state is not None and state.of != mark:
        raise ValueError(
            "the saved state belongs to other choices, covariates, constraints or another prior; "
            "continue with those of the run that saved it, or start anew"
        )
    done = state.done if state else 0
    seeds = np.random.SeedSequence([seed, done]).spawn(settings.chains)
    steps = (settings.beta_steps, settings.population_steps)
    runs = [Run(Chain(packed, covariates, prior, seed=s, steps=steps), settings) for s in seeds]
    if state is not None:
        for run, saved in zip(runs, state.chains, strict=True):
            run.chain.restore(saved)
            run.burnt_in = True
    _side_by_side(runs, progress)
    return _collect(runs, settings, done + settings.draws, mark)


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


def _collect(runs: Sequence[Run], settings: Settings, done: int, mark: str) -> Posterior:
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
        state=State(tuple(run.chain.save() for run in runs), done, mark),
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


def joined(first: Posterior, second: Posterior) -> Posterior:
    """The draws of a run and of one that went on from its state, as one run.

    Of the betas every second kept draw stays, so that no more are kept than before; ``second``
    keeps every ``2 * first.every``-th. Draws of ``first`` that do not fill a pair are left out,
    and its betas are overwritten: two copies might not fit into memory.
    """
    every = 2 * first.every
    if second.every != every:
        raise ValueError(f"the second run keeps every {second.every}-th draw, not {every}-th")
    end = first.beta.shape[1] * first.every
    start = end % every
    earlier, later = (end - start) // every, second.beta.shape[1]
    beta = first.beta
    for n in range(earlier):
        beta[:, n] = beta[:, start // first.every + 2 * n + 1]
    if earlier + later <= beta.shape[1]:
        beta[:, earlier : earlier + later] = second.beta
        beta = beta[:, : earlier + later]
    else:
        beta = np.concatenate([beta[:, :earlier], second.beta], axis=1)
    counts = (first.log_likelihood.shape[1], second.log_likelihood.shape[1])

    def both(name: str) -> Floats:
        return np.concatenate([getattr(first, name)[:, start:end], getattr(second, name)], axis=1)

    def rates(name: str) -> tuple[float, ...]:
        pairs = np.stack([getattr(first, name), getattr(second, name)])
        return tuple(np.average(pairs, axis=0, weights=counts).tolist())

    return Posterior(
        gamma=both("gamma"),
        sigma=both("sigma"),
        log_likelihood=both("log_likelihood"),
        beta=beta,
        every=every,
        beta_acceptance=rates("beta_acceptance"),
        population_acceptance=rates("population_acceptance"),
        cpu_seconds_warm_up=first.cpu_seconds_warm_up + second.cpu_seconds_warm_up,
        cpu_seconds_sampling=first.cpu_seconds_sampling + second.cpu_seconds_sampling,
        state=second.state,
    )


def warm_up() -> None:
    """Compile all kernels, or load them from the cache: for set-up, not for the first user."""
    from analysis.choices.hb.packing import pack
    from analysis.choices.hb.priors import bayesm_prior

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 5, 3, 2))
    packed = pack(x, rng.integers(0, 3, (4, 5)))
    settings = Settings(chains=1, burn_in=100, draws=10)
    chain = Chain(
        packed, np.ones((4, 1)), bayesm_prior(2), seed=np.random.SeedSequence(0), steps=(3, 6)
    )
    Run(chain, settings).go(Event())
