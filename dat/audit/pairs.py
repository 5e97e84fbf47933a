"""The paired differences of the scores, computed again: difference, interval, p value, Holm's correction and verdict.

Of a definition that the second implementation does not know it is checked that the difference is that of the scores,
that the interval holds it, and that p is a share.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dat.audit.checks import Check, missing
from dat.audit.intervals import near, said
from dat.audit.printed import Printed, holm, verdict
from dat.base.errors import DatError

LOWER = "robustness"
"""The score of which less is better."""
CLOSE = 1e-9


def checks(printed: Printed, benchmark: str) -> list[Check]:
    """What of a benchmark's paired differences is another; and how many facts of them hold."""
    file = printed.numbers.scores[benchmark].file
    try:
        found = list(_benchmark(printed, benchmark))
    except (DatError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"{file}: {benchmark}: {type(error).__name__} {error}"
        return [missing("paired differences", why, "scores that can be read")]
    wrong = [check for check in found if check.verdict != "verified"]
    good = f"{len(found) - len(wrong)} facts of paired differences"
    return [*wrong, Check("paired differences", "verified", f"{file}: {benchmark}", good, good)] if found else []


def _benchmark(printed: Printed, benchmark: str) -> Iterator[Check]:
    pairs: dict[str, list[Mapping[str, Any]]] = {}
    for pair in printed.scores(benchmark).get("pairs", []):
        pairs.setdefault(str(pair["metric"]), []).append(pair)
    for metric, of in pairs.items():
        single = [float(pair.get("p_uncorrected", pair["p"])) for pair in of]
        for pair, own, p in zip(of, single, holm(single), strict=True):
            file = printed.numbers.scores[benchmark].file
            subject = f"{file}: {benchmark} {pair['a']} against {pair['b']}, {metric}"
            low, high = map(float, pair["interval"])
            yield _near(f"{subject}, p by Holm", p, float(pair["p"]), CLOSE)
            expected = _verdict(low, high, p, metric)
            yield _said(f"{subject}, verdict", expected, str(pair.get("verdict", expected)))
            yield from _again(printed, benchmark, pair, own, subject)


def _again(printed: Printed, benchmark: str, pair: Mapping[str, Any], p: float, subject: str) -> Iterator[Check]:
    """A pair's difference, interval and p value against those of its sequences."""
    a, b = (str(pair[side]).partition("@seed-")[0] for side in ("a", "b"))
    metric, difference = str(pair["metric"]), float(pair["difference"])
    low, high = map(float, pair["interval"])
    again = printed.intervals.paired(printed.numbers.scores[benchmark], a, b, metric)
    if again is not None:
        yield _near(f"{subject}, difference", again.difference, difference, CLOSE)
        yield _said(f"{subject}, interval", said(again.ends), said((low, high)), near(again.ends, (low, high)))
        yield _near(f"{subject}, p", again.p, p, CLOSE)
        return
    scores = [printed.score(benchmark, variant, metric) for variant in (a, b)]
    if scores[0] is not None and scores[1] is not None:
        yield _near(f"{subject}, difference", scores[0] - scores[1], difference, CLOSE)
    holds = low - CLOSE <= difference <= high + CLOSE
    yield _said(f"{subject}, interval", f"one that holds {difference:.6g}", said((low, high)), holds)
    yield _said(f"{subject}, p", "from 0 to 1", f"{p:.6g}", 0 < p <= 1)


def _verdict(low: float, high: float, p: float, metric: str) -> str:
    return verdict(-high, -low, p) if metric == LOWER else verdict(low, high, p)


def _near(subject: str, expected: float, found: float, error: float) -> Check:
    return _said(subject, f"{expected:.6g}", f"{found:.6g}", abs(expected - found) <= error)


def _said(subject: str, expected: str, found: str, holds: bool | None = None) -> Check:
    verified = expected == found if holds is None else holds
    return Check("paired differences", "verified" if verified else "differs", subject, expected, found)
