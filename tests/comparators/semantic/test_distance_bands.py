"""Thresholds by length, from what reruns did."""

import numpy as np
import pytest

from comparators.semantic.distance_bands import Distance, bands_from, bands_of

WINDOW = 500


def reruns(n=WINDOW, characters=300, seed=1):
    rng = np.random.default_rng(seed)
    return [Distance(float(d), characters) for d in rng.beta(2, 30, n)]


def test_the_order_of_the_window_does_not_matter():
    assert bands_of(reruns()) == bands_of(list(reversed(reruns())))


def test_few_later_reruns_lie_beyond_and_the_bound_is_honest():
    bands = bands_of(reruns())
    fresh = np.array([r.distance for r in reruns(20_000, seed=2)])
    assert (fresh > bands.threshold(300)).mean() <= bands.allowed
    assert bands.allowed == pytest.approx(0.0132, abs=5e-4)  # 99 % point of Beta(2, 499)


def test_the_bound_fails_at_most_one_calibration_in_a_hundred():
    rng = np.random.default_rng(5)
    held = []
    for _ in range(300):
        bands = bands_of([Distance(float(d), 300) for d in rng.random(WINDOW)])
        held.append(1 - bands.threshold(300) <= bands.allowed)
    assert np.mean(held) >= 0.97


def test_length_bands_have_thresholds_of_their_own_and_small_ones_share():
    short, long = reruns(250, characters=50), [Distance(r.distance / 10, 1000) for r in reruns(250, seed=3)]
    bands = bands_of([*short, *long])
    assert [band.up_to for band in bands.bands] == [128, None]
    assert bands.threshold(128) > 5 * bands.threshold(129)
    assert len(bands_of([*reruns(450, characters=50), *long[:50]]).bands) == 1


def test_bands_make_the_round_trip_and_nothing_else_is_read():
    bands = bands_of(reruns())
    assert bands_from(bands.text) == bands
    for text in ("{}", '{"version": 2}', '{"version": 1}', "[]"):
        with pytest.raises(ValueError, match="thresholds"):
            bands_from(text)
