r"""Losses: functions of data and a state, and the derivative that each hands to the state of the model.

The default loss is the quantum cross entropy S(rho, sigma) = -Tr rho log sigma. rho is the data, sigma the model.
Losses of a state rho are listed in :data:`LOSSES`, those of measured counts in :data:`COUNT_LOSSES`, those of labelled
data in :data:`LABEL_LOSSES`, those of a Hamiltonian in :data:`HAMILTONIAN_LOSSES`; all of them in :data:`EVERY_LOSS`.
"""

from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.losses.base import Loss
from qml.losses.classical import classical_cross_entropy
from qml.losses.counts import ChiSquare, ClassicalCrossEntropy, CountsLoss, NegativeLogLikelihood, SquaredError
from qml.losses.divergences import CrossEntropy, HilbertSchmidt, Infidelity, RelativeEntropy, TraceDistance
from qml.losses.hamiltonian import Expectation, FreeEnergy
from qml.losses.labelled import Labelled, LabelLikelihood, MeanCrossEntropy, label_states
from qml.losses.measured_entropy import measured_relative_entropy
from qml.losses.measured_report import MeasuredReport, measured_report
from qml.losses.measures import (
    cross_entropy,
    fidelity,
    hilbert_schmidt_distance,
    purity,
    relative_entropy,
    trace_distance,
    von_neumann_entropy,
    weight_outside_support,
)
from qml.losses.mmd import MMD
from qml.losses.readout import TrainableReadout
from qml.losses.renyi import Renyi, renyi_relative_entropy

LOSSES: dict[str, type[Loss]] = {
    loss.name: loss for loss in (CrossEntropy, RelativeEntropy, Renyi, Infidelity, HilbertSchmidt, TraceDistance, MMD)
}
"""Every loss of a state by name; configs, the command line and the contract tests read this list."""
COUNT_LOSSES: dict[str, type[CountsLoss]] = {
    loss.name: loss for loss in (NegativeLogLikelihood, ChiSquare, SquaredError)
}
"""Every loss of measured counts by name."""
HAMILTONIAN_LOSSES: dict[str, type[Expectation]] = {loss.name: loss for loss in (Expectation, FreeEnergy)}
"""Every loss of a Hamiltonian by name."""
LABEL_LOSSES: dict[str, type[MeanCrossEntropy]] = {loss.name: loss for loss in (MeanCrossEntropy, LabelLikelihood)}
"""Every loss of labelled data by name."""
EVERY_LOSS: dict[str, type[Loss]] = {**LOSSES, **COUNT_LOSSES, **HAMILTONIAN_LOSSES, **LABEL_LOSSES}
"""All of them."""


def default_loss(target: Any) -> Loss:
    """The loss that a fit of `target` minimises unless asked otherwise, as the target says by its `default_loss`: the
    likelihood of counts, the mean cross entropy of labelled data, the energy of a Pauli sum, and the quantum cross
    entropy of everything else.

    Parameters
    ----------
    target : State, Counts, Moments, PauliSum, or labelled states

    Returns
    -------
    Loss

    Examples
    --------
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> default_loss(Counts(PauliMeasurement(["Z"]), [3, 1]))
    NegativeLogLikelihood()
    """
    return as_loss(getattr(type(target), "default_loss", CrossEntropy.name))


def of_labels(loss: Loss) -> Loss:
    """The loss, if it is one of labelled data."""
    if not isinstance(loss, MeanCrossEntropy):
        raise InputError(f"labelled data need a loss of labels, {' or '.join(LABEL_LOSSES)}; found {loss.name}.")
    return loss


def as_loss(value: Loss | str) -> Loss:
    """A loss, from one or from the name of one, which stands for it with its default arguments.

    Parameters
    ----------
    value : Loss or str
        A name is one of ``LOSSES``.

    Raises
    ------
    InputError
        If it is neither, with the nearest name.

    Examples
    --------
    >>> as_loss("infidelity")
    Infidelity()
    """
    return _checks.registered("loss", value, EVERY_LOSS, Loss, "such as CrossEntropy()")  # type: ignore[type-abstract]


__all__ = [
    "COUNT_LOSSES",
    "EVERY_LOSS",
    "HAMILTONIAN_LOSSES",
    "LABEL_LOSSES",
    "LOSSES",
    "MMD",
    "ChiSquare",
    "ClassicalCrossEntropy",
    "CountsLoss",
    "CrossEntropy",
    "Expectation",
    "FreeEnergy",
    "HilbertSchmidt",
    "Infidelity",
    "LabelLikelihood",
    "Labelled",
    "Loss",
    "MeanCrossEntropy",
    "MeasuredReport",
    "NegativeLogLikelihood",
    "RelativeEntropy",
    "Renyi",
    "SquaredError",
    "TraceDistance",
    "TrainableReadout",
    "as_loss",
    "classical_cross_entropy",
    "cross_entropy",
    "default_loss",
    "fidelity",
    "hilbert_schmidt_distance",
    "label_states",
    "measured_relative_entropy",
    "measured_report",
    "purity",
    "relative_entropy",
    "renyi_relative_entropy",
    "trace_distance",
    "von_neumann_entropy",
    "weight_outside_support",
]
