from .base import Engine as Engine
from .jax.engine import JaxEngine as JaxEngine
from .pauli.engine import PauliEngine as PauliEngine
from .pauli_state import PauliState as PauliState
from .reference import ReferenceEngine as ReferenceEngine
from .registry import ENGINES as ENGINES
from .thermal import KrylovEngine as KrylovEngine
from .thermal import ThermalEngine as ThermalEngine
