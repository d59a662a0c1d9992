"""Metrics on families of states: the geometry that natural gradients and error bars live in."""
