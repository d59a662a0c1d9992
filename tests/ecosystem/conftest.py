"""Each file here is collected where the libraries that it tests against are installed; they are extras."""

from importlib.util import find_spec

NEEDED = {
    "test_qiskit.py": ("qiskit", "qiskit_aer", "qiskit_ibm_runtime"),
    "test_pennylane.py": ("pennylane",),
    "test_cirq.py": ("cirq",),
    "test_pygsti.py": ("pygsti",),
    "test_counts.py": ("qiskit", "qiskit_aer", "cirq", "pennylane", "braket"),
    "test_flax.py": ("flax", "optax"),
    "test_torch.py": ("torch",),
    "test_programs.py": ("qiskit", "qiskit_qasm3_import", "pytket", "braket"),
}
collect_ignore = [file for file, libraries in NEEDED.items() if not all(map(find_spec, libraries))]
