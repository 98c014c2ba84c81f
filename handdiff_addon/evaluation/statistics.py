# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure a figure is, and how far apart two sets of pictures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
SUBSETS, SUBSET = 100, 100
"""Of the kernel distance: how many, and of how many pictures at most"""


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


def kernel_distance(painted: np.ndarray, renders: np.ndarray) -> tuple[float, float]:
    """Kernel distance of painted pictures from the renders of the same entries (KID; Binkowski et al., "Demystifying
    MMD GANs", 2018).

    The squared maximum mean discrepancy with the kernel (x.y / C + 1)^3 over random subsets, estimated without bias for
    samples that come in pairs, as these do: a picture is not compared with its own render (Gretton et al., "A kernel
    two-sample test", 2012, equation 4).  It can fall below 0 where the sets are alike.  Every row is scaled to a mean
    square of 1, so that x.y / C is a cosine: on pictures unlike any that it was trained on, a network's features grow
    without measure, and the third power would compare nothing but their size.

    Args:
        painted, renders: (N, C), row by row of the same entry.

    Returns:
        mean and standard deviation over the subsets; NaN for fewer than two pictures.
    """
    size = min(SUBSET, len(renders))
    if size < 2:
        return float("nan"), float("nan")
    painted, renders = (x / np.sqrt((x**2).mean(axis=1, keepdims=True)) for x in (painted, renders))
    rng = np.random.default_rng(0)
    values = []
    for _ in range(SUBSETS):
        chosen = rng.choice(len(renders), size, replace=False)
        values.append(_squared_discrepancy(painted[chosen], renders[chosen]))
    return float(np.mean(values)), float(np.std(values))


def _squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    def mean_kernel(a: np.ndarray, b: np.ndarray) -> float:
        """Over all pairs but those of the same row."""
        values = (a @ b.T / a.shape[1] + 1.0) ** 3
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)))

    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)
