"""Gradients of likelihoods of processes and words against 40-digit arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from qml import NegativeLogLikelihood, PauliMeasurement, channels, gates, sample
from qml.fitting import Objective
from qml.processes import Experiments, GateSetModel, KrausModel, ProcessMeasurement, as_process

Z = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}


def derivative(f, theta, k):
    """df/dtheta_k by a central difference with a step of 1e-12 at 40 digits, right to 1e-24."""
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12
        moved = [[mpmath.mpf(float(x)) for x in theta] for _ in range(2)]
        moved[0][k] += h
        moved[1][k] -= h
        return float((f(moved[0]) - f(moved[1])) / (2 * h))


def inverse_root(a):
    """(A^dagger A)^(-1/2) of a matrix (n, 2)."""
    values, vectors = mpmath.eighe(a.H * a)
    return vectors * mpmath.diag([1 / mpmath.sqrt(x) for x in values]) * vectors.H


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_gradient_of_a_likelihood_over_isometries(rank):
    counts = sample(
        as_process(channels.AmplitudeDamping(0.3, 0)),
        ProcessMeasurement(1, PauliMeasurement(1)),
        50,
        np.random.default_rng(0),
    )
    model, m = KrausModel(1, rank=rank), counts.measurement
    theta = model.init_params(np.random.default_rng(1))
    inputs = [mpmath.matrix(s.tolist()) for s in m.preparations.matrix()]
    effects = [mpmath.matrix(m.measurement.element(k).tolist()) for k in range(m.measurement.n_outcomes)]
    n = counts.counts.reshape(len(inputs), -1)

    def loss(x):
        half = len(x) // 2
        a = mpmath.matrix(2 * rank, 2)
        for row in range(2 * rank):
            for column in range(2):
                place = 2 * row + column
                a[row, column] = mpmath.mpc(x[place], x[half + place])
        v = a * inverse_root(a)
        kraus = [mpmath.matrix([[v[rank * out + k, i] for i in range(2)] for out in range(2)]) for k in range(rank)]
        total = mpmath.mpf(0)
        for j, rho in enumerate(inputs):
            image = mpmath.matrix(2, 2)
            for operator in kraus:
                image += operator * rho * operator.H
            for k, effect in enumerate(effects):
                if n[j, k]:
                    p = sum((effect * image)[i, i] for i in range(2))
                    total -= int(n[j, k]) * mpmath.log(p.real)
        return total / int(counts.total)

    value, gradient = Objective(model, counts, NegativeLogLikelihood()).value_and_gradient(theta)
    with mpmath.workdps(40):
        assert value == pytest.approx(float(loss([mpmath.mpf(float(x)) for x in theta])), rel=1e-13)
    chosen = range(0, len(theta), max(1, len(theta) // 6))
    exact = np.array([derivative(loss, theta, k) for k in chosen])
    assert np.abs(exact).max() > 1e-3
    assert np.abs(gradient[list(chosen)] - exact).max() < 1e-12


def test_the_gradient_of_a_likelihood_over_words():
    model = GateSetModel({"X": gates.SX, "S": gates.S}, preparations={"rho": [1.0, 0.0]}, measurements=Z)
    words = [(), ("X",), ("X", "S", "X"), ("S", "X", "X", "S", "X"), ("X",) * 9]
    setup = Experiments.product(words, {"rho": [1.0, 0.0]}, Z)
    rng = np.random.default_rng(0)
    theta = model.init_params(rng) + 0.01 * rng.normal(size=model.n_params)
    counts = setup.simulate(model.predict(theta, setup), 100, rng)
    n = counts.counts.reshape(-1, 2)

    def loss(x):
        r = {}
        for g, name in enumerate(model.gates):
            rows = [[1, 0, 0, 0], *([x[12 * g + 4 * i + j] for j in range(4)] for i in range(3))]
            r[name] = mpmath.matrix(rows)
        start, effect = mpmath.matrix([1, *x[24:27]]), mpmath.matrix([list(x[27:31])])
        total = mpmath.mpf(0)
        for word, (zeros, ones) in zip(words, n, strict=True):
            v = start
            for name in word:
                v = r[name] * v
            p = (effect * v)[0]
            total -= int(zeros) * mpmath.log(p) + int(ones) * mpmath.log(1 - p)
        return total / int(counts.total)

    _, gradient = Objective(model.on(counts), counts, NegativeLogLikelihood()).value_and_gradient(theta)
    exact = np.array([derivative(loss, theta, k) for k in range(model.n_params)])
    assert np.abs(exact).max() > 0.01
    assert np.abs(gradient - exact).max() < 1e-12 * np.abs(exact).max()
