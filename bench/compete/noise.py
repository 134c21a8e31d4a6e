"""What a shared machine does to times: a model fitted to two measured facts.

The facts (20 pairs of identical code): interleaved CPU time erred by 0.9 % on an idle
machine and by under 4 % on a loaded one; wall time against a stored reference by 61 %.

    ln t = machine of the day + drift + process + sample (+ waiting, on the wall)

- machine of the day: one number a session; a stored reference has another one;
- drift: slow (20 s), shared by whatever runs one after the other;
- process: one number a process: where its memory lies, which hashes it drew;
- sample: Student's t with 3 degrees of freedom, and now and then a hiccup;
- waiting: for the processor, where others want it too; only the clock on the wall sees
  it.

The facts fix the size, not the mixture; the mixture stands in `Mixture` and is varied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from grader.compete.canary import IDLE_THRESHOLD, LOADED_THRESHOLD

Floats = NDArray[np.float64]
Reading = Literal["pair", "session"]
Load = Literal["idle", "loaded"]
# Error of 20 interleaved pairs; the canary's threshold that goes with it.
FACTS: Final[dict[Load, tuple[float, float]]] = {
    "idle": (0.009, IDLE_THRESHOLD),
    "loaded": (0.04, LOADED_THRESHOLD),
}
WALL_ERROR = 0.61
PROCESSES = 3  # reference, student, canary
ATTEMPTS = 4  # a session that is void is measured again, three times at most


@dataclass(frozen=True)
class Mixture:
    """Sizes of the parts, as multiples of the scale of a sample."""

    process: float = 0.5
    drift: float = 10.0
    memory: float = 0.995  # of the drift, from one batch of 100 ms to the next
    hiccups: float = 0.02  # share of samples
    hiccup: float = 6.0  # mean size of one
    day: float = 10.0


@dataclass(frozen=True)
class Machine:
    """A mixture with its size: `scale` is that of one sample, in ln of seconds."""

    name: str
    scale: float
    waiting: float  # standard deviation of ln(wall / CPU), slow as the drift
    canary: float  # |ln| that makes a session void
    mixture: Mixture = Mixture()


@dataclass(frozen=True)
class Design:
    """How many processes are started, and how many pairs each gives."""

    launches: int = 4
    pairs: int = 10


@dataclass(frozen=True)
class Measured:
    """Log ratios of many sessions. Shapes: each (sessions, launches, pairs)."""

    paired: Floats  # ln(t_R / t_S), CPU time, interleaved
    canary: Floats
    block: Floats  # ln(t_R / t_S), CPU time, all of R before all of S
    stored: Floats  # ln(t_R / t_S), wall time, R from another day


def measure(
    machine: Machine, slower: Floats, design: Design, rng: np.random.Generator
) -> Measured:
    """Return sessions of students that need `slower` times the reference's time.

    Shapes: slower (sessions)
    """
    shape = (len(slower), design.launches, design.pairs)
    shift = np.log(slower)[:, None, None]
    reference, student, canary, _ = _interleaved(machine, shape, rng)
    blocks_r, blocks_s = _blocks(machine, shape, rng)
    # One stored reference for all; every session has its own day and waiting.
    *_, stored = _interleaved(machine, (1, *shape[1:]), rng)
    *_, wall = _interleaved(machine, shape, rng)
    return Measured(
        paired=reference - student - shift,
        canary=reference - canary,
        block=blocks_r - blocks_s - shift,
        stored=stored - wall - shift,
    )


def _interleaved(
    machine: Machine, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return ln of CPU times of R, S and R', and of the wall time of S."""
    sessions, launches, pairs = shape
    unit = machine.scale
    drift = _drift(machine, sessions, launches * pairs * PROCESSES, rng)
    drift = drift.reshape(*shape, PROCESSES)
    order = rng.permuted(np.broadcast_to(np.arange(PROCESSES), drift.shape), axis=-1)
    drift = np.take_along_axis(drift, order, axis=-1)
    process = rng.normal(size=(sessions, launches, 1, PROCESSES))
    time = drift + unit * machine.mixture.process * process
    time += _samples(machine, time.shape, rng)
    waiting = machine.waiting * _ou(machine, sessions, launches * pairs, rng)
    day = unit * machine.mixture.day * rng.normal(size=(sessions, 1, 1))
    wall = time[..., 1] + day + np.abs(waiting).reshape(shape)
    return time[..., 0], time[..., 1], time[..., 2], wall


