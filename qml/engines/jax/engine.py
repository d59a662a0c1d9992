"""The JAX engine: programs of qubits on graphics cards, on many of them, and on processors."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks
from qml._arrays import as_complex, namespace, on_host
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits.circuit import ProgramLike, as_program
from qml.engines.base import Engine
from qml.engines.compile.kinds import AMPLITUDES, PAULI
from qml.engines.jax.form import chunk_of, n_kept
from qml.engines.jax.plan import Plan
from qml.engines.pauli_state import PauliState, matrix_of, pauli_vector_of, vector_of
from qml.engines.register import (
    Pull,
    Push,
    VectorsPull,
    batch_of,
    by_slot_of,
    changes_of,
    check_cotangent,
    check_single,
    directions_of,
    ready,
    shared,
)
from qml.engines.vectors.plain import columns_like, start_of
from qml.states.base import State
from qml.states.coercion import StateLike

if TYPE_CHECKING:
    import jax
    from jax.sharding import Mesh

    from qml.engines.jax.compiled import Compiled


def required() -> None:
    """Refuse to go on where JAX is not installed."""
    if importlib.util.find_spec("jax") is None:
        raise InputError(
            "JaxEngine needs JAX, which is not installed: pip install 'qmaxlik[jax]', or a build of JAX for your card."
        )


class JaxEngine(Engine):
    r"""Runs programs of qubits on the Pauli vector with JAX: on a graphics card, spread over many, or on processors.

    The state is the real vector r_P = Tr(P rho), 8 * 4^n bytes. A program is cut into windows of three sites, or of
    two up to 10 qubits on processors; all that happens in a window is one real matrix, (64, 64) or (16, 16), made of
    the parameters, and applying it is one product. JAX differentiates and compiles the whole, so a gradient in all
    parameters costs about three evolutions. A structure compiles at its first run and is kept with its program: new
    parameters compile nothing.

    States stay where they are computed: spectra, losses and their derivatives are computed there, too, and the host
    sees numbers and gradients. All arithmetic is in double precision, whatever ``jax_enable_x64`` says; that setting of
    yours is not touched.

    Over several devices the vector is spread by the values of one or two sites; where an operation needs these, others
    are spread from then on, which is one exchange between all devices. S needs a matrix, which one device must hold: up
    to 13 qubits on 80 GB. Expectations, probabilities, purities, overlaps and likelihoods of counts stay spread.

    Parameters
    ----------
    devices : sequence of jax.Device, jax.sharding.Mesh, or int, optional
        What to run on: the devices, those of a mesh whatever its shape, or the first so many of ``jax.devices()``; one
        device or a power of two of them.
        None: the first one. Devices belong to their process: an engine that is given them, and not their number, goes
        neither to other processes (``fit(workers=...)``) nor to files.
    checkpoint_bytes : int
        Memory that the gradient may keep vectors in, one for each window. Where they take more, only about twice the
        square root of their number is kept, and the others are computed again on the way back.

    Raises
    ------
    InputError
        Where JAX is not installed, there are fewer devices than asked for, their number is no power of two, or a
        program has other sites than qubits.
    MemoryRefused
        Before anything is allocated, where a vector would not fit; with the number of devices that would do.

    Notes
    -----
    An evaluation costs O(4^n 64) a window of three sites, O(4^n 16) one of two. Members of a batch are computed side by
    side, so that their last digits may differ from those of a member alone.

    Examples
    --------
    >>> from qml import Circuit, channels, gates
    >>> from qml.engines import JaxEngine
    >>> program = Circuit(1).then(gates.RY("theta", 0), channels.PhaseDamping(0.19, 0)).compile()
    >>> state, pull = JaxEngine().evolve_vjp(program, [0.0])
    >>> state.expect("Z"), pull(np.array([0.0, 1.0, 0.0, 0.0]))[0].round(3)  # and d<X>/dtheta
    (1.0, array([0.9]))
    """

    def __init__(self, devices: Sequence[jax.Device] | Mesh | int | None = None, checkpoint_bytes: int = 2**31) -> None:
        required()
        self.checkpoint_bytes = _checks.integer("checkpoint_bytes", checkpoint_bytes, low=0)
        self.devices: list[jax.Device] | int | None = None
        if isinstance(devices, int | np.integer):
            self.devices = _checks.integer("devices", devices, low=1)
        elif devices is not None:
            from jax.sharding import Mesh

            own = devices.devices.flat if isinstance(devices, Mesh) else devices
            self.devices = _checks.listed("devices", own, "devices of JAX, a mesh of them, or their number")
        if devices is not None:
            _ = self._on  # what is asked for must be there

    @cached_property
    def _on(self) -> Compiled:
        """What runs on the devices; JAX is imported when it is first needed."""
        from qml.engines.jax.compiled import Compiled, found

        return Compiled(found(self.devices))

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name != "_on"}  # found again where it is needed

    def __repr__(self) -> str:
        return f"JaxEngine(devices={self.devices!r}, checkpoint_bytes={self.checkpoint_bytes})"

    @classmethod
    def runs_on(cls) -> str:
        if importlib.util.find_spec("jax") is None:
            return "JAX, which is not installed here"
        from qml.engines.jax.compiled import devices_in_words

        return devices_in_words()

    def room(self, program: ProgramLike) -> str:
        return self._on.room(self._on.plan(as_program(program), PAULI), self.checkpoint_bytes)

    def hold(self, state: State) -> State:
        """The state as a Pauli vector on the devices; one of other sites than qubits, which programs refuse, as it
        is."""
        if not set(state.dims) <= {2}:
            return state
        return PauliState._trusted(self._on.placed(pauli_vector_of(state), bool(state.batch_shape)), len(state.dims))

    def evolve(self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None) -> PauliState:
        """The state after the program, from `initial` (None: \\|0...0>), or a batch of them."""
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        plan = self._on.plan(program, PAULI)
        self._on.check(plan, math.prod(batch), 3)
        vector = self._on.forward(plan, *self._inputs(plan, slots, batch, initial))
        return PauliState._trusted(vector.reshape(*batch, 4**plan.form.n_out), plan.form.n_out)

    def evolve_vjp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[PauliState, Pull]:
        """The same state, and the map from dL/dr (..., 4^n) to dL/dtheta (..., n_params) and dL/d(coordinate of
        `initial`)."""
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        members = math.prod(batch)
        plan = self._on.plan(program, PAULI)
        chunk = chunk_of(plan.form, members, self.checkpoint_bytes)
        self._on.check(plan, members, 4 + n_kept(plan.form, chunk))
        arguments = self._inputs(plan, slots, batch, initial)
        vector, back = self._on.with_pullback(plan, *arguments, chunk=chunk, of_initial=initial is not None)

        def pull(cotangent: Cotangent) -> tuple[Real, Cotangent]:
            check_cotangent(cotangent, batch, plan.form.n_out)
            by_slot, by_given, before = back(cotangent.reshape(*arguments[0].shape[:-1], 4**plan.form.n_out))
            rows = np.broadcast_to(slots, (members, slots.shape[1])).reshape(by_slot.shape)
            by_slot = by_slot + plan.pull(rows, by_given)
            gradient = program.pull_slots(by_slot).reshape(*batch, program.n_params)
            if initial is None:
                return gradient, None
            before = shared(before.reshape(*batch, 4**plan.n_in), batch, initial)
            if initial.pauli_vector is not None:
                return gradient, before if not on_host(initial.pauli_vector) else np.asarray(before)
            matrix = matrix_of(before * float(2**plan.n_in), plan.n_in)
            return gradient, initial.pull_matrix(np.asarray(matrix) if on_host(initial.matrix()) else matrix)

        return PauliState._trusted(vector.reshape(*batch, 4**plan.form.n_out), plan.form.n_out), pull

    def evolve_jvp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[PauliState, Push]:
        """The same state, and the map from directions v (..., n_params) and changes of `initial` to dsigma
        (..., 2^n, 2^n)."""
        program, initial = ready(program, initial)
        check_single(params, initial)
        slots, _ = batch_of(program, params, initial)
        plan = self._on.plan(program, PAULI)
        arguments = self._inputs(plan, slots, (), initial)
        state = PauliState._trusted(self._on.forward(plan, *arguments), plan.form.n_out)

        def push(directions: ArrayLike, changes: Complex | None = None) -> Complex:
            v = directions_of(directions, program.n_params)
            flat = v.reshape(math.prod(v.shape[:-1]), program.n_params)
            self._on.check(plan, len(flat), 4, "pass fewer directions at a time")
            by_slot = by_slot_of(program, flat)
            heads = None
            if changes is not None:
                shape = (*v.shape[:-1], program.dim_in, program.dim_in)
                matrices: Any = changes_of(changes, shape) if on_host(changes) else changes.reshape(-1, *shape[-2:])
                heads = vector_of(matrices, plan.n_in)
            dr = self._on.push(plan, *arguments, by_slot, plan.push(slots[0], by_slot), heads)
            return matrix_of(dr, plan.form.n_out).reshape(*v.shape[:-1], state.dim, state.dim)

        return state, push

    def evolve_vectors(self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to the columns of `vectors`."""
        plan, slots, columns = self._columns(program, params, vectors)
        return self._given_back(self._on.forward(plan, slots, plan.values(slots), columns), vectors)

    def evolve_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, VectorsPull]:
        program = as_program(program)
        plan, slots, columns = self._columns(program, params, vectors)
        given = plan.values(slots)
        chunk = chunk_of(plan.form, columns.shape[1], self.checkpoint_bytes)
        self._on.check(plan, columns.shape[1], 4 + n_kept(plan.form, chunk), "pass fewer vectors")
        out, back = self._on.with_pullback(plan, slots, given, columns, chunk=chunk, of_initial=vectors is not None)

        def pull(cotangent: Complex) -> tuple[Real, Complex | None]:
            by_slot, by_given, before = back(columns_like(columns, cotangent) if on_host(cotangent) else cotangent)
            gradient = program.pull_slots(by_slot + plan.pull(slots, by_given))
            return gradient, None if vectors is None else self._given_back(before, vectors)

        return self._given_back(out, vectors), pull

    def evolve_vectors_jvp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, Push]:
        program = as_program(program)
        plan, slots, columns = self._columns(program, params, vectors)
        given = plan.values(slots)

        def push(directions: ArrayLike, changes: Complex | None = None) -> Complex:
            v = directions_of(directions, program.n_params)
            flat = v.reshape(math.prod(v.shape[:-1]), program.n_params)
            self._on.check(plan, columns.shape[1] * len(flat), 4, "pass fewer directions at a time")
            by_slot = by_slot_of(program, flat)
            start = None if changes is None else changes_of(changes, (*v.shape[:-1], *columns.shape))
            out = self._on.push(plan, slots, given, columns, by_slot, plan.push(slots, by_slot), start)
            return self._given_back(out.reshape(*v.shape[:-1], *columns.shape), vectors)

        return self._given_back(self._on.forward(plan, slots, given, columns), vectors), push

    def _inputs(self, plan: Plan, slots: Real, batch: tuple[int, ...], initial: State | None) -> tuple[Real, Any, Any]:
        """Slot values, the matrices that the host makes, and the initial vectors: of a batch, (b, ...) each."""
        members = math.prod(batch)
        heads = None if initial is None else pauli_vector_of(initial)
        if not batch:
            return slots[0], plan.values(slots[0]), heads
        rows = np.broadcast_to(slots, (members, slots.shape[1]))
        given = tuple(np.broadcast_to(x, (members, *x.shape[1:])) for x in plan.values(slots))
        if heads is not None:
            heads = namespace(heads).broadcast_to(heads, (*batch, 4**plan.n_in)).reshape(members, 4**plan.n_in)
        return rows, given, heads

    def _columns(self, program: ProgramLike, params: ParamsLike, vectors: Complex | None) -> tuple[Plan, Real, Any]:
        held = as_program(program)
        columns = start_of(held, vectors) if vectors is None or on_host(vectors) else vectors
        plan = self._on.plan(held, AMPLITUDES)
        self._on.check(plan, columns.shape[1], 3, "pass fewer vectors")
        return plan, held.slots(params), columns

    @staticmethod
    def _given_back(columns: Any, vectors: Any) -> Complex:
        """Columns where the given ones are: on the host if those are, or if none were given."""
        return as_complex(np.asarray(columns) if vectors is None or on_host(vectors) else columns)
