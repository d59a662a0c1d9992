"""Records of measured data: counting, merging, sampling, display, refusals."""

import numpy as np
import pytest
import scipy.stats

from qml import states
from qml._checks import InputError
from qml.measurement import Counts, PauliMeasurement, ReadoutMeasurement, computational_basis, pauli_six, sample, sic

RNG = np.random.default_rng(5)
Z = PauliMeasurement(["Z"])
PAIR = PauliMeasurement(["XX", "ZZ"])


def test_counts_keep_zeros_and_know_their_settings() -> None:
    counts = Counts(PAIR, [[3, 0, 0, 1], [0, 0, 0, 0]])
    assert counts["XX"] == {"00": 3, "01": 0, "10": 0, "11": 1}
    assert counts.shots.tolist() == [4, 0]
    assert counts.total == 4
    assert counts.frequencies().tolist() == [0.75, 0, 0, 0.25, 0, 0, 0, 0]
    assert counts.shares().sum() == 1
    assert counts.counts.dtype == np.int64
    assert not counts.is_weighted
    with pytest.raises(ValueError, match="read-only"):
        counts.counts[0] = 7
    assert "no shots in 1 setting" in repr(counts)
    assert "00: 3, 11: 1" in str(counts)
    assert counts._repr_html_().count("<tr>") == 2


