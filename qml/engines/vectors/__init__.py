"""Unitary programs on columns of vectors: plain, on any sites, and compiled, on qubits."""
