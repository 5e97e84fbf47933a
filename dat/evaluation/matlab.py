"""OTB's `.mat` results: `results`, a cell of structs of which the first is the one-pass run (TRE's files have 20); or a
bare `result` array.

Types other than `rect` are templates moved by a transformation; how each becomes a box is the toolkit's own rule
(reference: OTB toolkit 1.1, calcSeqErrRobust), quirks included.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base import opening
from dat.base.errors import InputError
from dat.base.outside import read_bytes

Floats = npt.NDArray[np.float64]


def _half_up(values: Floats) -> Floats:
    """MATLAB's round: halves away from zero."""
    return np.asarray(np.sign(values) * np.floor(np.abs(values) + 0.5))


def _corners(corners: Floats) -> Floats:
    """Boxes (N,4) of corner points (N,2,4): rounded, inclusive."""
    points = _half_up(corners)
    low, high = points.min(2), points.max(2)
    return np.concatenate([low, high - low + 1], axis=1)


def _pairs(rows: Floats) -> Floats:
    """Two rows a frame (2N,4) as corner points (N,2,4)."""
    return rows.reshape(-1, 2, rows.shape[1])


def _ivt(rows: Floats, size: Floats) -> Floats:
    """ivtAff: centre and matrix (N,6); corner one to corner three of the warped template, floored, no + 1."""
    w, h = size
    shape = np.array([[-w / 2, -h / 2], [w / 2, h / 2]])
    x = rows[:, :1] + rows[:, 2:3] * shape[:, 0] + rows[:, 3:4] * shape[:, 1]
    y = rows[:, 1:2] + rows[:, 4:5] * shape[:, 0] + rows[:, 5:6] * shape[:, 1]
    x, y = np.floor(x), np.floor(y)
    return np.stack([x[:, 0], y[:, 0], x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]], axis=1)


def _l1(rows: Floats, size: Floats) -> Floats:
    """L1Aff: matrix and shift (N,6), rows before columns; rounded, from the first template pixel to the last, + 1."""
    height, width = size
    ends = np.array([[1.0, 1.0], [height, width]])
    row = rows[:, 0:1] * ends[:, 0] + rows[:, 1:2] * ends[:, 1] + rows[:, 4:5]
    column = rows[:, 2:3] * ends[:, 0] + rows[:, 3:4] * ends[:, 1] + rows[:, 5:6]
    row, column = _half_up(row), _half_up(column)
    return np.stack([column[:, 0], row[:, 0], np.diff(column)[:, 0] + 1, np.diff(row)[:, 0] + 1], axis=1)


def _template(size: Floats) -> Floats:
    """Corner points (3,4), homogeneous, of a template about its centre."""
    w, h = size
    x, y = (w - 1) / 2, (h - 1) / 2
    return np.array([[-x, -x, w - x, w - x], [-y, h - y, h - y, -y], [1.0] * 4])


def _lucas_kanade(rows: Floats, size: Floats) -> Floats:
    """LK_Aff: two rows a frame, the matrix less the identity."""
    matrix = _pairs(rows) + np.array([[1.0, 0, 0], [0, 1.0, 0]])
    return _corners(matrix @ _template(size))


def _similarity(rows: Floats, size: Floats) -> Floats:
    """SIMILARITY: scale, angle, x, y."""
    scale, angle, x, y = rows.T[:4]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.stack([np.stack([cos, -sin, x], 1), np.stack([sin, cos, y], 1)], axis=1)
    return _corners(matrix @ _template(size))


_TYPES: dict[str, tuple[int, int, Callable[[Floats, Floats], Floats]]] = {
    "rect": (1, 4, lambda rows, size: rows),
    "ivtaff": (1, 6, _ivt),
    "l1aff": (1, 6, _l1),
    "affine_l1": (1, 6, _l1),
    "lk_aff": (2, 3, _lucas_kanade),
    "4corner": (2, 4, lambda rows, size: _corners(_pairs(rows))),
    "affine": (2, 4, lambda rows, size: _corners(_pairs(rows))),
    "similarity": (1, 4, _similarity),
}
"""Type, lower case: rows a frame, columns, and the way to boxes."""

_TEMPLATED = {"ivtaff", "l1aff", "affine_l1", "lk_aff", "similarity"}


