from .circuit import draw_circuit as draw_circuit
from .history import plot_history as plot_history
from .states import plot_density_matrix as plot_density_matrix
