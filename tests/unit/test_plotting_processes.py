"""Pictures of processes: the numbers that they are given, in colors symmetric about zero."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from qml import Circuit, channels, gates
from qml._checks import InputError
from qml.plotting import plot_transfer_matrix
from qml.plotting.processes import diverging
from qml.processes import Process, as_process
from qml.states import DensityMatrix

NOISY = Circuit(1, [gates.RX(np.pi / 2 + 0.05, 0), channels.AmplitudeDamping(0.03, 0)])
SQRT_X = Circuit(1, [gates.RX(np.pi / 2, 0)])


def drawn(axes) -> np.ndarray:
    (image,) = axes.get_images()
    return np.asarray(image.get_array())


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_matrix_is_drawn_row_out_column_in():
    axes = plot_transfer_matrix(NOISY, ax=Figure().subplots(), title="noisy")
    expected = as_process(NOISY).transfer_matrix()
    np.testing.assert_array_equal(drawn(axes), expected)
    assert axes.get_images()[0].get_clim() == (-1, 1)
    assert axes.get_title() == "noisy"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("in", "out")
    assert [label.get_text() for label in axes.get_yticklabels()] == list("IXYZ")
    assert [text.get_position() for text in axes.texts][12:] == [(0, 3), (1, 3), (2, 3), (3, 3)]  # column, row
    assert texts(axes)[12:] == ["0.03", "0", "0.969", "\N{MINUS SIGN}0.048"]


def test_the_difference_to_a_target_has_its_own_scale():
    axes = plot_transfer_matrix(NOISY, SQRT_X, Figure().subplots())
    difference = as_process(NOISY).transfer_matrix() - as_process(SQRT_X).transfer_matrix()
    np.testing.assert_array_equal(drawn(axes), difference)
    largest = np.abs(difference).max()
    assert axes.get_images()[0].get_clim() == (-largest, largest)
    assert texts(axes)[12:] == ["0.03", "0", "\N{MINUS SIGN}0.0312", "\N{MINUS SIGN}0.0485"]
    same = plot_transfer_matrix(SQRT_X, SQRT_X, Figure().subplots())
    assert same.get_images()[0].get_clim() == (-1, 1)
    assert set(texts(same)) == {"0"}
    wide = plot_transfer_matrix(NOISY, SQRT_X, Figure().subplots(), limit=0.2)
    assert wide.get_images()[0].get_clim() == (-0.2, 0.2)


def test_matrices_that_are_no_process_and_more_qubits():
    axes = plot_transfer_matrix([[1.0, 0, 0, 0], [0, 1.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], ax=Figure().subplots())
    assert "1.5" in texts(axes)
    tiny = plot_transfer_matrix(np.diag([1, -1e-5, 2e-3, 0]), ax=Figure().subplots())
    assert [tiny.texts[5 * k].get_text() for k in range(4)] == ["1", "0", "0.002", "0"]
    small = plot_transfer_matrix(np.diag([1.25e-9, -3e-11, 0.0, 0.0]), np.zeros((4, 4)), Figure().subplots())
    assert [small.texts[5 * k].get_text() for k in range(3)] == [
        "1.3e\N{MINUS SIGN}09",
        "\N{MINUS SIGN}3e\N{MINUS SIGN}11",
        "0",
    ]
    two = plot_transfer_matrix(gates.CNOT, ax=Figure().subplots())
    assert [label.get_text() for label in two.get_xticklabels()][:5] == ["II", "IX", "IY", "IZ", "XI"]
    assert not texts(two)
    three = plot_transfer_matrix(Circuit(3, [gates.CNOT(0, 1)]), ax=Figure().subplots())
    assert [label.get_text() for label in three.get_yticklabels()][:3] == ["III", "IXI", "IYI"]
    assert three.get_ylabel() == "out: one of 4 labelled"


def test_colors_are_symmetric_white_at_zero_and_apart_for_the_color_blind():
    """Opposite values are equally dark; seen without the red receptor (Vienot et al. 1999) they stay apart."""
    colors = np.array([diverging()(x)[:3] for x in (0.0, 0.25, 0.5, 0.75, 1.0)])
    np.testing.assert_allclose(colors[2], 1, atol=0.01)
    linear = colors**2.2
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert abs(luminance[0] - luminance[4]) < 0.06
    assert abs(luminance[1] - luminance[3]) < 0.12
    assert luminance[0] < luminance[1] < luminance[2]
    red_blind = linear @ np.array([[0.1124, 0.1124, 0.0040], [0.8876, 0.8876, -0.0040], [0.0, 0.0, 1.0]])
    for low, high in ((0, 4), (1, 3)):
        assert red_blind[high, 2] - red_blind[low, 2] > 0.1


def test_wrong_arguments_get_a_sentence():
    with pytest.raises(InputError, match=r"target must have the shape \(4, 4\); found \(16, 16\)"):
        plot_transfer_matrix(gates.X, gates.CNOT)
    with pytest.raises(InputError, match="limit must be greater than 0"):
        plot_transfer_matrix(gates.X, limit=0.0)
    with pytest.raises(InputError, match=r"a Pauli transfer matrix \(4\^m, 4\^n\); found \(3, 4\)"):
        plot_transfer_matrix(np.ones((3, 4)))
    with pytest.raises(InputError, match="process must be a Process, a Circuit, a gate or channel"):
        plot_transfer_matrix(DensityMatrix(np.eye(2) / 2))
    with pytest.raises(InputError, match="a Pauli transfer matrix is of qubits"):
        plot_transfer_matrix(Process.from_kraus(np.eye(3)))


def test_a_new_figure_is_made_where_none_is_given():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    assert plot_transfer_matrix(gates.X).figure is not plot_transfer_matrix(gates.X).figure
    pyplot.close("all")
