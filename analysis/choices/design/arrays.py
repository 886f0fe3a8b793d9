"""Orthogonal arrays by construction: Galois fields (Rao-Hamming) and Hadamard matrices (Paley).

Nothing is looked up: L4, L8, L9, L16, L25, L27, L32, L49, L64 ... come from linear forms over a
field, L12, L20, L24, L28 ... from squares in a field (Bush 1952; Rao 1947; Paley 1933).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int64]


def prime_powers(number: int) -> dict[int, int]:
    """The prime factors of a number and how often each divides it."""
    found: dict[int, int] = {}
    prime = 2
    while number > 1:
        while number % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            number //= prime
        prime += 1
    return found


def digits(size: int, prime: int, places: int) -> Table:
    """The digits (size, places) of 0 ... size - 1 in base prime, the least first."""
    return (np.arange(size)[:, None] // prime ** np.arange(places)) % prime


@lru_cache(maxsize=64)
def field(prime: int, power: int) -> tuple[Table, Table]:
    """Addition and multiplication tables (q, q) of the Galois field of q = prime^power elements.

    An element is a polynomial, written as the number whose digits in base prime it has.
    """
    q = prime**power
    parts = digits(q, prime, power)
    weights = prime ** np.arange(power)
    plus = ((parts[:, None] + parts[None]) % prime) @ weights
    for tail in product(range(prime), repeat=power):
        times = _products(parts, np.array(tail), prime) @ weights
        if (times[1:, 1:] != 0).all():
            return plus, times
    raise ValueError(f"{prime} is no prime")


def _products(parts: Table, tail: Table, prime: int) -> Table:
    """Products (q, q, power) of polynomials, with x^power replaced by ``tail``."""
    q, power = parts.shape
    full = np.zeros((q, q, 2 * power - 1), dtype=np.int64)
    for i in range(power):
        for j in range(power):
            full[:, :, i + j] += np.multiply.outer(parts[:, i], parts[:, j])
    for degree in range(2 * power - 2, power - 1, -1):
        top = full[:, :, degree].copy()
        for k in range(power):
            full[:, :, degree - power + k] += top * tail[k]
    return full[:, :, :power] % prime


def linear_forms(prime: int, power: int, dimension: int) -> Table:
    """The columns ((q^d - 1) / (q - 1), q^d) of the array of Rao and Hamming, q = prime^power.

    Any two columns show every pair of levels equally often.
    """
    plus, times = field(prime, power)
    q = prime**power
    points = digits(q**dimension, q, dimension)
    forms = []
    for form in points[1:]:
        if form[np.flatnonzero(form)[-1]] != 1:
            continue
        value = np.zeros(len(points), dtype=np.int64)
        for k in range(dimension):
            value = plus[value, times[form[k], points[:, k]]]
        forms.append(value)
    return np.array(forms)


@lru_cache(maxsize=64)
def hadamard(order: int) -> Table | None:
    """A Hadamard matrix (order, order) of 1 and -1 whose first column is 1; None if unknown here.

    Doubling (Sylvester) and both constructions of Paley: all orders to 88 but none that is not a
    multiple of 4.
    """
    if order == 1:
        return np.ones((1, 1), dtype=np.int64)
    if order == 2:
        return np.array([[1, 1], [1, -1]])
    if order % 4:
        return None
    found = _paley(order)
    if found is None:
        half = hadamard(order // 2)
        if half is None:
            return None
        found = np.block([[half, half], [half, -half]])
    return found * found[:, :1]


def _paley(order: int) -> Table | None:
    first, second = order - 1, order // 2 - 1
    if len(prime_powers(first)) == 1 and first % 4 == 3:
        jacobsthal = _squares(first)
        bordered = np.ones((order, order), dtype=np.int64)
        bordered[1:, 0] = -1
        bordered[1:, 1:] = jacobsthal + np.eye(first, dtype=np.int64)
        return bordered
    if second > 1 and len(prime_powers(second)) == 1 and second % 4 == 1:
        core = np.ones((second + 1, second + 1), dtype=np.int64)
        core[0, 0] = 0
        core[1:, 1:] = _squares(second)
        diagonal = np.eye(second + 1, dtype=np.int64)
        return np.kron(core, np.array([[1, 1], [1, -1]])) + np.kron(
            diagonal, np.array([[1, -1], [-1, -1]])
        )
    return None


def _squares(q: int) -> Table:
    """The matrix (q, q) of 1 where the difference of two elements is a square, -1 elsewhere."""
    ((prime, power),) = prime_powers(q).items()
    plus, times = field(prime, power)
    sign = np.full(q, -1)
    sign[np.diag(times)] = 1
    sign[0] = 0
    negative = plus.argmin(axis=1)
    return sign[plus[:, negative]].T


def run_counts(counts: tuple[int, ...], tasks: int) -> Iterator[dict[int, int]]:
    """Numbers of runs by prime whose product divides the tasks, the largest product first."""
    primes = sorted({prime for count in counts for prime in prime_powers(count)})
    options = []
    for prime in primes:
        runs = [1]
        while runs[-1] * prime <= tasks:
            runs.append(runs[-1] * prime)
        if prime == 2 and all(prime_powers(count).get(2, 0) < 2 for count in counts):
            runs += [n for n in range(12, min(tasks, 88) + 1, 4) if n & (n - 1)]
        options.append(runs)
    found = [dict(zip(primes, choice, strict=True)) for choice in product(*options)]
    sizes = [int(np.prod(list(runs.values()))) for runs in found]
    order = sorted(range(len(found)), key=lambda n: -sizes[n])
    yield from (found[n] for n in order if sizes[n] > 1 and tasks % sizes[n] == 0)


def base_columns(
    counts: tuple[int, ...], runs: dict[int, int], generator: np.random.Generator
) -> Table:
    """One column (A, N) of levels for each attribute, as independent of each other as can be.

    A level is made of a part for each prime that divides the number of levels; its parts run
    through linear forms of that prime's share of the N runs.
    """
    total = int(np.prod(list(runs.values())))
    columns = np.zeros((len(counts), total), dtype=np.int64)
    repeat = 1
    for prime, share in runs.items():
        powers = [prime_powers(count).get(prime, 0) for count in counts]
        place = (np.arange(total) // repeat) % share
        repeat *= share
        parts = _parts(prime, share, powers, generator)
        for a, count in enumerate(counts):
            columns[a] += _weight(count, prime) * parts[a][place]
    return columns


def _weight(count: int, prime: int) -> int:
    """What a step of the part of a prime adds to a level: the product of the parts before it."""
    weight = 1
    for other, power in prime_powers(count).items():
        if other < prime:
            weight *= other**power
    return weight


def _parts(
    prime: int, share: int, powers: list[int], generator: np.random.Generator
) -> list[Table]:
    none = [np.zeros(share, dtype=np.int64) for _ in powers]
    widest = max(powers)
    if share == 1 or not widest:
        return none
    exponent = round(np.log(share) / np.log(prime))
    if prime**exponent != share:
        matrix = hadamard(share)
        if matrix is None:
            return none
        chosen = 1 + generator.permutation(share - 1)
        return [(1 - matrix[:, chosen[n % (share - 1)]]) // 2 for n in range(len(powers))]
    if exponent % widest:
        return [_random_form(prime, exponent, power, generator) for power in powers]
    forms = linear_forms(prime, widest, exponent // widest)
    order = generator.permutation(len(forms))
    full = [a for a in range(len(powers)) if powers[a] == widest]
    parts = none
    for n, a in enumerate(full):
        parts[a] = forms[order[n % len(forms)]]
    spare = order[len(full) :] if len(full) < len(forms) else order
    narrow = [(form, rank) for rank in range(_lines(prime, widest)) for form in spare]
    for n, a in enumerate(a for a in range(len(powers)) if 0 < powers[a] < widest):
        form, rank = narrow[n % len(narrow)]
        parts[a] = _narrowed(forms[form], prime, widest, powers[a], rank)
    return parts


def _lines(prime: int, power: int) -> int:
    return int((prime**power - 1) // (prime - 1))


def _narrowed(values: Table, prime: int, wide: int, power: int, rank: int) -> Table:
    """A form of fewer levels inside one of prime^wide levels; ranks give different ones."""
    parts = digits(prime**wide, prime, wide)
    if power == 1:
        line = linear_forms(prime, 1, wide)[rank]
        return np.asarray(line[values])
    kept = [(rank + k) % wide for k in range(power)]
    return np.asarray((parts[:, kept] @ prime ** np.arange(power))[values])


def _random_form(prime: int, exponent: int, power: int, generator: np.random.Generator) -> Table:
    """A random map from all runs onto prime^power levels, each level equally often."""
    points = digits(prime**exponent, prime, exponent)
    width = min(power, exponent)
    while True:
        matrix = generator.integers(prime, size=(exponent, width))
        values = ((points @ matrix) % prime) @ prime ** np.arange(width)
        if len(np.unique(values)) == prime**width:
            return np.asarray(values)


def additions(count: int) -> Table:
    """The addition table (L, L) of levels, part by part: a Galois field's where L is its size."""
    total = np.zeros((count, count), dtype=np.int64)
    for prime, power in prime_powers(count).items():
        weight, size = _weight(count, prime), prime**power
        part = (np.arange(count) // weight) % size
        plus = field(prime, power)[0]
        total += weight * plus[part[:, None], part[None]]
    return total
