"""Quantum processes: channels as states of their input and output, models of them, and their likelihood."""

from qml.processes.choi import maximally_entangled
from qml.processes.design import Design
from qml.processes.experiments import Experiments
from qml.processes.gate_set import GateSetModel
from qml.processes.lindblad import LindbladModel
from qml.processes.measurement import ProcessMeasurement, pauli_preparations
from qml.processes.measures import average_gate_fidelity, diamond_distance, process_fidelity, unitarity
from qml.processes.models import KrausModel, OutputsModel, ProcessModel
from qml.processes.outcomes import OutcomesModel, ProcessFamily
from qml.processes.pauli_noise import Parities, PauliLindbladModel, pauli_channel_model
from qml.processes.process import Process, as_process
from qml.processes.standard import germ_words, xyi_gate_set, xyi_words

__all__ = [
    "Design",
    "Experiments",
    "GateSetModel",
    "KrausModel",
    "LindbladModel",
    "OutcomesModel",
    "OutputsModel",
    "Parities",
    "PauliLindbladModel",
    "Process",
    "ProcessFamily",
    "ProcessMeasurement",
    "ProcessModel",
    "as_process",
    "average_gate_fidelity",
    "diamond_distance",
    "germ_words",
    "maximally_entangled",
    "pauli_channel_model",
    "pauli_preparations",
    "process_fidelity",
    "unitarity",
    "xyi_gate_set",
    "xyi_words",
]
