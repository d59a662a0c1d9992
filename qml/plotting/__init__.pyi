from .circuit import draw_circuit as draw_circuit
