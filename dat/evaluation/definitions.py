"""How a number is computed, as data: a name, a version and settings. The default is the benchmark's own behaviour.

Sources: reference readings of the toolkits named in each definition; docs/evaluation.md says what each choice moves.
"""

from dataclasses import dataclass
from typing import Literal

from dat.base.errors import InputError

Repair = Literal["none", "otb", "lasot", "pytracking"]
Valid = Literal["all", "positive", "size", "centre"]
Thresholds = Literal["matlab", "linspace"]
Overlap = Literal["matlab", "clipped", "continuous"]
Short = Literal["error", "invalid-tail", "shorter", "zero"]
Raster = Literal["2016", "7", "toolkit", "legacy", "2014"]


@dataclass(frozen=True)
class OnePass:
    """A one-pass definition.

    repair: which rows are replaced by the row before: `otb` no width or height above zero, or all four NaN; `lasot` the
    same with any NaN; `pytracking` a width or height of exactly zero. first_is_truth: row 1 is overwritten by the
    truth. omit_start: Tiger1 is scored from frame 6. success_valid, precision_valid: truth boxes that count as
    boxes; invalid_hits: whether the others are precision hits. drop_absent: frames flagged absent leave the
    numerator, not the divisor. short, long: what a wrong number of rows means.
    """

    name: str
    version: str
    source: str
    repair: Repair = "otb"
    first_is_truth: bool = True
    omit_start: bool = True
    success_valid: Valid = "positive"
    precision_valid: Valid = "positive"
    invalid_hits: bool = True
    drop_absent: bool = False
    overlap: Overlap = "matlab"
    thresholds: Thresholds = "matlab"
    short: Short = "invalid-tail"
    long_forgiven: bool = True


@dataclass(frozen=True)
class Redetection(OnePass):
    """Whether a target that was away is found again (`dat.evaluation.redetection`), of one-pass results.

    again: what the overlap must exceed; within: how many frames after the one in which the target is back still count.
    """

    again: float = 0.5
    within: int = 10


@dataclass(frozen=True)
class Vot:
    """A definition of VOT's restart protocol.

    raster: how regions become pixels. bounded_curve, bounded_accuracy: whether only pixels within the image count,
    and how far that is (`edge` is added to width and height). pad_late: a failure too late for a restart still
    counts zeros to the longest sequence. first_length: the length (from 1) that the interval's number `low` stands
    for is low + shift. repetitions_weighted: a fragment weighs 1 / its sequence's repetitions. accuracy: how frames
    are averaged.
    """

    name: str
    version: str
    source: str
    raster: Raster
    bounded_curve: bool = True
    bounded_accuracy: bool = True
    curve_edge: int = -1
    accuracy_edge: int = 0
    pad_late: bool = False
    shift: int = 0
    repetitions_weighted: bool = True
    accuracy: Literal["frames", "runs"] = "frames"


Definition = OnePass | Redetection | Vot

ONE_PASS = (
    OnePass("otb-toolkit-1.1", "1.1", "OTB MATLAB toolkit (tracker_benchmark v1.1)"),
    OnePass(
        "tc128",
        "1.0",
        "TC128 authors' scripts",
        success_valid="all",
        precision_valid="all",
        omit_start=False,
        short="shorter",
    ),
    OnePass(
        "lasot", "1.0", "LaSOT evaluation toolkit", repair="lasot", drop_absent=True, omit_start=False, short="error"
    ),
    OnePass(
        "got10k",
        "0.1.3",
        "got10k toolkit 0.1.3, ExperimentOTB",
        repair="none",
        omit_start=False,
        success_valid="all",
        precision_valid="all",
        overlap="clipped",
        thresholds="linspace",
        short="error",
        long_forgiven=False,
    ),
    OnePass(
        "pysot",
        "8b5ced3",
        "pysot-toolkit, OPEBenchmark",
        repair="none",
        first_is_truth=False,
        precision_valid="centre",
        overlap="continuous",
        thresholds="linspace",
        short="error",
        long_forgiven=False,
    ),
    OnePass(
        "pytracking",
        "7eb9e74",
        "pytracking, extract_results",
        repair="pytracking",
        invalid_hits=False,
        overlap="matlab",
        thresholds="linspace",
        short="zero",
    ),
)

REDETECTION = Redetection(
    "redetection",
    "1.0",
    "this project's own",
    repair="none",
    first_is_truth=False,
    omit_start=False,
    success_valid="all",
    precision_valid="all",
    overlap="continuous",
    short="error",
    long_forgiven=False,
)

VOT = (
    Vot(
        "vot-matlab-2016",
        "vot2016-final",
        "VOT MATLAB toolkit, tag vot2016-final",
        raster="2016",
        bounded_accuracy=False,
    ),
    Vot(
        "vot-matlab-2014",
        "vot2014-final",
        "VOT MATLAB toolkit, tag vot2014-final",
        raster="2014",
        bounded_curve=False,
        bounded_accuracy=False,
    ),
    Vot("vot-matlab-7", "7.0.2", "VOT MATLAB toolkit 7.0.2", raster="7"),
    Vot(
        "vot-toolkit-0.9",
        "0.9.0",
        "VOT Python toolkit 0.9.0",
        raster="toolkit",
        curve_edge=0,
        pad_late=True,
        shift=1,
        repetitions_weighted=False,
        accuracy="runs",
    ),
)

NAMED: dict[str, Definition] = {definition.name: definition for definition in (*ONE_PASS, REDETECTION, *VOT)}


def find(name: str, protocol: str) -> Definition:
    """The definition of a name. Raises InputError when there is none, or it is another protocol's."""
    kind = {"vot": Vot, "redetection": Redetection}.get(protocol, OnePass)
    fitting = ", ".join(key for key, definition in NAMED.items() if type(definition) is kind)
    if name not in NAMED or type(NAMED[name]) is not kind:
        raise InputError(f"--definition {name}: not a definition for this benchmark; there are {fitting}")
    return NAMED[name]
