"""Density matrices and state vectors on what JAX computes on: processors, graphics cards, and meshes of many."""
