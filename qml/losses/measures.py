"""Entropies of a state, and how far two states are apart."""

from __future__ import annotations

from qml import spectral, threads
from qml._arrays import as_complex, as_real, namespace, per_state
from qml._typing import Complex, Numbers, Real
from qml.states.base import State
from qml.states.coercion import StateLike, as_pair, as_state
from qml.states.cross_entropy import kernel_weight, log_expectation
from qml.states.gibbs import SpectralState


def von_neumann_entropy(rho: StateLike) -> Numbers:
    r"""The von Neumann entropy in nats.

    .. math:: S(\rho) = -\mathrm{Tr}\, \rho \log \rho, \qquad 0 \log 0 = 0

    Parameters
    ----------
    rho : State (...), matrix (..., d, d), vector (d,) or Qobj

    Returns
    -------
    float, or array (...) for a batch
        From 0 (pure) to log d (maximally mixed).

    Raises
    ------
    InputError
        If rho is no state.

    Notes
    -----
    Costs one eigen-decomposition, O(d^3), unless the state knows its spectrum. Source: von Neumann (1927).

    Examples
    --------
    >>> from qml.states import maximally_mixed
    >>> round(float(von_neumann_entropy(maximally_mixed((2, 2)))), 6)
    1.386294
    """
    return as_state(rho, None, "rho").entropy()


def purity(rho: StateLike) -> Numbers:
    r"""The purity :math:`\mathrm{Tr}\, \rho^2`, from 1/d to 1.

    Parameters
    ----------
    rho : State (...), matrix (..., d, d), vector (d,) or Qobj

    Returns
    -------
    float, or array (...) for batches

    Raises
    ------
    InputError
        If rho is no state.

    Notes
    -----
    Costs O(d^2), and O(d r^2) for a factor of rank r.

    Examples
    --------
    >>> from qml.states import ghz
    >>> round(float(purity(ghz(3))), 12)
    1.0
    """
    return as_state(rho, None, "rho").purity()


