"""Do the rows of a result fit the truth? Rows that are shifted, or that are no x,y,w,h, would score without a word.

A tracker's first row is the box that it was given, exactly, rounded, or counted from another origin: in 958 published
files never more than a pixel off. So a first row that is another box says that rows and frames do not belong together,
or that the numbers are not x,y,w,h. Row 1 is looked at before a definition overwrites it by the truth.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEAR = 1.01
"""Pixels by which a first row may be off the first box: rounding, or counting from 0 instead of 1."""

STILL = 0.005
"""Mean overlap by which rows may fit other frames than theirs better: less is a target that hardly moves."""

SHIFTED, MANY = 0.12, 10
"""Mean overlap by which rows of the right number must fit the frames beside theirs better: of 929 published files the
one that gains most, .107, is of a truth that is itself a frame off (Subway). Over that many sequences all lose."""

LOOKED_AT, FARTHEST = 64, 10
"""Rows of each sequence that are looked at first (all of them would take longer than the scoring); frames by which rows
are said to be off."""

SAMPLES = 16
LEAST, BETTER = 0.5, 0.3
"""Another reading of the numbers is meant when its mean overlap is at least that, and better by that."""

READINGS: dict[str, Callable[[Floats], Floats]] = {
    "corners x1,y1,x2,y2": lambda rows: np.concatenate([rows[..., :2], rows[..., 2:] - rows[..., :2]], -1),
    "centre x,y and w,h": lambda rows: np.concatenate([rows[..., :2] - rows[..., 2:] / 2, rows[..., 2:]], -1),
    "y,x,h,w": lambda rows: rows[..., [1, 0, 3, 2]],
}
"""What four numbers are taken for by mistake, and the way to x,y,w,h."""


def overlaps(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes (...,4); 0 where one is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
        shared = np.maximum(ends - np.maximum(a[..., :2], b[..., :2]), 0).prod(-1)
        union = shared / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared)
    return np.where((a[..., 2:] > 0).all(-1) & (b[..., 2:] > 0).all(-1), np.nan_to_num(union), 0.0)


def near(a: Floats, b: Floats) -> Flags:
    """Whether boxes (...,4) are the same to within a pixel; what is unknown (NaN) in b is like anything."""
    return np.asarray(((np.abs(a - b) <= NEAR) | np.isnan(b)).all(-1))


def moved(boxes: Floats, truth: Floats, whole: bool = False) -> str:
    """From which row on rows (M,4) fit other frames of the truth (N,4) better, and what to do; "" where they do not.

    Tried are the steps that one row, or all, too many or missing before it would lead to. `whole` asks whether all rows
    together fit better, there or a frame later.
    """
    wrong = len(boxes) - len(truth)
    tried = {step: _gains(boxes, truth, step) for step in (wrong, int(np.sign(wrong)), *([-1] if whole else []))}
    step = max(tried, key=lambda step: tried[step][0] if whole else tried[step].max())
    gains = tried[step]
    if (gains[0] if whole else gains.max()) <= STILL:
        return ""
    return f"{_where_better(boxes, truth, step, gains)}, so rows before it seem to be {_GAP[step > 0]}"


_GAP = ("missing: add them", "too many: leave them out")


def _where_better(boxes: Floats, truth: Floats, step: int, gains: Floats) -> str:
    start = gains.argmax() if step > 0 else len(gains) - 1 - gains[::-1].argmax()  # of equals the row at the gap
    compared = len(gains) - 1
    now = overlaps(boxes[:compared], truth[:compared]).mean()
    return (
        f"from row {start + max(step, 0) + 1} on they fit the truth {_frames(step)} better (mean overlap "
        f"{now + gains.max():.3f}, not {now:.3f})"
    )


def shifted(boxes: Mapping[str, Floats], truth: Mapping[str, Floats]) -> list[str]:
    """Which of the sequences with as many rows as frames fit the truth a frame earlier or later much better; one line
    for all where many do so on average, as of a program that writes its rows a frame late."""
    names = [name for name in boxes if len(boxes[name]) == len(truth[name]) > 2]
    if not names:
        return []
    places = {name: np.linspace(1, len(boxes[name]) - 2, LOOKED_AT).astype(int) for name in names}
    rows = np.stack([boxes[name][places[name]] for name in names])
    now, *beside = (
        overlaps(rows, np.stack([truth[name][places[name] - step] for name in names])) for step in (0, 1, -1)
    )
    gained = {step: other - now for step, other in zip((1, -1), beside, strict=True)}
    for step, each in gained.items():
        if len(names) >= MANY and each.mean() > STILL:
            return [
                f"the rows of {(each.mean(1) > 0).sum()} of {len(names)} sequences fit the truth a frame "
                f"{'earlier' if step > 0 else 'later'} better (mean overlap about {each.mean():.3f} more, over all): "
                f"is the first row {'there twice' if step > 0 else 'missing'}?"
            ]
    sums = {step: _most(each) / LOOKED_AT for step, each in gained.items()}
    most, steps = np.maximum(sums[1], sums[-1]), np.where(sums[1] > sums[-1], 1, -1)
    odd = [place for place in range(len(names)) if most[place] > SHIFTED / 2]
    notes = [_shifted(names[place], boxes[names[place]], truth[names[place]], int(steps[place])) for place in odd]
    return [note for note in notes if note]


def _shifted(name: str, boxes: Floats, truth: Floats, step: int) -> str:
    tried = {
        step * frames: _gains(boxes, truth, step * frames) for frames in range(1, min(FARTHEST, len(boxes) - 1) + 1)
    }
    if tried[step].max() <= SHIFTED:
        return _stretch(name, boxes, truth, step)
    step = max(tried, key=lambda step: tried[step].max())
    better, gap = _where_better(boxes, truth, step, tried[step]), _GAP[step > 0].partition(":")[0]
    return f"{name}: as many rows as frames, but {better}: are rows before it {gap}?"


def _most(each: Floats) -> Floats:
    """The largest sum of neighbours in each row of values (...,N); 0 where none is above."""
    sums = np.cumsum(each, axis=-1)
    below = np.minimum.accumulate(np.minimum(sums, 0), axis=-1)
    return np.asarray(np.maximum((sums - below).max(-1), 0))


def _stretch(name: str, boxes: Floats, truth: Floats, sign: int) -> str:
    """Rows between two others that fit the truth some frames earlier or later so much better that it counts over all
    rows; "" without such."""
    steps = [sign * frames for frames in range(1, min(FARTHEST, len(boxes) - 1) + 1)]
    tried = {step: _each(boxes, truth, step) for step in steps}
    gains = {step: float(_most(each)) / len(each) for step, each in tried.items()}
    if gains[sign] <= SHIFTED:
        return ""
    step = max(gains, key=lambda step: gains[step])
    sums = np.append(0, np.cumsum(tried[step]))
    stop = int((sums - np.minimum.accumulate(sums)).argmax())
    start, first = int(sums[:stop].argmin()), max(step, 0)
    return (
        f"{name}: as many rows as frames, but rows {start + first + 1} to {stop + first} fit the truth "
        f"{_frames(step)} better (mean overlap over all rows {gains[step]:.3f} more): are rows missing at one "
        "end of them, and too many at the other?"
    )


def _frames(step: int) -> str:
    return f"{abs(step)} frame{'s' if abs(step) > 1 else ''} {'earlier' if step > 0 else 'later'}"


def _each(boxes: Floats, truth: Floats, step: int) -> Floats:
    """What each row's overlap gains when rows are compared with the truth `step` frames earlier."""
    rows, frames = boxes[max(step, 0) :], truth[max(-step, 0) :]
    count = min(len(rows), len(frames))
    return overlaps(rows[:count], frames[:count]) - overlaps(boxes[:count], truth[:count])