def _blocks(
    machine: Machine, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return ln of CPU times of R and S where all of R is measured first."""
    sessions, launches, pairs = shape
    drift = _drift(machine, sessions, 2 * launches * pairs, rng)
    drift = drift.reshape(sessions, 2, launches, pairs)
    process = rng.normal(size=(sessions, 2, launches, 1))
    time = drift + machine.scale * machine.mixture.process * process
    time += _samples(machine, time.shape, rng)
    return time[:, 0], time[:, 1]


def _samples(
    machine: Machine, shape: tuple[int, ...], rng: np.random.Generator
) -> Floats:
    mixture = machine.mixture
    hiccup = rng.exponential(mixture.hiccup, shape) * (
        rng.random(shape) < mixture.hiccups
    )
    noise: Floats = machine.scale * (rng.standard_t(3, shape) + hiccup)
    return noise


def _drift(
    machine: Machine, sessions: int, steps: int, rng: np.random.Generator
) -> Floats:
    return machine.scale * machine.mixture.drift * _ou(machine, sessions, steps, rng)


def _ou(
    machine: Machine, sessions: int, steps: int, rng: np.random.Generator
) -> Floats:
    """Return a stationary, slowly wandering number of unit variance."""
    memory = machine.mixture.memory
    push = np.sqrt(1 - memory**2) * rng.normal(size=(steps, sessions))
    state = rng.normal(size=sessions)
    path = np.empty((steps, sessions))
    for step in range(steps):
        state = memory * state + push[step]
        path[step] = state
    return path.T


def worst_pair(machine: Machine, rng: np.random.Generator) -> float:
    """Return the largest error of 20 interleaved pairs, its median over 2,000 tries."""
    same = np.ones(2000)
    pairs = measure(machine, same, Design(1, 20), rng).paired
    return float(np.median(np.abs(pairs).max(axis=(1, 2))))


def session_error(machine: Machine, rng: np.random.Generator) -> float:
    """Return how far the median of 20 pairs is off in the worst of 20 tries."""
    same = np.ones(4000)
    pairs = measure(machine, same, Design(1, 20), rng).paired
    off = np.abs(np.median(pairs, axis=(1, 2))).reshape(-1, 20)
    return float(np.median(off.max(axis=1)))


def wall_error(machine: Machine, rng: np.random.Generator) -> float:
    """Return the largest error of 20 batches against a stored wall time."""
    off = [
        np.abs(np.expm1(-measure(machine, np.ones(20), Design(1, 1), rng).stored)).max()
        for _ in range(300)
    ]
    return float(np.median(off))


def fitted(
    name: Load, reading: Reading, mixture: Mixture, rng: np.random.Generator
) -> Machine:
    """Return the machine whose errors are those measured.

    "pair" reads the facts as the worst single pair of twenty, "session" as the worst
    median of twenty pairs, which is far more noise; the truth lies in between.
    """
    target, canary = FACTS[name]
    error = worst_pair if reading == "pair" else session_error
    machine = Machine(name, 0.01, 0.0, canary, mixture)
    for _ in range(2):  # errors are proportional to the scale
        scale = machine.scale * target / error(machine, rng)
        machine = replace(machine, scale=scale)
    if name == "idle":
        return machine  # nothing is known of its wall times
    low, high = 0.0, 1.0
    for _ in range(8):
        waiting = (low + high) / 2
        off = wall_error(replace(machine, waiting=waiting), rng)
        low, high = (waiting, high) if off < WALL_ERROR else (low, waiting)
    return replace(machine, waiting=(low + high) / 2)
