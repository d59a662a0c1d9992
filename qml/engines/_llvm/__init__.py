"""Compiled kernels: a small compiler of numerical Python, vector instructions, and threads that share a program."""