def _is_cell(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object and bool(value.size) and value.dtype.names is None


def _first_struct(value: Any) -> tuple[Any, int]:
    """The first struct in nested cells, and of how many it is the first; of a cell of rows, which is no cell of runs,
    all of them."""
    runs = 1
    while _is_cell(value):
        if value.size > 1 and all(np.shape(row) == (1, 4) for row in value.flat):
            return np.concatenate(list(value.flat)), runs
        runs, value = runs * value.size, value.flat[0]
    return value, runs * (value.size if isinstance(value, np.ndarray) and value.dtype.names else 1)


def _field(struct: Any, *names: str) -> Any:
    for name in names:
        if name in (struct.dtype.names or ()):
            return struct[name].flat[0] if struct[name].size else None
    return None


def _table(value: Any, where: str) -> Floats:
    if np.iscomplexobj(value):
        raise InputError(f"{where}: complex numbers where boxes belong; save the real x,y,w,h")
    try:
        table = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where}: its boxes are not numbers; save an N x 4 array") from None
    if table.ndim != 2:
        raise InputError(f"{where}: an array of shape {table.shape}, expected one row a frame")
    return table


def _turned(rows: Floats, columns: int) -> Floats:
    """Some trackers saved one column a frame."""
    return rows.T if rows.shape[1] != columns and rows.shape[0] == columns else rows


def _shown(rows: Floats, length: Any, step: int) -> Floats:
    """The rows of the frames that the struct says it has; the toolkit looks at no others."""
    length_field = np.asarray(length).ravel() if length is not None else np.zeros(0)
    usable = (
        len(length_field) == 1
        and np.issubdtype(length_field.dtype, np.number)
        and 0 < length_field[0] * step < len(rows)
    )
    return rows[: int(length_field[0]) * step] if usable else rows


def _boxes(struct: Any, where: str) -> tuple[Floats, bool]:
    kind = _field(struct, "type", "transformType")
    name = str(np.asarray(kind).flat[0]).strip() if kind is not None and np.size(kind) else "rect"
    if name.lower() not in _TYPES:
        raise InputError(f"{where}: unknown result type {name!r}; known: {', '.join(sorted(_TYPES))}")
    if _field(struct, "shiftType") is not None:
        raise InputError(f"{where}: a run of SRE, begun with a moved box (`shiftType`); give the one-pass run's file")
    step, columns, convert = _TYPES[name.lower()]
    rows = _shown(_turned(_table(_field(struct, "res"), where), columns), _field(struct, "len"), step)
    if rows.shape[1] != columns or len(rows) % step:
        raise InputError(f"{where}: type {name} with an array of shape {rows.shape}, expected {columns} columns")
    size = np.zeros(2)
    if name.lower() in _TEMPLATED:
        size = _table(np.atleast_2d(_field(struct, "tmplsize")), where).ravel()
    if size.shape != (2,):
        raise InputError(f"{where}: type {name} needs `tmplsize` (two numbers)")
    return np.asarray(convert(rows, size), np.float64), name.lower() == "rect"


def read_boxes(path: Path, label: str) -> tuple[Floats, bool, int]:
    """Boxes (M,4) of a `.mat` result, in the file's origin; whether they were written as boxes (and may be repaired);
    and how many runs the file holds, of which they are the first.

    Raises InputError for a file of another program.
    """
    where = f"{label} ({path})"
    try:
        variables = opening.read_matlab(read_bytes(path, label, opening.MATLAB))
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"{where}: not a MATLAB file that can be read ({error}); save it with -v7 or as text"
        ) from None
    struct, runs = _first_struct(variables["results"]) if "results" in variables else (None, 1)
    if isinstance(struct, np.ndarray) and struct.dtype.names:
        if "res" not in struct.dtype.names:
            raise InputError(f"{where}: `results` holds no struct with `res`; is it another program's file?")
        return *_boxes(struct, where), runs
    tables = [name for name in ("results", "result", "res") if name in variables]
    if len(tables) > 1:
        raise InputError(f"{where}: both `{tables[0]}` and `{tables[1]}`; save the boxes alone, as `results`")
    bare = tables[0] if tables else None
    if bare is None:
        names = ", ".join(sorted(name for name in variables if not name.startswith("__"))) or "nothing"
        raise InputError(f"{where}: no `results` in it (but {names}); is it another program's file?")
    value = variables[bare]
    first, runs = _first_struct(value)
    if _is_cell(value) and value.size > 1 and np.shape(first)[:1] == (1,):
        raise InputError(f"{where}: a cell of {value.size} whose first has one row; save an N x 4 array")
    rows = _turned(_table(first, where), 4)
    if rows.shape[1] != 4:
        raise InputError(f"{where}: `{bare}` has shape {rows.shape}, expected four columns")
    return rows, True, runs
