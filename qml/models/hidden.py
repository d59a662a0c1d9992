"""Gibbs models with hidden units."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qml import _checks, spectral, threads
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, DimsLike, ParamsLike, Real
from qml.geometry import Metric
from qml.geometry.gibbs import ClassicalMetric
from qml.geometry.tangent import MarginalMetric
from qml.models.base import Model, NormalStart
from qml.models.gibbs import GibbsModel, derivatives
from qml.models.hidden_energies import FreeEnergy, free_energies, joint_order
from qml.operators import GeneratorsLike, pauli
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState


class HiddenGibbsModel(NormalStart, Model):
    r"""A Gibbs state of visible and hidden sites, the hidden ones discarded.

    .. math:: \sigma_\theta = \mathrm{Tr}_{h}\, \frac{e^{-K_\theta}}{Z}, \qquad K_\theta = \sum_j \theta_j G_j

    A quantum Boltzmann machine with hidden units. Of full rank, but, unlike :class:`GibbsModel`, not convex in theta:
    fits depend on their start, so give them `restarts`. How sigma is computed follows from the generators:

    ``"closed form"``
        Pauli strings with I or Z on visible sites, each on at most one hidden qubit: a restricted Boltzmann machine
        whose hidden units need not commute. sigma is diagonal; O(2^n_v n_h).
    ``"blocks"``
        Generators that are diagonal in the visible configurations v: log p(v) from the d_v blocks of K, O(d_v d_h^3).
    ``"dense"``
        Any others: an eigen-decomposition of K on all sites, O(d_v^3 d_h^3).

    In the first two the state is a diagonal :class:`~qml.states.GibbsState` whose energies are the free energies
    -log Tr_h exp(-K(v)): no weight ever underflows. In the last it is a
    :class:`~qml.states.DensityMatrix` held as a factor L = U diag(s), with sigma = L L^dagger, from the singular
    values of exp(-K/2), which have twice the digits of sigma: an eigenvalue lambda comes with a relative error of about
    1e-16 sqrt(lambda_max / lambda), and counts as zero below (d eps)^2 lambda_max, about 1e-31 of the largest.

    Parameters
    ----------
    generators, dims
        As :class:`GibbsModel` takes them, on all sites.
    hidden : int or sequence of int
        How many of the last sites are hidden, or which ones; at least one, not all.

    Attributes
    ----------
    joint : GibbsModel
        The model of all sites.
    visible, hidden : tuple of int
        The sites.
    method : str
        How sigma is computed: one of the three above.

    Raises
    ------
    InputError
        If the generators are not ones of a Gibbs model, or `hidden` leaves nothing visible or nothing hidden.
    MemoryRefused
        If the joint matrices would not fit.

    Notes
    -----
    The derivative of the exponential is taken by divided differences in the eigenbasis of K, exact at degenerate
    spectra. For the cross entropy it is dS/dtheta_j = Tr(tau G_j) - Tr(e^{-K} G_j) / Z with the Hermitian tau of unit
    trace that ``docs/explanation/models_hidden.md`` derives.
    Source: Amin et al. (2018), arXiv:1601.02036; Wilde (2025), arXiv:2512.19819 (the gradient with hidden units).

    Examples
    --------
    >>> model = HiddenGibbsModel([pauli("XI"), pauli("ZZ"), pauli("IX")])
    >>> model.dims, model.method
    ((2,), 'dense')
    >>> round(model.state([0.5, 0.0, 2.0]).expect(pauli("X")), 6)
    -0.462117
    """

    def __init__(
        self, generators: GeneratorsLike, hidden: int | Sequence[int] = 1, dims: DimsLike | None = None
    ) -> None:
        self.joint = GibbsModel(generators, dims)
        n = len(self.joint.dims)
        if isinstance(hidden, int | np.integer):
            self.hidden = tuple(range(n - _checks.integer("hidden", hidden, low=0, high=n), n))
        else:
            self.hidden = tuple(sorted(_checks.targets("hidden", hidden, n)))
        self.visible = tuple(site for site in range(n) if site not in self.hidden)
        if not self.hidden or not self.visible:
            none = "hidden" if not self.hidden else "visible"
            raise InputError(
                f"hidden must leave at least one of the {_checks.plural(n, 'site')} on either side; found {hidden!r}, "
                f"so that none is {none}" + (": use GibbsModel." if not self.hidden else ".")
            )
        self._names = self.joint.parameter_names
        self.dims = tuple(self.joint.dims[site] for site in self.visible)
        self._free = free_energies(self.joint.generators, self.visible, self.hidden)
        if self._free is None:
            d = math.prod(self.joint.dims)
            _checks.memory(f"a joint state of dimension {d}", 128 * d * d, "use fewer sites")
            self._order = joint_order(self.joint.dims, self.visible, self.hidden)
            self._in_order = self.hidden[0] > self.visible[-1]

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles go without the states of the latest theta."""
        return {name: held for name, held in vars(self).items() if name != "_latest"}

    def _arguments(self) -> dict[str, Any]:
        return {**self.joint._arguments(), "hidden": self.hidden}

    @classmethod
    def all_paulis(cls, n: int, weight: int | None = None, hidden: int | Sequence[int] = 1) -> HiddenGibbsModel:
        """The model of all Pauli strings that act on one to `weight` of `n` qubits, as :meth:`GibbsModel.all_paulis`
        orders them.

        Parameters
        ----------
        n : int
            The number of qubits, hidden ones included.
        weight : int, optional
            From 1 to n; 2 by default, or 1 of one qubit.
        hidden : int or sequence of int
            As of the class: how many, the last ones, or which.

        Raises
        ------
        InputError
            If one of them is out of range.

        Examples
        --------
        >>> len(HiddenGibbsModel.all_paulis(3, hidden=1).parameter_names)
        36
        """
        return cls([pauli(label) for label in GibbsModel.all_paulis(n, weight).parameter_names], hidden)

    @property
    def method(self) -> str:
        """How K is summed over the hidden units: "dense", "blocks" or "closed form"."""
        return "dense" if self._free is None else self._free.how

    has_full_rank = True
    suited_optimizer = "natural_lbfgs"
    start_scale = 0.5  # at theta = 0 the couplings to hidden sites have no gradient, so a start near it is a slow one
    _latest: tuple[Real, tuple[GibbsState, DensityMatrix, Complex, Complex]] | None = None

    @property
    def matrix_dim(self) -> int:
        """That of the joint state, where it is decomposed as a whole."""
        return math.prod(self.joint.dims if self._free is None else self.dims)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        theta = self.theta(params)
        if self._free is not None:
            free = self._free.at(theta)
            return self._diagonal(free), free.pull
        joint, state, rows, right = self._factorised(theta)

        def pull(c: Complex) -> Real:
            """From the factor L to the root of the joint state, and to K in its eigenbasis."""
            spectrum, d = joint.spectrum(), joint.dim
            if self.joint.generators.is_real:  # then the imaginary part of c moves no parameter
                c = np.ascontiguousarray(c.real)
            half = rows.conj().T @ (c @ right).reshape(d, d)
            g = half + half.conj().T
            g *= spectral.exp_divided_differences(spectrum.log_eigenvalues / 2)
            g.reshape(-1)[:: d + 1] -= np.trace(g) * spectrum.eigenvalues
            return self.joint.generators.traces(spectrum.from_basis(g)) / -4

        return state, pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        theta = self.theta(params)
        if self._free is None:
            (joint, marginal, *_), combine = self._factorised(theta), self.joint.generators.combine
            return marginal, lambda v: derivatives(joint, v, self.n_params, combine, self._order)
        free = self._free.at(theta)
        sigma = self._diagonal(free)
        return sigma, lambda v: derivatives(sigma, v, self.n_params, free.push)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> Metric:
        """Of a diagonal state the Fisher information, without matrices of its dimension; else from derivatives."""
        theta = self.theta(params)
        if self._free is None:
            joint, sigma, rows, _ = self._factorised(theta)

            def push(v: ArrayLike) -> Complex:
                return self.state_jvp(theta)[1](v)

            def pull(cotangent: Complex) -> Real:
                return self.state_vjp(theta)[1](sigma.pull_matrix(cotangent))

            return MarginalMetric(sigma, joint, rows, self.joint.generators, push, pull, kind)
        free = self._free.at(theta)
        p = self._diagonal(free).probabilities()
        return ClassicalMetric(p, free.slopes, free.push, free.pull, self.n_params, kind)

    def log_partition_and_means(self, params: ArrayLike) -> tuple[float, Real]:
        """What belongs to the joint state of visible and hidden sites: log Z = log Tr exp(-K) in nats, and Tr(e^{-K}
        G_j) / Z for all j, shape (n_params,).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        theta = self.theta(params)
        if self._free is None:
            joint = self.joint.state(theta)
            return float(joint.log_partition()), self.joint.generators.traces(joint.matrix())
        free = self._free.at(theta)
        sigma = self._diagonal(free)
        return float(sigma.log_partition()), free.pull(sigma.probabilities())

    def _diagonal(self, free: FreeEnergy) -> GibbsState:
        return GibbsState._trusted(free.values, self.dims, diagonal=True)

    def _factorised(self, theta: Real) -> tuple[GibbsState, DensityMatrix, Complex, Complex]:
        r"""The joint state; sigma = L L^dagger; the eigenvectors V of K in the order \|v, h> (d, d); and W^dagger (d_v,
        d_h d), with

        .. math:: \langle v| L W^\dagger |h, a\rangle = V_{v h, a}\, e^{l_a / 2}, \qquad L = U \mathrm{diag}(s)

        Those of the latest theta are kept: an evaluation and a metric ask for them.
        """
        latest = self._latest
        if latest is not None and np.array_equal(latest[0], theta):
            return latest[1]
        joint = self.joint.state(theta)
        spectrum = joint.spectrum()
        rows = spectrum.columns if self._in_order else spectrum.columns[self._order.ravel()]
        columns = (rows * np.exp(spectrum.log_eigenvalues / 2)).reshape(len(self._order), -1).T
        with threads.suited_alone(joint.dim):
            w, s, vectors = spectral.svd(columns)
        sigma = DensityMatrix._of_singular_vectors(vectors.T, s / np.linalg.norm(s), self.dims)
        found = joint, sigma, rows, w.T
        self._latest = theta.copy(), found
        return found

    def __repr__(self) -> str:
        generators = _checks.plural(self.n_params, "generator")
        return f"HiddenGibbsModel(dims={self.dims}, hidden={self.hidden}, {generators}, {self.method})"


def semi_quantum_restricted(n_visible: int, n_hidden: int, letters: str = "XYZ") -> HiddenGibbsModel:
    r"""A semi-quantum restricted Boltzmann machine: classical visible units, each coupled to quantum hidden ones.

    .. math:: K = \sum_i a_i Z_i + \sum_{j, P} b_j^P P_j + \sum_{i, j, P} w_{ij}^P Z_i P_j, \qquad
        p(v) \propto e^{-\sum_i a_i z_i} \prod_j 2 \cosh \Bigl| b_j + \sum_i w_{ij} z_i \Bigr|

    with i over visible units, z_i = (-1)^{v_i}, j over hidden qubits, P over `letters`, and \|.\| the Euclidean norm
    over P. With ``letters="Z"`` it is the classical restricted Boltzmann machine.

    Parameters
    ----------
    n_visible, n_hidden : int
        Visible qubits come first.
    letters : str
        Which of X, Y, Z act on hidden qubits; distinct, at least one.

    Returns
    -------
    HiddenGibbsModel
        Of method "closed form"; its parameters have the names of the strings. It learns distributions: of a rho that
        is not diagonal only the diagonal matters.

    Raises
    ------
    InputError
        If a number of units is below 1, or letters are not distinct ones of X, Y, Z.

    Notes
    -----
    A value and its gradient cost O(2^n_v n_v n_h). Source: Demidik et al. (2025), arXiv:2502.17562.

    Examples
    --------
    >>> model = semi_quantum_restricted(2, 1, "XZ")
    >>> model.parameter_names
    ('ZII', 'IZI', 'IIX', 'IIZ', 'ZIX', 'IZX', 'ZIZ', 'IZZ')
    >>> model.state([0, 0, 0, 0, 1, 1, 0, 0]).probabilities().round(3)
    array([0.395, 0.105, 0.105, 0.395])
    """
    n_v, n_h = _checks.qubit_count("n_visible", n_visible), _checks.qubit_count("n_hidden", n_hidden)
    if not isinstance(letters, str) or not letters or set(letters) - set("XYZ") or len(set(letters)) < len(letters):
        raise InputError(f"letters must be distinct ones of X, Y and Z, such as 'XZ'; found {letters!r}.")
    n = n_v + n_h
    _checks.memory(f"a machine of {n_v} and {n_h} units", 500 * n * n_v * n_h * len(letters), "use fewer units")
    visible, hidden = range(n_v), range(n_v, n)
    strings = [pauli("Z", sites=[i], n=n) for i in visible]
    strings += [pauli(p, sites=[j], n=n) for j in hidden for p in letters]
    strings += [pauli("Z" + p, sites=[i, j], n=n) for j in hidden for p in letters for i in visible]
    return HiddenGibbsModel(strings, n_h)
