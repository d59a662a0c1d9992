"""Thermal states of long chains as matrix-product operators."""
