from .circuit import draw_circuit as draw_circuit
from .counts import plot_measured as plot_measured
from .history import plot_history as plot_history
from .processes import plot_transfer_matrix as plot_transfer_matrix
from .states import plot_density_matrix as plot_density_matrix
