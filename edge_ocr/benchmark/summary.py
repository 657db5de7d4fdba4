"""What many samples of one quantity say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Of samples, in their unit.

    Attributes:
        count: how many.
        mean: arithmetic.
        std: standard deviation of the samples (divisor: count - 1); 0 where there is one.
        min: the least.
        p50: the median.
        p90: 90 % of the samples are no larger; between two samples by linear interpolation, as numpy does.
        p99: likewise, of less than 100 samples all but the largest one.
    """

    count: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Summary:
        """Of at least one sample, each figure to 3 decimals: microseconds where samples are milliseconds."""
        values = np.asarray(samples, np.float64)
        std = values.std(ddof=1) if len(values) > 1 else 0.0
        p50, p90, p99 = np.percentile(values, [50, 90, 99])
        figures = (values.mean(), std, values.min(), p50, p90, p99)
        return cls(len(values), *(round(float(figure), 3) for figure in figures))
