"""How good an attention map is: overlap with the box, average precision, normalised scanpath saliency."""

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float64]


def overlap(probability: Map, mask: NDArray[np.bool_], threshold: float = 0.5, least: float = 0.2) -> float:
    """Intersection over union of the mask and what lies above `threshold` of the map's maximum, at least `least` [R20].

    1 when both are empty.
    """
    predicted = probability > max(threshold * float(probability.max()), least)
    union = int((predicted | mask).sum())
    return float((predicted & mask).sum()) / union if union else 1.0


def average_precision(probability: Map, mask: NDArray[np.bool_]) -> float:
    """Area under the precision-recall curve over pixels; ties are one step. The mask must not be empty."""
    values, truth = probability.ravel(), mask.ravel()
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.diff(values[order]) != 0, True)  # the end of each run of equal values
    hits, ranks = hits[last], np.arange(1, len(values) + 1)[last]
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float((gained * hits / ranks).sum())


def scanpath_saliency(probability: Map, mask: NDArray[np.bool_]) -> float:
    """NSS: the mean over the mask of the map, standardised over the frame; 0 for a flat map."""
    deviation = float(probability.std())
    return float((probability[mask].mean() - probability.mean()) / deviation) if deviation > 0 else 0.0


def chance(mask: NDArray[np.bool_]) -> float:
    """The overlap of a map that marks everything: the mask's share of the frame."""
    return float(mask.mean())
