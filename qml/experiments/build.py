"""From what a study says to the objects that it means."""

from __future__ import annotations

import itertools
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np

from qml import Circuit, NoiseModel, circuits, operators, states
from qml._checks import InputError, memory, plural
from qml.channels import CHANNELS
from qml.engines import Engine, PauliEngine, ReferenceEngine
from qml.experiments import ansatze, config, datasets, parts
from qml.experiments.schema import arguments
from qml.experiments.source import Source
from qml.losses import LOSSES, Loss
from qml.models import CircuitModel, GibbsModel, Model, SpectralModel
from qml.operations import Operation, as_affine
from qml.operators import PauliSum
from qml.optimizers import OPTIMIZERS, Optimizer
from qml.states import DensityMatrix, State

MAX_GENERATORS = 10_000
STREAMS = ("target", "split", "fit")
"""Independent streams of random numbers that follow from the one seed of a study; append only."""


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of one use of the seed of a study: adding a use shifts no other."""
    return np.random.default_rng(_sequence(seed, name))


def fit_seed(seed: int, index: int) -> int:
    """The seed of a fit: adding fits at the end of a study leaves those of the others as they are."""
    return int(_sequence(seed, "fit", index).generate_state(1, np.uint64)[0])


def _sequence(seed: int, name: str, index: int = 0) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(STREAMS.index(name), index))


@dataclass(frozen=True)
class Target:
    """What is learnt, and what was held out of it (None: nothing)."""

    state: State
    test: State | None = None


@dataclass(frozen=True)
class Job:
    """One fit, ready to start."""

    spec: config.Fit
    model: Model
    loss: Loss
    optimizer: Optimizer


@dataclass(frozen=True)
class Plan:
    """A study with everything built: what ``qml validate`` checks and ``qml run`` runs."""

    study: config.Study
    target: Target
    jobs: tuple[Job, ...]


def build(study: config.Study, source: Source) -> Plan:
    """All parts of a study.

    Raises
    ------
    InputError
        At the first part that cannot be built, with its place in the file.
    """
    with source.within("target"):
        target = build_target(study.target, source.path.parent, study.seed)
    jobs = []
    for i, fit in enumerate(study.fits):
        with source.within("fits", i, "model"):
            model = build_model(fit.model)
            if model.dims != target.state.dims:
                raise InputError(f"the model has {_sites(model.dims)}, the target {_sites(target.state.dims)}.")
            dim = math.prod(model.circuit.dims if isinstance(model, CircuitModel) else model.dims)
            memory(f"a state of dimension {dim} and its derivative", 2 * 16 * dim**2, "use fewer qubits")
        with source.within("fits", i, "loss"):
            loss = build_loss(fit.loss)
        with source.within("fits", i, "optimizer"):
            optimizer = build_optimizer(fit.optimizer)
        jobs.append(Job(fit, model, loss, optimizer))
    return Plan(study, target, tuple(jobs))


def _sites(dims: tuple[int, ...]) -> str:
    return plural(len(dims), "qubit") if set(dims) == {2} else f"sites of dimensions {dims}"


# targets ---------------------------------------------------------------------------------------------------------


def build_target(spec: config.Target, folder: Path, seed: int) -> Target:
    """The state of a target spec, with the channels that it is seen through; `folder` is where its files are."""
    rng = stream(seed, "target")
    match spec:
        case config.Dataset():
            return _dataset(spec, seed)
        case config.Thermal():
            state: State = states.thermal(build_hamiltonian(spec.hamiltonian), spec.beta)
        case config.Ghz():
            state = states.ghz(spec.n)
        case config.W():
            state = states.w_state(spec.n)
        case config.Werner():
            state = states.werner(spec.p, spec.d)
        case config.HaarPure():
            state = states.haar_pure((2,) * spec.n, rng)
        case config.Ginibre():
            state = states.ginibre((2,) * spec.n, rng, spec.rank)
        case config.Bures():
            state = states.bures((2,) * spec.n, rng)
        case config.MaximallyMixed():
            state = states.maximally_mixed((2,) * spec.n)
        case config.Probabilities():
            state = DensityMatrix.from_probabilities(spec.values)
        case config.File():
            state = load_state(folder, spec.path)
        case _:
            assert_never(spec)
    if state.batch_shape:
        raise InputError(f"a target is one state; found a batch of shape {state.batch_shape}.")
    return Target(seen_through(state, spec.through))


def load_state(folder: Path, relative: str) -> State:
    """The state in an ``.npz`` file below `folder`."""
    path = inside(folder, relative)
    if path.exists() and not zipfile.is_zipfile(path):
        raise InputError(f"{relative!r} is not a readable .npz file.")
    return DensityMatrix.load(path)


def inside(folder: Path, relative: str) -> Path:
    """A path below `folder`, links followed; anything outside is refused."""
    root = folder.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"files are read from the folder of the study only; {relative!r} lies outside it.")
    return path


def seen_through(state: State, rules: list[parts.AppliedChannel]) -> State:
    """The state after the channels, one rule after the other."""
    operations: list[Operation] = []
    for rule in rules:
        channel = CHANNELS[rule.channel]
        sites = tuple(range(len(state.dims))) if rule.sites == "all" else tuple(rule.sites)
        placed = [(s,) for s in sites] if channel.n_sites == 1 else [sites]
        operations += [Operation(channel, s, tuple(map(as_affine, rule.params))) for s in placed]
    if not operations:
        return state
    return ReferenceEngine().evolve(Circuit(state.dims, operations).compile(), [], state)


def _dataset(spec: config.Dataset, seed: int) -> Target:
    samples = datasets.load_samples(spec.name, spec.labels)

    def state(part: np.ndarray) -> State:
        return seen_through(datasets.state_of_samples(part, spec.encoding), spec.through)

    if spec.test_fraction is None:
        return Target(state(samples))
    train, test = datasets.split(samples, spec.test_fraction, stream(seed, "split"))
    return Target(state(train), state(test))


# Hamiltonians and Pauli strings ----------------------------------------------------------------------------------


def build_hamiltonian(spec: parts.Hamiltonian) -> PauliSum:
    """The Pauli sum of a Hamiltonian spec."""
    match spec:
        case parts.PauliTerms():
            return PauliSum.from_terms(spec.terms)
        case parts.Tfim():
            return operators.tfim(**arguments(spec))
        case parts.Xxz():
            return operators.xxz(**arguments(spec))
        case parts.Heisenberg():
            return operators.heisenberg(**arguments(spec))
        case parts.J1J2():
            return operators.j1j2(**arguments(spec))
        case parts.Hubbard():
            return operators.hubbard(**arguments(spec))
        case _:
            assert_never(spec)


def build_gibbs(spec: parts.Generators) -> GibbsModel:
    """The Gibbs model over the Pauli strings of a generators spec; the identity, which changes nothing, is left out."""
    match spec:
        case parts.TermsOf():
            return GibbsModel(build_hamiltonian(spec.hamiltonian))
        case parts.Strings():
            return GibbsModel(PauliSum.from_terms(dict.fromkeys(spec.labels, 1.0)))
        case parts.UpToWeight():
            _limited(sum(math.comb(spec.n, w) * 3**w for w in range(1, spec.weight + 1)))
            return GibbsModel.all_paulis(spec.n, spec.weight)
        case parts.Neighbors():
            _limited(spec.n * 4**spec.weight)
            return GibbsModel(PauliSum.from_terms(dict.fromkeys(_neighbors(spec), 1.0)))
        case _:
            assert_never(spec)


def _limited(count: int) -> None:
    if count > MAX_GENERATORS:
        raise InputError(f"{count} Pauli strings are more than {MAX_GENERATORS}: choose a smaller weight.")


def _neighbors(spec: parts.Neighbors) -> Iterator[str]:
    """Labels of the Pauli strings on at most `weight` consecutive qubits, shorter ones first."""
    for length in range(1, min(spec.weight, spec.n) + 1):
        for start in range(spec.n if spec.periodic else spec.n - length + 1):
            window = [(start + k) % spec.n for k in range(length)]
            for letters in itertools.product("IXYZ", repeat=length):
                at = dict(zip(window, letters, strict=True))
                yield "".join(at.get(q, "I") for q in range(spec.n))


# models ----------------------------------------------------------------------------------------------------------


def build_ansatz(spec: ansatze.Ansatz) -> Circuit:
    """The circuit of an ansatz spec."""
    match spec:
        case ansatze.HardwareEfficient():
            return circuits.hardware_efficient(
                spec.n, spec.layers, spec.rotations, spec.entangler, edges(spec.topology)
            )
        case ansatze.Purification():
            return circuits.purification(
                spec.n, spec.ancillas, spec.layers, spec.rotations, spec.entangler, edges(spec.topology)
            )
        case ansatze.Brickwork():
            return circuits.brickwork(spec.n, spec.layers)
        case ansatze.MeraTree():
            return circuits.mera_tree(spec.n, disentanglers=spec.disentanglers)
        case ansatze.HamiltonianVariational():
            hamiltonian = build_hamiltonian(spec.hamiltonian)
            return circuits.hamiltonian_variational(hamiltonian, spec.layers, spec.initial, spec.share)
        case _:
            assert_never(spec)


def edges(topology: ansatze.Topology) -> str | list[tuple[int, int]]:
    """A topology as the ansatz library takes it."""
    return topology if isinstance(topology, str) else [(pair[0], pair[1]) for pair in topology]


def build_noise(spec: config.Circuit) -> NoiseModel:
    """The noise model of a circuit spec, its rules in their order."""
    model = NoiseModel()
    for rule in spec.noise:
        model = model.add(CHANNELS[rule.channel], *rule.params, gates=rule.gates, sites=rule.sites)
    for last in spec.readout:
        model = model.with_readout(*last.params, sites=last.sites, channel=CHANNELS[last.channel])
    return model


def learnt_noise(spec: config.Model) -> list[str]:
    """The names of the noise parameters that a model learns, in the order of the study."""
    if not isinstance(spec, config.Circuit):
        return []
    words = [p for rule in (*spec.noise, *spec.readout) for p in rule.params if isinstance(p, str)]
    return list(dict.fromkeys(words))


def build_model(spec: config.Model) -> Model:
    """The model of a model spec."""
    match spec:
        case config.Circuit():
            circuit = build_ansatz(spec.ansatz).with_noise(build_noise(spec))
            engine: Engine = PauliEngine() if spec.engine == "pauli" else ReferenceEngine()
            return CircuitModel(circuit, engine=engine)
        case config.Gibbs():
            return build_gibbs(spec.generators)
        case config.Spectral():
            return SpectralModel(build_ansatz(spec.ansatz), energies=spec.energies)
        case _:
            assert_never(spec)


def build_loss(spec: config.Loss) -> Loss:
    """The loss of a loss spec."""
    return LOSSES[spec.kind](**arguments(spec))


def build_optimizer(spec: config.Optimizer) -> Optimizer:
    """The optimizer of an optimizer spec."""
    return OPTIMIZERS[spec.kind](**arguments(spec))
