"""What the JAX engine compiles: a plan forward, with its derivatives, and along directions; on its devices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from qml import _checks, _machine
from qml._checks import InputError, MemoryRefused
from qml.circuits.program import Program
from qml.engines.compile.kinds import AMPLITUDES, PAULI, Kind
from qml.engines.compile.patience import say_once
from qml.engines.jax import run
from qml.engines.jax.arrays import Array, bare, on_the_host
from qml.engines.jax.form import Form, chunk_of, memory, n_kept
from qml.engines.jax.plan import Plan, Tables, plan_of
from qml.engines.jax.products import CACHE, ground
from qml.engines.jax.shards import AXIS, Layout, Spread, mesh_of


def found(devices: Sequence[jax.Device] | int | None) -> list[jax.Device]:
    """The devices that were asked for."""
    chosen: list[jax.Device]
    if devices is None:
        chosen = list(jax.local_devices()[:1])
    elif isinstance(devices, int):
        there = jax.devices()
        if devices > len(there):
            raise InputError(
                f"devices must be at most what JAX finds, {_checks.plural(len(there), 'device')} "
                f"({there[0].platform}); found {devices}."
            )
        chosen = list(there[:devices])
    else:
        chosen = list(devices)
    for device in chosen:
        _checks.instance("each of devices", device, jax.Device)
    if chosen and all(device.process_index != jax.process_index() for device in chosen):
        raise InputError(
            f"devices must be some of every process that takes part; found none of process {jax.process_index()}: ask "
            f"for all {len(jax.devices())}, or for jax.local_devices()."
        )
    return chosen


def devices_in_words() -> str:
    """The devices that JAX finds."""
    kinds = [device.device_kind if device.platform != "cpu" else "cpu" for device in jax.devices()]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))


class Compiled:
    """The functions of plans on some devices; what is compiled for a form is kept for every plan of that form."""

    def __init__(self, devices: list[jax.Device]) -> None:
        self.devices = devices
        self._tables: WeakKeyDictionary[Plan, Tables] = WeakKeyDictionary()
        if len(devices) == 1:
            self.layout = Layout(by_slices=devices[0].platform == "cpu")
            self._vector: Any = jax.sharding.SingleDeviceSharding(devices[0])
            self._whole: Any = self._vector
        else:
            mesh = mesh_of(devices)
            self.layout = Spread(mesh=mesh)
            self._vector, self._whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((AXIS,), ()))

    def plan(self, program: Program, kind: Kind) -> Plan:
        """The plan of a program. Windows of two sites take half of the products of those of three, and twice the
        passes over the vector: they are best where a pass is cheap, on a processor whose cache holds the vector."""
        n = max(len(program.dims_in), len(program.dims_out))
        is_cached = self.devices[0].platform == "cpu" and 8 * 4**n <= CACHE
        return plan_of(program, kind, 2 if is_cached and kind is PAULI else 3)

    def placed(self, vector: Any, batch: bool = False) -> Any:
        """A Pauli vector on the devices; each of a batch whole. Of one on the host a device takes its part alone."""
        there = self._whole if batch else self._vector
        if isinstance(vector, Array) and not vector.is_traced and vector.value.sharding == there:
            return vector
        with jax.enable_x64(True):
            if isinstance(vector, Array) and (there.is_fully_addressable or not vector.value.is_fully_addressable):
                return Array(jax.device_put(vector.value, there))
            here = np.asarray(vector)
            return Array(jax.make_array_from_callback(here.shape, there, lambda part: here[part]))

    def forward(self, plan: Plan, slots: Any, given: Any, start: Any) -> Any:
        """The vector after a plan, of one member or of a batch."""
        with jax.enable_x64(True):
            how = self._how(plan, slots)
            return Array(_forward(plan.form, *how, 0, *self.inputs(plan, slots, given, start)))

    def with_pullback(
        self, plan: Plan, slots: Any, given: Any, start: Any, *, chunk: int, of_initial: bool
    ) -> tuple[Any, Callable[[Any], tuple[Any, Any, Any]]]:
        """The same, and the map from dL/d(vector) to dL/dslots, dL/d(given matrices) on the host, and
        dL/d(initial vector)."""
        with jax.enable_x64(True):
            how = self._how(plan, slots)
            spread = how[0] is self.layout and plan.kind is not AMPLITUDES
            vector, pull = _with_pullback(plan.form, *how, chunk, *self.inputs(plan, slots, given, start))

        def back(cotangent: Any) -> tuple[Any, Any, Any]:
            with jax.enable_x64(True):
                g = bare(self.placed(cotangent) if spread else cotangent)
                g = g if g.dtype == vector.dtype else jnp.asarray(g, vector.dtype)
                by_slot, by_given, before = _pulled(pull, g)
                made = tuple(map(on_the_host, by_given))
                return on_the_host(by_slot), made, Array(before) if of_initial else None

        return Array(vector), back

    def push(self, plan: Plan, slots: Any, given: Any, initial: Any, by_slot: Any, by_given: Any, changes: Any) -> Any:
        """Changes (b, ...) of the vector along directions: of slots, of given matrices, and of the initial vector."""
        with jax.enable_x64(True):
            arguments = self.inputs(plan, slots, given, initial)
            start, heads = arguments[-1], None if changes is None else jnp.asarray(bare(changes))
            if start is not None and heads is None:
                heads = jnp.broadcast_to(jnp.zeros((), start.dtype), (len(by_slot), *start.shape))
            elif start is None and heads is not None:
                arguments = (*arguments[:-1], jnp.asarray(ground(plan.n_in)))
            return Array(_pushed(plan.form, self._how(plan, slots)[0], *arguments, by_slot, by_given, heads))

    def _how(self, plan: Plan, slots: Any) -> tuple[Layout, bool]:
        """State vectors and the members of a batch are whole."""
        batch = np.ndim(slots) == 2
        return Layout() if batch or plan.kind is AMPLITUDES else self.layout, batch

    def inputs(self, plan: Plan, slots: Any, given: Any, start: Any) -> tuple[Any, ...]:
        """What compiled functions of a plan take; `start` None is |0...0>."""
        if plan.kind is AMPLITUDES:
            start = jnp.asarray(bare(start)) if len(self.devices) > 1 else jax.device_put(bare(start), self._whole)
        elif start is not None:
            start = self.placed(start, np.ndim(slots) == 2).value
        if plan not in self._tables:
            self._tables[plan] = jax.tree.map(lambda table: self.placed(table, True).value, plan.tables)
        return self._tables[plan], slots, given, start

    # memory -----------------------------------------------------------------------------------------------------------

    def free_bytes(self) -> int | None:
        """What is free on the fullest device; None where the devices share the memory of the computer."""
        here = [device for device in self.devices if device.process_index == jax.process_index()]
        stats = [device.memory_stats() or {} for device in here]
        if "bytes_limit" not in stats[0]:
            return None
        return int(min(s["bytes_limit"] - s.get("bytes_in_use", 0) for s in stats))

    def room(self, plan: Plan, checkpoint_bytes: int) -> str:
        """What a gradient keeps on the devices, and what is free there."""
        vector, many = memory(plan.form), len(self.devices)
        kept = n_kept(plan.form, chunk_of(plan.form, 1, checkpoint_bytes))
        free = self.free_bytes()
        there = _machine.available_memory() if free is None else many * free
        return (
            f"its gradient keeps {_checks.plural(kept, 'vector')} of {vector / 2**20:.3g} MiB on "
            f"{_checks.plural(many, 'device')} ({self.devices[0].device_kind}), {there / 2**30:.3g} GiB free"
        )

    def check(self, plan: Plan, columns: int, vectors: int, remedy: str = "use fewer qubits") -> None:
        """Refuse, before allocating, what would not fit on the devices."""
        need = vectors * memory(plan.form, max(columns, 1))
        if need < _checks.ALWAYS_FITS:
            return
        free, many = self.free_bytes(), len(self.devices)
        if free is None:
            _checks.memory(f"a run on {_checks.plural(plan.n_max, 'qubit')}", need, remedy, plan.n_max)
            return
        if need / many > free:
            count = 1 << int(np.ceil(np.log2(need / free)))
            raise MemoryRefused(
                f"a run on {_checks.plural(plan.n_max, 'qubit')} needs {need / 2**30:.3g} GiB, but "
                f"{many * free / 2**30:.3g} GiB are free on {_checks.plural(many, 'device')}: {remedy}, or "
                f"{count} such devices."
            )


def _evolve(form: Form, layout: Layout, batch: bool, chunk: int) -> Callable[..., Any]:
    """The evolution of a form, of one member or of each of a batch, with its numbers still to come."""
    evolve: Callable[..., Any] = functools.partial(run.evolved, form, layout, chunk)
    return jax.vmap(evolve, in_axes=(None, 0, 0, 0)) if batch else evolve


def _compiled(function: Callable[..., Any], static: int) -> Callable[..., Any]:
    """Compiled at the first call; on cards without a search among algorithms, which takes long and gains nothing."""

    @functools.cache
    def made(on_cards: bool) -> Callable[..., Any]:
        options = {"xla_gpu_autotune_level": 0} if on_cards else None
        say_once("JAX compiles a circuit at its first run: once for each structure, some seconds.")
        jitted: Callable[..., Any] = jax.jit(function, static_argnums=range(static), compiler_options=options)
        return jitted

    return lambda *arguments: made(jax.default_backend() == "gpu")(*arguments)


def _forward_of(form: Form, layout: Layout, batch: bool, chunk: int, *numbers: Any) -> Any:
    return _evolve(form, layout, batch, chunk)(*numbers)


def _pullback_of(form: Form, layout: Layout, batch: bool, chunk: int, tables: Tables, *numbers: Any) -> Any:
    return jax.vjp(functools.partial(_evolve(form, layout, batch, chunk), tables), *numbers)


def _push_of(form: Form, layout: Layout, tables: Tables, *numbers: Any) -> Any:
    *at, by_slot, by_given, changes = numbers
    along = jax.linearize(functools.partial(run.evolved, form, layout, 0, tables), *at)[1]
    return jax.vmap(along)(by_slot, by_given, changes)


def planned(on: Compiled, plan: Plan, slots: Any, gradient: bool = False) -> Any:
    """The evolution of a plan, or the gradient of |r|^2 / 2 after it, compiled by itself: the program of one device,
    which JAX can print."""
    how = (plan.form, on.layout, False, 0)

    def pulled(*numbers: Any) -> Any:
        vector, pull = _pullback_of(*how, *numbers)
        return pull(vector)

    with jax.enable_x64(True):
        evolve = pulled if gradient else functools.partial(_forward_of, *how)
        return jax.jit(evolve).lower(*on.inputs(plan, slots, plan.values(slots), None)).compile()


def memory_of_a_device(on: Compiled, plan: Plan, slots: Any) -> int:
    """Bytes that one device needs for the evolution of a plan, as the compiler plans it."""
    found = planned(on, plan, slots).memory_analysis()
    return int(found.temp_size_in_bytes + found.output_size_in_bytes + found.argument_size_in_bytes)


_forward = _compiled(_forward_of, 4)
_with_pullback = _compiled(_pullback_of, 4)
_pushed = _compiled(_push_of, 2)
_pulled = jax.jit(lambda pull, cotangent: jax.tree.map(jnp.conj, pull(jnp.conj(cotangent))))
