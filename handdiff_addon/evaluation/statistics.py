# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure a figure is, and how far apart two sets of pictures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % confidence interval; NaN where there is nothing to tell it from."""

    value: float
    low: float
    high: float
    count: int
    """Pictures that it rests on"""


@dataclass(frozen=True)
class Tally:
    """A mean over the things in each of a row of pictures, such as found over visible hands: per picture the sum over
    its things, and how many it has."""

    sums: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Tally:
        array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        return cls(array[:, 0], array[:, 1])

    def mean(self, weights: np.ndarray | None = None) -> np.ndarray:
        """The mean, or one per row of weights (R, pictures)."""
        weights = np.ones(len(self.sums)) if weights is None else weights
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(weights @ self.sums) / (weights @ self.counts)


def estimate(tally: Tally) -> Estimate:
    """A mean with its percentile bootstrap interval (Efron 1979).

    Whole pictures are resampled, since two hands of one picture are not independent; the same resamples every time.
    """
    return _estimate(tally, float(tally.mean()), tally.mean(_resamples(len(tally.sums))))


def estimate_ratio(tally: Tally, reference: Tally) -> Estimate:
    """The mean over that of the same pictures otherwise drawn, such as the renders', resampled together."""
    weights = _resamples(len(tally.sums))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _estimate(tally, float(tally.mean() / reference.mean()), tally.mean(weights) / reference.mean(weights))


def estimate_difference(tally: Tally, other: Tally) -> Estimate:
    """The mean less that of the same pictures otherwise drawn, resampled together."""
    weights = _resamples(len(tally.sums))
    return _estimate(tally, float(tally.mean() - other.mean()), tally.mean(weights) - other.mean(weights))


def _estimate(tally: Tally, value: float, resampled: np.ndarray) -> Estimate:
    usable = resampled[np.isfinite(resampled)]
    low, high = np.percentile(usable, [2.5, 97.5]) if len(usable) else (np.nan, np.nan)
    return Estimate(value, float(low), float(high), int((tally.counts > 0).sum()))


def _resamples(pictures: int) -> np.ndarray:
    """(R, pictures): how often each picture is drawn in each resample."""
    if not pictures:
        return np.zeros((1, 0))
    return np.random.default_rng(0).multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES).astype(np.float64)


def kernel_distance(first: np.ndarray, second: np.ndarray, subsets: int = 100, size: int = 100) -> tuple[float, float]:
    """Kernel distance of two sets of features (KID; Binkowski et al., "Demystifying MMD GANs", 2018).

    The unbiased squared maximum mean discrepancy with the kernel (x.y / C + 1)^3, over random subsets of both; it can
    fall below 0 where the sets are alike.

    Args:
        first, second: (N, C), (M, C).
        subsets: how many.
        size: of a subset; no more than the smaller set has.

    Returns:
        mean and standard deviation over the subsets; NaN where a set has fewer than two.
    """
    size = min(size, len(first), len(second))
    if size < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    values = []
    for _ in range(subsets):
        x, y = (features[rng.choice(len(features), size, replace=False)] for features in (first, second))
        values.append(_squared_discrepancy(x, y))
    return float(np.mean(values)), float(np.std(values))


def _squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)

    count = len(x)
    within = [(k.sum() - np.trace(k)) / (count * (count - 1)) for k in (kernel(x, x), kernel(y, y))]
    return float(within[0] + within[1] - 2 * kernel(x, y).mean())
