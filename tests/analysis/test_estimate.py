"""What all estimates share."""

import pytest

from analysis.estimate import wilson


def test_wilson_gives_the_textbook_interval():
    """Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 0 of 20, 1 of 29."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
