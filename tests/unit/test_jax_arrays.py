"""Arrays that JAX holds behave as NumPy's do, in double precision, and come to the host only when asked."""

import gc
import operator

import numpy as np
import pytest
from helpers.cases import every

from qml._arrays import namespace, number, on_host, surely

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 3, 3))


@pytest.fixture
def there():
    """Makes an array on the device."""
    from qml.engines.jax.arrays import NAMESPACE

    return NAMESPACE.asarray


@every("name", ["add", "sub", "mul", "truediv", "matmul", "lt", "ge", "eq", "ne"])
def test_operators_with_arrays_of_either_side(there, name):
    function = getattr(operator, name)
    for mine, theirs in ((there(A), there(B)), (there(A), B), (A, there(B))):
        found = function(mine, theirs)
        assert not on_host(found)
        np.testing.assert_allclose(np.asarray(found), function(A, B), rtol=1e-15)


def test_numbers_are_of_double_precision(there):
    assert there(A).dtype == np.float64
    assert (there(A) + 0j).dtype == np.complex128
    assert float((there(A) * (1 + 1e-12)).sum()) == pytest.approx(A.sum() * (1 + 1e-12), rel=1e-15)


def test_functions_of_numpy_stay_on_the_device(there):
    assert not on_host(np.abs(there(A)))
    np.testing.assert_array_equal(np.asarray(np.sign(there(A))), np.sign(A))
    with pytest.raises(TypeError):
        np.add.reduce(there(A))


def test_iteration_ends(there):
    np.testing.assert_array_equal([np.asarray(row) for row in there(A)], A)


def test_methods_attributes_and_what_is_none(there):
    a = there(A)
    assert (a.shape, a.ndim, a.size, a.nbytes, len(a)) == ((3, 3), 2, 9, 72, 3)
    np.testing.assert_array_equal(np.asarray(a.T.reshape(9)[1:5]), A.T.reshape(9)[1:5])
    np.testing.assert_allclose(np.asarray(a.max(axis=-1)), A.max(axis=-1))
    with pytest.raises(AttributeError):
        _ = a.no_such_thing
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    assert "cpu" in repr(a).lower()


def test_what_nobody_can_write_to_is_placed_once_and_as_long_as_it_lives():
    from qml.engines.jax import arrays

    large = RNG.normal(size=arrays.PLACED_FROM)
    assert arrays.bare(large) is large  # it may still change
    large.flags.writeable = False
    first = arrays.bare(large)
    assert arrays.bare(large) is first
    count = len(arrays._PLACED)
    del large
    gc.collect()
    assert len(arrays._PLACED) < count


def test_what_is_known_while_jax_traces():
    import jax

    from qml.engines.jax.arrays import Array, bare

    seen = []

    def traced(x):
        a = Array(x)
        seen.append((surely(a.sum() > 0), number(a.sum()) is not None, namespace(a) is namespace(Array(x))))
        return bare(a * 2)

    jax.jit(traced)(np.ones(2, dtype=np.float32))
    assert seen == [(False, True, True)]
    assert surely(np.bool_(True))
