"""Models of processes: theta to a Choi state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_complex
from qml._checks import InputError, OutsideDomain
from qml._typing import ArrayLike, Complex, Cotangent, DimsLike, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.register import directions_of
from qml.models.base import Model, normal_start
from qml.models.circuit import CircuitModel
from qml.parameters import Interval
from qml.processes.choi import beside_reference, maximally_entangled
from qml.processes.process import Process
from qml.states import DensityMatrix, State, as_state
from qml.states.coercion import StateLike

if TYPE_CHECKING:
    from qml.engines.base import Engine


class ProcessModel(CircuitModel):
    r"""What a parametrised circuit does to its input, as a Choi state.

    .. math:: J_\theta = (1 \otimes E_\theta) |\Phi\rangle\langle\Phi|, \qquad
        |\Phi\rangle = \frac{1}{\sqrt d} \sum_i |i\rangle |i\rangle

    It is learnt like any other state: ``fit(ProcessModel(circuit), process)`` minimises S(J, J_theta), and
    ``fit(ProcessModel(circuit), counts)`` the likelihood of counts of a :class:`ProcessMeasurement`. Parameters are
    those of a :class:`~qml.CircuitModel`: angles as they are, rates inside their intervals.

    Parameters
    ----------
    circuit : Circuit
        Its input sites (``circuit.dims_in``) are those of the process; ancillas, resets and traces are allowed.
    engine : Engine or str, optional
    domains : mapping of str to Interval, optional

    Raises
    ------
    InputError
        As :class:`~qml.CircuitModel`.

    Notes
    -----
    Twice as many sites as the circuit has. S is +inf where J leaves the support of J_theta: a circuit needs noise of
    full rank, such as a depolarizing channel, to learn from S; other losses and counts need none.

    Examples
    --------
    >>> from qml import channels, fit, gates
    >>> model = ProcessModel(Circuit(1, [gates.RX("angle", 0), channels.Depolarizing("p", 0)]))
    >>> target = Process.from_circuit(Circuit(1, [gates.RX(0.3, 0), channels.Depolarizing(0.1, 0)]))
    >>> found = fit(model, target, seed=0, progress=False)
    >>> {name: round(value, 6) for name, value in model.natural(found.params).items()}
    {'angle': 0.3, 'p': 0.1}
    """

    _what = "a process model"

    def __init__(
        self, circuit: Circuit, *, engine: Engine | str | None = None, domains: Mapping[str, Interval] | None = None
    ) -> None:
        self.process_circuit = _checks.instance("circuit", circuit, Circuit)
        super().__init__(
            beside_reference(circuit), engine=engine, initial=maximally_entangled(circuit.dims_in), domains=domains
        )

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "circuit": self.process_circuit}

    def process(self, params: ParamsLike = ()) -> Process:
        """The process at theta.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        state = self.state(params)
        return Process._of(DensityMatrix._trusted(state.matrix(), state.dims), self.process_circuit.dims_in)

    def on(self, inputs: StateLike) -> OutputsModel:
        """The model of the outputs for given inputs: see :class:`OutputsModel`.

        Parameters
        ----------
        inputs : State or array (m, d, d)
            A batch, on the input sites of the circuit.

        Raises
        ------
        InputError
            If they are no batch (m,) of states on these sites.
        """
        return OutputsModel(self.process_circuit, inputs, engine=self._given_engine, domains=self.domains)

    def __repr__(self) -> str:
        return f"ProcessModel({self.process_circuit!r})"


