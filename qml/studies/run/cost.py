"""What a study would cost, before it is run: parameters, memory, and the time of a step, measured by taking it."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass, replace
from itertools import pairwise

from qml._checks import plural
from qml.fitting import Iteration
from qml.fitting.objective import Objective
from qml.models.with_circuit import WithCircuit
from qml.studies.record.fits import run_fit
from qml.studies.show.output import span
from qml.studies.spec import build, streams
from qml.studies.spec.states import Target

LONG = 1.0
"""Seconds after which one evaluation, or one step, is enough."""
STEPS = 4
EXPENSIVE = 3.0
"""A step that costs more evaluations than this is pointed out."""


@dataclass(frozen=True)
class Cost:
    """Of one fit: seconds of an `evaluation` of the loss and its gradient and of a `step` of the optimizer, `memory` in
    bytes, the most steps, and what an engine says of its devices."""

    n_params: int
    memory: int
    evaluation: float
    step: float
    steps: int
    room: str = ""


def measure(job: build.Job, target: Target, seed: int) -> Cost:
    """The cost of a fit from evaluations at a random start and from its first steps; a first evaluation, which may
    compile code, is not counted."""
    if job.spec.method is not None:
        return _of_method(job, target, seed)
    assert job.model is not None
    objective = Objective(job.model, target.learnt, job.loss)
    params = objective.init_params(streams.stream(seed, "fit"))

    def seconds() -> float:
        since = time.perf_counter()
        objective.value_and_gradient(params)
        return time.perf_counter() - since

    best = seconds()
    if best < LONG:
        best = min(seconds() for _ in range(3))
    tracemalloc.start()
    objective.value_and_gradient(params)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    steps = job.spec.restarts * job.spec.max_iterations
    room = job.model.engine.room(job.model._program) if isinstance(job.model, WithCircuit) else ""
    return Cost(job.n_params, max(peak, job.memory), best, _step(job, target, seed) or best, steps, room)


def _of_method(job: build.Job, target: Target, seed: int) -> Cost:
    """The cost of a method by how much longer it takes with a few iterations than with none."""

    def seconds(iterations: int) -> float:
        assert job.spec.method is not None
        since = time.perf_counter()
        job.spec.method.at_most(iterations).learn(target, job.model, None, seed)
        return time.perf_counter() - since

    seconds(STEPS)  # which may compile code
    start = min(seconds(0) for _ in range(3))
    step = max(min(seconds(STEPS) for _ in range(3)) - start, 0.0) / STEPS
    return Cost(job.n_params, job.memory, step, step, job.most)


def _step(job: build.Job, target: Target, seed: int) -> float:
    """Seconds of the quickest of the first steps of a fit: what an optimizer computes besides the gradient, such as a
    metric, is in it. 0 where a fit has no steps."""
    times: list[float] = []

    def followed(_: Iteration) -> bool:
        times.append(time.perf_counter())
        return len(times) > 1 and times[-1] - times[0] > LONG

    spec = job.spec.model_copy(
        update={"restarts": 1, "max_iterations": min(STEPS, job.spec.max_iterations), "grown_from": None}
    )
    run_fit(replace(job, spec=spec), target, seed, 0, followed)
    return min((after - before for before, after in pairwise(times)), default=0.0)


def describe(plan: build.Plan, workers: int) -> str:
    """One line a fit and one in total; the steps that a fit may take are the most, few take all."""
    lines, total, points = [], 0.0, len(plan.points)
    for job in plan.jobs:
        cost = measure(job, plan.target, plan.study.seed)
        total += cost.step * cost.steps
        evaluations = cost.step / (cost.evaluation or 1.0)
        note = (
            f", {evaluations:.2g} times an evaluation of the loss and its gradient" if evaluations > EXPENSIVE else ""
        )
        about = job.way if job.model is None else f"{plural(cost.n_params, 'parameter')}, {size(cost.memory)}"
        lines.append(
            f"fit {job.spec.name!r}: {about}, {span(cost.step)} a step (measured{note}), "
            f"at most {plural(cost.steps, 'step')}: at most {span(cost.step * cost.steps)}"
            + (f"; {cost.room}" if cost.room else "")
            + ("; error bars besides, not measured" if job.spec.errors else "")
        )
    if points:
        where = "1 process" if workers == 1 else f"{workers} processes"
        lines.append(
            f"sweep: {plural(points, 'point')} in {where}, at most {span(total * points / workers)} if all of them are "
            "like the study without its sweep"
        )
    else:
        lines.append(f"in all at most {span(total)}")
    return "\n".join(lines)


def size(count: int) -> str:
    """Bytes in the unit that reads best."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{max(count, 2**10) / 2**20:.2g} MiB"