def _gains(boxes: Floats, truth: Floats, step: int) -> Floats:
    """What the mean overlap gains when, from each row on, rows are compared with the truth `step` frames earlier."""
    each = _each(boxes, truth, step)
    return np.append(np.cumsum(each[::-1])[::-1], 0) / max(len(each), 1)


def start_of(boxes: Floats, first: Floats) -> int | None:
    """The row (from 1) of boxes (M,4) that is the first box of the truth (4,); None without one."""
    rows = np.flatnonzero(near(boxes, first))
    return int(rows[0]) + 1 if len(rows) else None


def remarks(
    boxes: Mapping[str, Floats], truth: Mapping[str, Floats], origin: int, label: str, guess: bool = True
) -> list[str]:
    """What is odd about the boxes (N,4) of sequences beside their truths (N,4), compared row by row.

    Raises InputError naming `label` and a sequence whose numbers are not x,y,w,h but another reading's; not without
    `guess`, where they are known to be x,y,w,h.
    """
    names = [name for name in boxes if len(boxes[name])]
    if not names:
        return []
    rows_of = {name: min(len(boxes[name]), len(truth[name])) for name in names}
    places = {name: np.linspace(0, count - 1, SAMPLES).astype(int) for name, count in rows_of.items()}
    rows = np.stack([boxes[name][places[name]] for name in names])
    true = np.stack([truth[name][places[name]] for name in names])
    if guess:
        no_other_reading(names, rows, true, label)
    first, start = rows[:, 0], true[:, 0]
    odd = ~near(first, start) & ~np.isnan(start).any(1)
    from_zero = (np.abs(first + np.array([1, 1, 0, 0]) - start) < 0.01).all(1)
    notes = []
    if odd.any():
        some = ", ".join(name for name, flag in zip(names, odd, strict=True) if flag)
        notes.append(f"the first row is not the first box of {some}: do rows and frames belong together?")
    if origin == 1 and from_zero.sum() > len(names) / 2:
        notes.append(
            f"{from_zero.sum()} of {len(names)} first rows are the first box less one pixel: boxes seem to be counted "
            "from 0, and this benchmark counts from 1"
        )
    for name in names:
        count, frames = len(boxes[name]), len(truth[name])
        if count != frames and (better := moved(boxes[name], truth[name])):
            notes.append(f"{name}: {count} rows for {frames} frames, and {better}")
    return notes + shifted(boxes, truth)


def no_other_reading(names: list[str], rows: Floats, true: Floats, label: str) -> None:
    """Raises InputError where sampled rows (S,K,4) or their truths fit the others only when read in another way."""
    _no_other_reading(names, rows, true, f"{label}, sequence", "rows fit the truth")
    _no_other_reading(names, true, rows, "--annotations, sequence", f"the truth fits the rows of {label}")


def _no_other_reading(names: list[str], boxes: Floats, others: Floats, label: str, fit: str) -> None:
    plain = overlaps(boxes, others)
    stray = ~near(boxes[:, 0], others[:, 0]) & (plain[:, 0] < 1 - BETTER)
    for reading, convert in READINGS.items():
        read = convert(boxes)
        exact = stray & near(read[:, 0], others[:, 0])
        better = overlaps(read, others)[:, 1:].mean(1) - plain[:, 1:].mean(1) > BETTER
        fitting = overlaps(read, others)[:, 1:].mean(1) > LEAST
        wrong = np.flatnonzero(exact | (better & fitting))
        if len(wrong):
            raise InputError(
                f"{label} {names[wrong[0]]}: {fit} as {reading}, not as x,y,w,h "
                f"({len(wrong)} of {len(names)} files); convert them to x,y,w,h"
            )
