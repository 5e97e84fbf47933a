"""When the target counts as lost: the best candidate's score against `tracking.failure_score` [R32]."""

from torch import Tensor

from dat.base.sections import Tracking

BACKGROUND, TARGET = 0, 1
"""The columns of the classifier's two outputs."""


def ranking(outputs: Tensor, settings: Tracking) -> tuple[Tensor, Tensor]:
    """What candidates are ranked by (N,), and the score that a failure is told by (N,), of the outputs (N, 2).

    The target's share in the softmax and, to rank by, the difference of the outputs, which does not saturate; or with
    `failure: raw` the raw output, as in the public code.
    """
    if settings.failure == "raw":
        return outputs[:, TARGET], outputs[:, TARGET]
    margin = outputs[:, TARGET] - outputs[:, BACKGROUND]
    return margin, margin.sigmoid()


def failed(score: float, settings: Tracking) -> bool:
    """Whether a candidate of this score is none: also a score that is no number is a failure."""
    return not score > settings.failure_score