def test_huge_counts_are_exact() -> None:
    huge = Counts(Z, [10**18, 1])
    assert huge.total == 10**18 + 1
    assert huge["Z"] == {"0": 10**18, "1": 1}
    with pytest.raises(InputError, match=r"at most 2\^63 - 1 shots in all; found 10000000000000000000"):
        Counts(Z, [5 * 10**18, 5 * 10**18])
    with pytest.raises(InputError, match=r"found 10000000000000000000000 for outcome '1' of setting 'Z'"):
        Counts(Z, [0, 10**22])
    assert Counts.from_weights(Z, [1e22, 1.0]).total == 1e22
    with pytest.raises(InputError, match="at most"):
        huge.merge(Counts(Z, [9 * 10**18, 0]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([3, -1], r"found -1 for outcome '1' of setting 'Z' \(entry 1\)"),
        ([2.5, 1], r"found 2.5 for outcome '0' of setting 'Z' \(entry 0\): use Counts.from_weights"),
        ([True, False], "found True for outcome '0'"),
        (["3", "4"], "found '3' for outcome '0'"),
        ([np.nan, 1], "found nan"),
        ([1, 2, 3], "one number for each of the 2 outcomes of the measurement, zeros included; found 3"),
    ],
)
def test_bad_counts_are_refused_by_row(values: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Counts(Z, values)


def test_weights_and_frequencies_are_checked_by_row() -> None:
    with pytest.raises(
        InputError, match=r"must not exceed one; found 1.5 for outcome '11' of setting 'ZZ' \(entry 7\)"
    ):
        Counts.from_frequencies(PAIR, [1, 0, 0, 0, 0, 0, 0, 1.5])
    with pytest.raises(InputError, match=r"must not be negative; found -0.5 for outcome '01' of setting 'XX'"):
        Counts.from_frequencies(PAIR, [1, -0.5, 0.5, 0, 0, 0, 0, 1])
    with pytest.raises(InputError, match=r"found 0.75 in setting 'ZZ'"):
        Counts.from_frequencies(PAIR, [1, 0, 0, 0, 0, 0, 0, 0.75])
    with pytest.raises(InputError, match=r"a weight must not be negative; found -2 for outcome '0' of setting 'Z'"):
        Counts.from_weights(Z, [-2, 1])
    for make in (
        lambda: Counts.from_weights(Z, [1e308, 1e308]),
        lambda: Counts.from_frequencies(PAIR, [[1, 0, 0, 0], [0, 0, 0, 1]], shots=1e308),
    ):
        with pytest.raises(InputError, match=r"must add up to a number that float64 holds.*: rescale them\.$"):
            make()
    weighted = Counts.from_frequencies(PAIR, [[1, 0, 0, 0], [0.5, 0, 0, 0.5]], shots=[1, 3])
    assert weighted.shots.tolist() == [1, 3]
    assert weighted.shares().tolist() == [0.25, 0, 0, 0, 0.375, 0, 0, 0.375]
    with pytest.raises(InputError, match="no shots at all"):
        Counts(Z, [0, 0]).shares()


def test_merge_and_subset() -> None:
    a, b = Counts(PAIR, [1, 2, 3, 4, 5, 6, 7, 8]), Counts(PauliMeasurement(["XX", "ZZ"]), [8] * 8)
    assert a.merge(b).counts.tolist() == [9, 10, 11, 12, 13, 14, 15, 16]
    both = a.merge(Counts(PauliMeasurement(["ZZ"]), [1, 1, 1, 1]))
    assert both.measurement.settings == ("0:XX", "0:ZZ", "1:ZZ")
    assert both.total == 40
    assert a.subset(["ZZ"]).counts.tolist() == [5, 6, 7, 8]
    assert a.subset([1, 0]).measurement.settings == ("ZZ", "XX")
    assert a.merge(Counts.from_weights(PAIR, np.full(8, 0.5))).counts[0] == 1.5
    # an empirical state is the mean over all shots, however they are split up
    rho = states.ginibre((2, 2), RNG)
    parts = [sample(rho, PAIR, 300, RNG), sample(rho, PauliMeasurement(["XY"]), 400, RNG)]
    whole = parts[0].merge(parts[1]).empirical_state().matrix()
    mean = 0.6 * parts[0].empirical_state().matrix() + 0.4 * parts[1].empirical_state().matrix()
    assert np.abs(whole - mean).max() < 1e-14


def test_samples_follow_the_probabilities() -> None:
    rho = states.ginibre((2, 2), RNG)
    for m in (PauliMeasurement(2), pauli_six(2), ReadoutMeasurement(PAIR, [np.array([[0.9, 0.2], [0.1, 0.8]])] * 2)):
        shots = RNG.integers(20_000, 40_000, len(m.settings))
        counts = sample(rho, m, shots, RNG)
        assert counts.shots.tolist() == shots.tolist()
        expected = m.probabilities(rho) * np.repeat(shots, m.sizes)
        statistic = ((counts.counts - expected) ** 2 / expected).sum()
        freedom = m.n_outcomes - len(m.settings)
        assert 1e-4 < scipy.stats.chi2.sf(statistic, freedom) < 1 - 1e-4


def test_impossible_outcomes_are_never_sampled() -> None:
    counts = sample(states.ghz(3), PauliMeasurement(["ZZZ", "XXX"]), 10**12, RNG)
    assert [label for label, n in counts["ZZZ"].items() if n] == ["000", "111"]
    assert all(label.count("1") % 2 == 0 for label, n in counts["XXX"].items() if n)
    assert counts.total == 2 * 10**12
    none = sample(states.ghz(2), PAIR, [0, 5], RNG)
    assert none.shots.tolist() == [0, 5]


def test_a_state_of_no_sites_has_one_outcome_without_digits() -> None:
    assert states.DensityMatrix([[1.0]], ()).sample(5, 0).shape == (5, 0)


def test_samples_are_reproducible_and_refused_where_they_make_no_sense() -> None:
    rho = states.ginibre((2,), RNG)
    assert sample(rho, Z, 100, np.random.default_rng(1)) == sample(rho, Z, 100, np.random.default_rng(1))
    for bad in (-1, 2.5, [1, 2], 2**62 * 2):
        with pytest.raises(InputError, match="shots must be"):
            sample(rho, Z, bad, RNG)
    with pytest.raises(InputError, match="index it first"):
        sample(states.ginibre((2,), RNG, batch=2), Z, 10, RNG)
    with pytest.raises(InputError, match="rng must be a numpy Generator"):
        sample(rho, Z, 10, np.random)
    with pytest.raises(InputError, match="state must be a State"):
        sample("zero", Z, 10, RNG)
    assert sample(np.diag([1.0, 0.0]), Z, 10, RNG)["Z"] == {"0": 10, "1": 0}


def test_an_outcome_that_cannot_occur_has_no_empirical_state() -> None:
    from qml.measurement import POVM

    blind = POVM([np.eye(2), np.zeros((2, 2))])
    assert Counts(blind, [5, 0]).empirical_state().probabilities().tolist() == [0.5, 0.5]
    with pytest.raises(InputError, match=r"outcome '1' of setting 'POVM' .* can't occur"):
        Counts(blind, [5, 1]).empirical_state()


def test_records_compare_by_content() -> None:
    assert Counts(sic(2), [1, 2, 3, 4]) == Counts(sic(2), [1, 2, 3, 4])
    assert Counts(sic(2), [1, 2, 3, 4]) != Counts(sic(2), [1, 2, 3, 5])
    assert Counts(computational_basis((2,)), [1, 2]) != Counts(Z, [1, 2])
    assert Counts(Z, [1, 2]) != "counts"


def test_a_million_shots_of_one_setting_of_ten_qubits_and_all_settings_of_seven() -> None:
    assert sample(states.ghz(10), PauliMeasurement(["X" * 10]), 10**6, RNG).total == 10**6
    rho = states.ghz(7)
    counts = sample(rho, PauliMeasurement(7), 1000, RNG)
    assert (counts.shots == 1000).all()
    words = list(RNG.choice(counts.measurement.settings, 4, replace=False))
    p = PauliMeasurement(words).probabilities(rho)
    seen = np.concatenate([list(counts[w].values()) for w in words])
    assert (seen[p < 1e-12] == 0).all()
    assert np.abs(seen / 1000 - p).max() < 0.1


def test_a_record_is_a_mapping_of_its_settings() -> None:
    counts = Counts(PAIR, [[3, 0, 0, 1], [0, 0, 0, 0]])
    assert list(counts) == ["XX", "ZZ"]
    assert len(counts) == 2
    assert dict(counts) == {
        "XX": {"00": 3, "01": 0, "10": 0, "11": 1},
        "ZZ": dict.fromkeys(("00", "01", "10", "11"), 0),
    }
    assert ("XX" in counts, "YY" in counts) == (True, False)
    assert Counts.from_dicts(dict(counts)) == counts == Counts.from_dicts(counts)
    with pytest.raises(InputError, match="no setting 'YY'"):
        counts["YY"]


def test_only_what_was_seen_is_shown() -> None:
    counts = Counts(PAIR, [[3, 0, 0, 1], [0, 0, 0, 0]])
    assert repr(counts) == "<Counts: 2 settings, 2 of 8 outcomes seen, 4 shots, no shots in 1 setting>"
    for text in (str(counts), counts._repr_html_()):
        assert "00: 3, 11: 1" in text
        assert "01:" not in text
        assert "ZZ" not in text
        assert "..." not in text
    one = Counts(PauliMeasurement(["Z" * 12]), np.eye(1, 4096, 77, dtype=int)[0])
    assert "000001001101: 1" in str(one)
    assert "..." not in str(one)


def test_rows_are_those_of_the_settings() -> None:
    """A table that is transposed, or cut elsewhere, would be read as other counts."""
    table = np.array([[1, 2], [3, 4], [5, 6]])
    assert Counts(PauliMeasurement(1), table)["Y"] == {"0": 3, "1": 4}
    for wrong in (table.T, [[1, 2, 3], [4], [5, 6]]):
        for make in (Counts, Counts.from_weights):
            with pytest.raises(InputError, match=r"rows must be the settings .*; found rows of \[3, "):
                make(PauliMeasurement(1), wrong)


def test_masked_counts_are_not_taken_for_counts() -> None:
    masked = np.ma.masked_array([1, 2], [False, True])
    for make in (Counts, Counts.from_weights):
        with pytest.raises(InputError, match="no masked entries"):
            make(Z, masked)


def test_weights_that_add_up_beyond_float64_are_not_merged() -> None:
    heavy = Counts.from_weights(Z, [1e308, 0.0])
    for other in (heavy, Counts.from_weights(PauliMeasurement(["X"]), [1e308, 0.0])):
        with pytest.raises(InputError, match=r"finite|float64"):
            heavy.merge(other)


def test_a_record_is_a_mapping_in_every_way_of_asking() -> None:
    counts = Counts(PauliMeasurement(["X", "Z"]), [[1, 2], [3, 4]])
    for asked in ("X", "Z", "Y", "", None, 1.5, 7, ["X"]):
        if asked in counts:
            assert counts.get(asked) == counts[asked] == dict(counts)[asked]
        else:
            assert counts.get(asked) is None
            assert counts.get(asked, "none") == "none"
            with pytest.raises(InputError):
                counts[asked]
    assert counts.get(1) == counts["Z"]