def cross_entropy(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The quantum cross entropy of data rho and model sigma, in nats.

    .. math:: S(\rho, \sigma) = -\mathrm{Tr}\, \rho \log \sigma

    Finite iff the support of rho lies inside that of sigma; otherwise it is +inf, which is a value and not an error.
    S(rho, sigma) >= S(rho), with equality iff sigma = rho.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches

    Raises
    ------
    InputError
        If the dims differ.

    Notes
    -----
    Costs one eigen-decomposition of sigma, O(d^3), unless sigma knows its logarithm (Gibbs and spectral states).
    Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887; Kappen (2018), arXiv:1803.11278.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(float(cross_entropy(rho, sigma)), 6)
    0.836988
    >>> float(cross_entropy(rho, DensityMatrix.from_probabilities([1.0, 0.0])))
    inf
    """
    rho, sigma = as_pair(rho, sigma)
    return per_state(-log_expectation(rho, sigma) + 0.0)


def relative_entropy(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The quantum relative entropy in nats.

    .. math:: D(\rho \Vert \sigma) = \mathrm{Tr}\, \rho (\log\rho - \log\sigma) = S(\rho, \sigma) - S(\rho) \ge 0

    +inf iff the support of rho is not inside that of sigma.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches

    Raises
    ------
    InputError
        If the dims differ, or one of them is no state.

    Notes
    -----
    Costs two eigen-decompositions. The difference of two rounded numbers, so its absolute error is about
    eps S(rho, sigma), or eps \|\|K\|\| where sigma is a Gibbs state exp(-K)/Z, which may be much larger: values below
    that are zero to rounding, and may come out as a negative of that size.
    Source: Umegaki (1962), Kodai Math. Sem. Rep. 14, 59.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(float(relative_entropy(rho, sigma)), 6)
    0.143841
    """
    rho, sigma = as_pair(rho, sigma)
    with threads.suited_alone(sigma.dim):
        return cross_entropy(rho, sigma) - rho.entropy()


def fidelity(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The (squared) Uhlmann fidelity, from 0 (orthogonal supports) to 1 (equal states).

    .. math:: F(\rho, \sigma) = \left( \mathrm{Tr} \left| \sqrt\rho \sqrt\sigma \right| \right)^2

    For a pure rho it is <psi\|sigma\|psi>.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches

    Raises
    ------
    InputError
        If the dims differ, or one of them is no state.

    Notes
    -----
    Computed from the singular values of A^dagger B with rho = A A^dagger, sigma = B B^dagger; square roots of the
    eigenvalues of a product would lose half of the digits on nearly pure states. O(d^3).
    Source: Uhlmann (1976), Rep. Math. Phys. 9, 273; Jozsa (1994), J. Mod. Opt. 41, 2315.

    Examples
    --------
    >>> from qml.states import ghz, maximally_mixed
    >>> round(float(fidelity(ghz(2), maximally_mixed((2, 2)))), 12)
    0.25
    """
    rho, sigma = as_pair(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        overlaps = overlaps_of_diagonals(rho, sigma)
    else:
        between = factor_of(rho).conj().swapaxes(-1, -2) @ factor_of(sigma)
        overlaps = namespace(between).linalg.svd(between, compute_uv=False)
    return per_state((overlaps.sum(axis=-1) ** 2).clip(max=1.0))  # rounding exceeds 1


def overlaps_of_diagonals(rho: State, sigma: State) -> Real:
    """sqrt(p q) (..., d) of two states held as probabilities, whose sum is the root of the fidelity."""
    p, q = rho.probabilities(), sigma.probabilities()
    xp = namespace(p, q)
    return as_real(xp.sqrt(p) * xp.sqrt(q))  # a product of small ones is no number of float64


def fidelity_and_derivative(rho: State, sigma: State) -> tuple[float, Complex]:
    """F(rho, sigma) of two states, and the L (d, k) of dF = Tr(L L^dagger dsigma) along states whose rank does not
    change."""
    rho, sigma = as_pair(rho, sigma)
    a = factor_of(rho)
    between = a.conj().T @ factor_of(sigma)
    u, s, _ = spectral.svd(between)
    kept = s > singular_cut(sigma) * s[0]
    root = float(s.sum())
    return min(root**2, 1.0), as_complex(a @ u[:, kept] * (root / s[kept]) ** 0.5)


def singular_cut(sigma: State) -> float:
    """The share of the largest singular value of A^dagger B, sigma = B B^dagger, below which one is left out of
    derivatives.

    It is rounding; or, where sigma or a factor of it is held by its logarithm, whose derivative small ones contribute
    no more to than their own size, so small that the rounding of their vectors would contribute more.
    """
    return spectral.EPS**0.5 if _by_logarithm(sigma) else sigma.dim * spectral.EPS


def _by_logarithm(sigma: State) -> bool:
    is_known = sigma.has_modular_hamiltonian or isinstance(sigma, SpectralState)
    return is_known or any(map(_by_logarithm, sigma.parts))


def trace_distance(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The trace distance, from 0 to 1 (orthogonal supports).

    .. math:: T(\rho, \sigma) = \tfrac12 \lVert \rho - \sigma \rVert_1

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches

    Raises
    ------
    InputError
        If the dims differ, or one of them is no state.

    Notes
    -----
    Costs the eigenvalues of the difference, O(d^3).

    Examples
    --------
    >>> from qml.states import basis_state
    >>> float(trace_distance(basis_state("0"), basis_state("1")))
    1.0
    """
    rho, sigma = as_pair(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        values = rho.probabilities() - sigma.probabilities()
    else:
        difference = rho.matrix() - sigma.matrix()
        values = namespace(difference).linalg.eigvalsh(difference)
    return per_state((abs(values).sum(axis=-1) / 2).clip(max=1.0))


def hilbert_schmidt_distance(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The Hilbert-Schmidt distance :math:`\lVert \rho - \sigma \rVert_2 = \sqrt{\mathrm{Tr}(\rho - \sigma)^2}`.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches
        From 0 to sqrt 2.

    Raises
    ------
    InputError
        If the dims differ, or one of them is no state.

    Notes
    -----
    Costs O(d^2).

    Examples
    --------
    >>> from qml.states import basis_state
    >>> round(float(hilbert_schmidt_distance(basis_state("0"), basis_state("1"))), 6)
    1.414214
    """
    rho, sigma = as_pair(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        moved = rho.probabilities() - sigma.probabilities()
        return per_state(namespace(moved).linalg.norm(moved, axis=-1))
    if rho.pauli_vector is not None and sigma.pauli_vector is not None:
        moved = rho.pauli_vector - sigma.pauli_vector
        return per_state(namespace(moved).linalg.norm(moved, axis=-1) / rho.dim**0.5)
    difference = rho.matrix() - sigma.matrix()
    xp = namespace(difference)
    return per_state(xp.sqrt(xp.square(xp.abs(difference)).sum(axis=(-2, -1))))


def weight_outside_support(rho: StateLike, sigma: StateLike) -> Numbers:
    r"""The weight Tr(rho P) of rho on the kernel of sigma; S(rho, sigma) is +inf where it exceeds the cut 8 d eps.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.

    Returns
    -------
    float, or array (...) for batches
        From 0 to 1.

    Raises
    ------
    InputError
        If the dims differ, or one of them is no state.

    Notes
    -----
    Costs one eigen-decomposition of sigma, O(d^3), unless it knows its spectrum.

    Examples
    --------
    >>> from qml.states import basis_state, maximally_mixed
    >>> float(weight_outside_support(maximally_mixed((2,)), basis_state("0")))
    0.5
    """
    rho, sigma = as_pair(rho, sigma)
    spectrum = sigma._spectrum
    return per_state(kernel_weight(spectrum, rho, rho.populations(spectrum.basis)))


def factor_of(rho: State) -> Complex:
    """A factor A (..., d, r) with rho = A A^dagger."""
    if rho.factor is not None:
        return rho.factor
    spectrum = rho.spectrum()
    half = namespace(spectrum.log_eigenvalues).exp(spectrum.log_eigenvalues / 2)
    factor: Complex = spectrum.columns * half[..., None, :]
    return factor
