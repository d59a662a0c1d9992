"""Arguments of gates and channels."""

import math

import numpy as np

from qml.instructions import Instruction


def draw(instruction: Instruction, rng: np.random.Generator) -> np.ndarray:
    """Parameters inside the domains; low in bounded ones, so that probabilities add up to less than one."""
    values = []
    for domain in instruction.domains:
        if math.isfinite(domain.high):
            values.append(domain.low + (domain.high - domain.low) * rng.uniform(0.05, 0.3))
        else:
            values.append(rng.uniform(0.8, 1.4) if math.isfinite(domain.low) else rng.uniform(-np.pi, np.pi))
    return np.array(values)
