"""Every statement by number, and the functions that check them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from qml import _checks
from qml.principle import bounds, derivatives, friends, measured, neighbors, parity, price, structure
from qml.principle.statement import Statement, Verdict

PAPER = "Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887: abstract"
COMMENT = "Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887: comment to version 3"
KLEIN = "Klein (1931), Z. Phys. 72, 767"

_ALL = (
    Statement(
        1,
        "The quantum cross entropy",
        "S(rho, sigma) = -Tr rho log sigma is finite iff supp rho lies in supp sigma, else +inf; 0 log 0 = 0",
        PAPER,
        bounds.definition,
    ),
    Statement(
        2,
        "Entropy plus divergence",
        "S(rho, sigma) = S(rho) + D(rho || sigma)",
        "derived: from the definitions",
        bounds.decomposition,
    ),
    Statement(3, "Klein's inequality", "S(rho, sigma) >= S(rho), with equality iff sigma = rho", KLEIN, bounds.klein),
    Statement(
        4,
        "Jensen's bound",
        "S(rho, sigma) >= -log Tr(rho sigma), with equality iff supp rho lies in one eigenspace of sigma",
        PAPER,
        bounds.jensen,
    ),
    Statement(
        5,
        "The fidelity bound",
        "S(rho, sigma) >= S(rho) - log F(rho, sigma); not ordered with Jensen's bound",
        PAPER,
        bounds.fidelity,
    ),
    Statement(
        6,
        "Pinsker's inequality and the spectrum",
        "S(rho, sigma) - S(rho) >= ||rho - sigma||_1^2 / 2, and -log lambda_max(sigma) <= S <= -log lambda_min(sigma)",
        "Hiai, Ohya and Tsukada (1981), Pacific J. Math. 96, 99",
        bounds.pinsker,
    ),
    Statement(
        7,
        "Undisturbed data",
        "S is the expected negative log-likelihood per copy of a measurement in the model's eigenbasis; copies add",
        PAPER,
        measured.undisturbed,
    ),
    Statement(
        8,
        "The shot estimator",
        "the mean of -log s_x over shots is unbiased, with variance [Tr rho (log sigma)^2 - S^2] / n",
        "derived: from statement 7",
        measured.shots,
    ),
    Statement(
        9,
        "Measured first, in a basis",
        "S(rho_hat, sigma) >= NLL, with equality iff every observed |x> is an eigenvector of sigma",
        PAPER,
        measured.measured_first,
    ),
    Statement(
        10,
        "Measured first, any POVM",
        "S(rho_hat, sigma) >= NLL + sum_k f_k log Tr M_k with rho_hat = sum_k f_k M_k / Tr M_k",
        "derived, the empirical state of a POVM among it: from statement 9",
        measured.any_povm,
    ),
    Statement(
        11,
        "False friends",
        "seven inequalities that look right each have a counterexample",
        "found by search",
        friends.false_friends,
    ),
    Statement(
        12,
        "The price of measuring",
        "argmin S(rho_hat, .) is rho_hat, biased at infinite shots: (rho + 1)/(d + 1) for a 2-design; the likelihood "
        "of an informationally complete measurement is consistent",
        "derived: from statement 3",
        price.price_of_measuring,
    ),
    Statement(
        13,
        "Deferred measurement",
        "copies measured in the model's eigenbasis cost nothing, at every step of a training",
        PAPER,
        measured.deferred,
    ),
    Statement(
        14,
        "Extensivity",
        "S(rho_AB, sigma_A x sigma_B) = S(rho_A, sigma_A) + S(rho_B, sigma_B), for correlated data too",
        COMMENT,
        structure.extensivity,
    ),
    Statement(
        15,
        "Parallel processing",
        "S and its derivative are linear in rho: shards of data are exact",
        COMMENT,
        structure.sharding,
    ),
    Statement(
        16,
        "Convexity and symmetry",
        "S is convex in sigma, unitarily invariant and not symmetric",
        "Lieb (1973), Adv. Math. 11, 267",
        bounds.convexity,
    ),
    Statement(
        17,
        "The classical limit",
        "commuting states give the classical cross entropy",
        "derived: from the definition",
        structure.classical_limit,
    ),
    Statement(
        18,
        "Gibbs models",
        "S = Tr rho G + log Z; gradient <G_j>_rho - <G_j>_sigma; Hessian the Bogoliubov-Kubo-Mori covariance; convex "
        "in theta",
        "Kappen (2018), arXiv:1803.11278; Patel and Wilde (2024), arXiv:2410.24058",
        derivatives.gibbs,
    ),
    Statement(
        19,
        "Any model",
        "dS = -Tr(rho Dlog_sigma[dsigma]), the Frechet derivative by divided differences",
        "Daleckii and Krein (1965)",
        derivatives.any_model,
    ),
    Statement(
        20,
        "Compression with the wrong model",
        "coding rho with a code made for sigma costs S(rho, sigma) nats a copy",
        "arXiv:2106.13823",
        neighbors.compression,
    ),
    Statement(
        21,
        "The Pythagorean theorem",
        "D(rho || sigma) = D(rho || sigma*) + D(sigma* || sigma) for the moment-matched sigma* and any sigma of "
        "the family",
        "Amari and Nagaoka (2000), Methods of Information Geometry",
        neighbors.pythagoras,
    ),
    Statement(
        22,
        "Kappen's parity experiment",
        "a quantum Boltzmann machine with pairwise terms and no hidden units learns the parity of biased bits, held as "
        "sum sqrt(q) |x>, which a classical one with the same pairs cannot; of unbiased bits neither can: S >= log 2",
        "after Kappen (2018), arXiv:1803.11278; the case without bias is ours",
        parity.kappen,
    ),
)

STATEMENTS: dict[int, Statement] = {statement.number: statement for statement in _ALL}
"""Every statement by number: 1 to 19 are the principle, those after it its neighbors."""


def check(number: int, *, pairs: int = 10_000, seed: int = 0) -> Verdict:
    """Look for violations of one statement among random instances.

    Parameters
    ----------
    number : int
        Of :data:`STATEMENTS`.
    pairs : int
        At least how many random instances.
    seed : int
        Each statement draws from its own stream of this seed.

    Raises
    ------
    InputError
        For an unknown number or a bad seed.

    Examples
    --------
    >>> verdict = check(3, pairs=300)
    >>> verdict.holds, verdict.evidence.samples > 300
    (True, True)
    """
    number = _checks.integer("number", number, low=1, high=len(STATEMENTS))
    pairs = _checks.integer("pairs", pairs, low=1, high=10**7)
    sequence = np.random.SeedSequence(_checks.integer("seed", seed, low=0), spawn_key=(number,))
    statement, since = STATEMENTS[number], time.perf_counter()
    evidence = statement.look(np.random.default_rng(sequence), pairs)
    return Verdict(statement, evidence, time.perf_counter() - since)


def check_all(numbers: Sequence[int] | None = None, *, pairs: int = 10_000, seed: int = 0) -> Iterator[Verdict]:
    """:func:`check` for each of `numbers` (by default all), one after the other."""
    for number in STATEMENTS if numbers is None else _checks.listed("numbers", numbers, "numbers of statements"):
        yield check(number, pairs=pairs, seed=seed)
