"""The compiled engine of density matrices of qubits: plans, sweeps, and conversion to matrices and back."""
