"""The paired differences of the scores, as far as they follow from the scores of sequences without the bootstrap.

The mean difference, Holm's correction and the verdict are computed again. The p value of a sign-flip test is computed
again with other signs: all of them of at most twelve sequences, else 2,000 drawn here; it may be off by what drawing
leaves open, five standard errors of both draws. Of an interval it is checked that it holds the difference.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat.audit.checks import Check
from dat.audit.printed import SIGNIFICANT, Printed, holm

MEANS = ("success", "precision", "redetected")
"""The scores that are means over sequences, whose differences are tested by flipping signs."""
LOWER = "robustness"
"""The score of which less is better."""
ALL, DRAWN, ERRORS, CLOSE = 12, 2000, 5.0, 1e-9


def checks(printed: Printed) -> list[Check]:
    """What of the paired differences is another; and how many hold."""
    found = [check for benchmark in printed.numbers.scores for check in _benchmark(printed, benchmark)]
    wrong = [check for check in found if check.verdict != "verified"]
    good = f"{len(found) - len(wrong)} facts of paired differences"
    return [*wrong, Check("paired differences", "verified", "reports/metrics: pairs", good, good)] if found else []


def _benchmark(printed: Printed, benchmark: str) -> Iterator[Check]:
    pairs: dict[str, list[Mapping[str, Any]]] = {}
    for pair in printed.scores(benchmark).get("pairs", []):
        pairs.setdefault(str(pair["metric"]), []).append(pair)
    for metric, of in pairs.items():
        single = [float(pair.get("p_uncorrected", pair["p"])) for pair in of]
        for pair, own, p in zip(of, single, holm(single), strict=True):
            file = printed.numbers.scores[benchmark].file
            subject = f"{file}: {benchmark} {pair['a']} against {pair['b']}, {metric}"
            difference, low, high = (float(value) for value in (pair["difference"], *pair["interval"]))
            yield _near(f"{subject}, p by Holm", p, float(pair["p"]), CLOSE)
            verdict = _verdict(low, high, p, metric)
            yield _said(f"{subject}, verdict", verdict, str(pair.get("verdict", verdict)))
            holds = low - CLOSE <= difference <= high + CLOSE
            yield _said(f"{subject}, interval", f"one that holds {difference:.6g}", f"{low:.6g} to {high:.6g}", holds)
            variants = [str(pair[side]).partition("@seed-")[0] for side in ("a", "b")]
            yield from _means(printed, benchmark, metric, variants, difference, own, subject)


def _means(
    printed: Printed, benchmark: str, metric: str, variants: Sequence[str], difference: float, p: float, subject: str
) -> Iterator[Check]:
    """A pair's difference against that of its sequences, or of the scores, and the p value of these sequences."""
    values = printed.differences(benchmark, variants[0], variants[1], metric) if metric in MEANS else []
    scores = [printed.score(benchmark, variant, metric) for variant in variants]
    if values:
        yield _near(f"{subject}, difference", math.fsum(values) / len(values), difference, CLOSE)
        again, error = flipped(values, p, printed.numbers.settings.root.evaluation.resamples)
        yield _near(f"{subject}, p", again, p, error)
    elif scores[0] is not None and scores[1] is not None:
        yield _near(f"{subject}, difference", scores[0] - scores[1], difference, CLOSE)
        yield _said(f"{subject}, p", "from 0 to 1", f"{p:.6g}", 0 < p <= 1)


def flipped(values: Sequence[float], p: float, resamples: int) -> tuple[float, float]:
    """How often the mean of differences is as far from 0 when each one's sign is as likely the other, and how far `p`
    from so many resamples may be away from that."""
    means = np.abs(_signs(len(values)) @ np.asarray(values)) / len(values)
    share = float(np.mean(means >= abs(math.fsum(values)) / len(values) * (1 - 1e-9) - 1e-12))
    spread = max(share * (1 - share), p * (1 - p), 1 / resamples)
    error = math.sqrt(spread * (1 / resamples + (0 if len(values) <= ALL else 1 / DRAWN)))
    return share, ERRORS * error + 1 / (1 + resamples)


@functools.cache
def _signs(count: int) -> NDArray[np.float64]:
    if count <= ALL:
        return np.array(list(itertools.product((-1.0, 1.0), repeat=count)))
    return np.random.default_rng([count, 2018]).integers(0, 2, (DRAWN, count)).astype(np.float64) * 2 - 1


def _verdict(low: float, high: float, p: float, metric: str) -> str:
    if p >= SIGNIFICANT or low <= 0 <= high:
        return "cannot tell"
    return "holds" if (low > 0) != (metric == LOWER) else "the reverse"


def _near(subject: str, expected: float, found: float, error: float) -> Check:
    return _said(subject, f"{expected:.6g}", f"{found:.6g}", abs(expected - found) <= error)


def _said(subject: str, expected: str, found: str, holds: bool | None = None) -> Check:
    verified = expected == found if holds is None else holds
    return Check("paired differences", "verified" if verified else "differs", subject, expected, found)