class OutputsModel(CircuitModel):
    r"""The outputs of a parametrised circuit for a set of inputs: a batch of states.

    .. math:: \sigma_k(\theta) = E_\theta(\rho_k), \qquad L = \sum_k w_k\, S(\tau_k, \sigma_k(\theta))

    Learnt by ``fit(model, outputs, loss=MeanCrossEntropy(weights))`` from the batch of the outputs tau_k.

    Parameters
    ----------
    circuit : Circuit
    inputs : State or array (m, d, d)
        The batch rho_k, on the input sites of the circuit.
    engine : Engine or str, optional
    domains : mapping of str to Interval, optional

    Raises
    ------
    InputError
        If the inputs are no batch (m,) of states on these sites.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import fit, gates
    >>> from qml.losses import MeanCrossEntropy
    >>> inputs = np.array([[[0.9, 0.0], [0.0, 0.1]], [[0.5, 0.4], [0.4, 0.5]]])
    >>> model = OutputsModel(Circuit(1, [gates.RZ("a", 0)]), inputs)
    >>> outputs = model.state({"a": 0.4})
    >>> found = fit(model, outputs, loss=MeanCrossEntropy([0.25, 0.75]), params0=[0.0], progress=False)
    >>> round(float(found.params[0]), 5)
    0.4
    """

    _what = "a model of outputs"

    def __init__(
        self,
        circuit: Circuit,
        inputs: StateLike,
        *,
        engine: Engine | str | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        super().__init__(circuit, engine=engine, domains=domains)
        held = as_state(inputs, circuit.dims_in, "inputs")
        if held.dims != circuit.dims_in or len(held.batch_shape) != 1:
            raise InputError(
                f"inputs must be a batch (m,) of states on the input sites, dims {circuit.dims_in}; found dims "
                f"{held.dims} in a batch of shape {held.batch_shape}."
            )
        self.inputs = self.initial = held

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        _, values, slopes = self._at(params)
        assert self._start is not None
        state, pull = self.engine.evolve_vjp(self._program, values, self._start.state())
        return state, lambda cotangent: np.asarray(pull(cotangent)[0].sum(axis=0)) * slopes

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        raise InputError(
            "a batch of outputs has no metric: use an optimizer that works from gradients, such as LBFGS()."
        )

    def __repr__(self) -> str:
        return f"OutputsModel({self.circuit!r}, {self.inputs.batch_shape[0]} inputs)"


class KrausModel(Model):
    r"""Every process of a given Kraus rank: an isometry into output and environment, free of constraints.

    .. math:: V = A (A^\dagger A)^{-1/2}, \qquad E(\rho) = \mathrm{Tr}_{\text{environment}} V \rho V^\dagger

    theta holds the real, then the imaginary parts of A (d_out r, d), in the order of rows. The trace is preserved
    whatever theta is.

    Parameters
    ----------
    dims_in : int or sequence of int
        A number of qubits, or the dimensions of the input sites.
    dims_out : int or sequence of int, optional
        As the input by default.
    rank : int, optional
        r, the number of Kraus operators; by default d d_out, which reaches every process.

    Raises
    ------
    InputError
        If the rank is out of range: from d / d_out, so that an isometry exists, to d d_out.
    OutsideDomain
        By derivatives, where A has not the rank d.

    Notes
    -----
    The derivative of the polar factor is exact, from one singular value decomposition of A: O(d_out r d^2).
    With r < d d_out, S(J, J_theta) is +inf unless J lies in the support of J_theta: take counts, or another loss.

    Examples
    --------
    >>> from qml import fit, gates
    >>> from qml.processes import as_process, process_fidelity
    >>> model = KrausModel(1, rank=1)
    >>> found = fit(model, as_process(gates.T), loss="infidelity", seed=0, progress=False)
    >>> round(process_fidelity(model.process(found.params), as_process(gates.T)), 6)
    1.0
    """

    def __init__(self, dims_in: DimsLike, dims_out: DimsLike | None = None, *, rank: int | None = None) -> None:
        self.dims_in = _checks.dimensions("dims_in", dims_in)
        self.dims_out = self.dims_in if dims_out is None else _checks.dimensions("dims_out", dims_out)
        self.dims = self.dims_in + self.dims_out
        self._d, self._d_out = math.prod(self.dims_in), math.prod(self.dims_out)
        least, most = -(-self._d // self._d_out), self._d * self._d_out
        self.rank = most if rank is None else _checks.integer("rank", rank, low=least, high=most)
        self._shape = self._d_out * self.rank, self._d
        _checks.memory(f"a process model of {2 * math.prod(self._shape)} parameters", 160 * most**2, "lower the rank")

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        places = [f"{a},{k},{i}" for a in range(self._d_out) for k in range(self.rank) for i in range(self._d)]
        return tuple(f"{part}[{place}]" for part in ("re", "im") for place in places)

    def init_params(self, rng: np.random.Generator, scale: float = 1.0) -> Real:
        """A random start: normal, so that V is uniform (Haar) over the isometries, whatever the scale.

        Parameters
        ----------
        rng : numpy Generator
        scale : float
            The standard deviation, from 0 to 1e100.

        Raises
        ------
        InputError
            If rng is no Generator, or scale is out of range.
        """
        return normal_start(rng, self.n_params, scale)

    def isometry(self, params: ParamsLike = ()) -> Complex:
        """The isometry V (d_out r, d), into the output followed by the environment.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        u, _, w = self._decomposed(params, smooth=False)
        return np.asarray(u @ w)

    def process(self, params: ParamsLike = ()) -> Process:
        """The process at theta.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        return Process._of(self._state(self.isometry(params)), self.dims_in)

    def params_of(self, process: Process) -> Real:
        """A theta (n_params,) of a process of this rank or less.

        Kraus operators that it lacks are zero there, and so are all slopes along them: a fit that starts there never
        leaves its rank.

        Parameters
        ----------
        process : Process

        Raises
        ------
        InputError
            If the process needs more Kraus operators, or acts on other sites.
        """
        process = _checks.instance("process", process, Process)
        if (process.dims_in, process.dims_out) != (self.dims_in, self.dims_out) or process.rank > self.rank:
            raise InputError(
                f"the process must have at most {_checks.plural(self.rank, 'Kraus operator')} on these sites; found "
                f"{process!r}."
            )
        k = np.zeros((self.rank, self._d_out, self._d), dtype=np.complex128)
        k[: process.rank] = process.kraus()
        v = k.transpose(1, 0, 2).reshape(-1)
        return np.concatenate([v.real, v.imag])

    def state(self, params: ParamsLike = ()) -> State:
        return self._state(self.isometry(params))

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        u, s, w = self._decomposed(params)

        def pull(cotangent: Cotangent) -> Real:
            g = _polar_change(u, s, w, self._isometry_of(np.asarray(cotangent))).reshape(-1)  # which is its own adjoint
            return np.concatenate([g.real, g.imag])

        return self._state(u @ w), pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        u, s, w = self._decomposed(params)
        v, half = u @ w, self.n_params // 2

        def push(directions: ArrayLike) -> Complex:
            along = directions_of(directions, self.n_params)
            da = (along[..., :half] + 1j * along[..., half:]).reshape(*along.shape[:-1], *self._shape)
            df, f = self._factor_of(_polar_change(u, s, w, da)), self._factor_of(v)
            product = df @ f.conj().T
            return np.asarray(product + product.conj().swapaxes(-1, -2))

        return self._state(v), push

    def _decomposed(self, params: ParamsLike, smooth: bool = True) -> tuple[Complex, Real, Complex]:
        theta = self.theta(params)
        half = len(theta) // 2
        a = (theta[:half] + 1j * theta[half:]).reshape(self._shape)
        largest = float(np.abs(a).max(initial=0.0)) or 1.0
        u, s, w = spectral.svd(a / largest)
        if smooth and not s[-1] > 1e-14 * s[0]:
            raise OutsideDomain(f"theta is where V is not smooth: A has not the rank {self._d}.")
        return as_complex(u), s * largest, as_complex(w)

    def _factor_of(self, v: Complex) -> Complex:
        """The factor (..., d d_out, r) of J from V (..., d_out r, d)."""
        tensor = v.reshape(*v.shape[:-2], self._d_out, self.rank, self._d)
        moved = np.moveaxis(tensor, -1, -3)
        return np.asarray(moved.reshape(*v.shape[:-2], self._d * self._d_out, self.rank) / math.sqrt(self._d))

    def _isometry_of(self, factor: Complex) -> Complex:
        """The adjoint of :meth:`_factor_of`."""
        tensor = factor.reshape(self._d, self._d_out, self.rank)
        return np.asarray(np.moveaxis(tensor, 0, -1).reshape(self._shape) / math.sqrt(self._d))

    def _state(self, v: Complex) -> DensityMatrix:
        return DensityMatrix.from_factor(self._factor_of(v), self.dims)

    def __repr__(self) -> str:
        return f"KrausModel(dims_in={self.dims_in}, dims_out={self.dims_out}, rank={self.rank})"


def _polar_change(u: Complex, s: Real, w: Complex, change: Complex) -> Complex:
    """The change of u w, the isometry of A = u diag(s) w, by one (..., rows, d) of A."""
    x = u.conj().T @ change @ w.conj().T
    inner = u @ ((x - x.conj().swapaxes(-1, -2)) / (s[:, None] + s)) @ w
    return as_complex(inner + ((change @ w.conj().T - u @ x) / s) @ w)
