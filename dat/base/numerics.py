"""How a process computes: the same bytes on every x86-64 processor with AVX2 (`portable`), or as the machine likes best
(`native`).

The numeric libraries choose their code by the processor when they are loaded. `prepare` names the code for each of
them, so it comes before NumPy, torch or OpenCV are imported, and processes started later inherit what it sets.
docs/reproduction.md says what was tried and what is promised.
"""

import ctypes
import functools
import os
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dat.base import opening, outside
from dat.base.errors import InputError, LoadedError, NumericsError

KINDS = ("portable", "native")

VARIABLES: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own loops
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions and products
    "MKL_CBWR": "COMPATIBLE",  # torch's LAPACK and vector mathematics; any other value answers by the maker
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's and SciPy's products
    "OPENCV_IPP": "disabled",
    "OPENCV_CPU_DISABLE": "AVX512-SKX",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
"""What portable numerics set."""

THREADS: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's products sum long rows in as many parts: like all numbers of threads it is the project's to say."""

FEWER_THREADS = ("OMP_DYNAMIC", "OMP_THREAD_LIMIT", "OMP_MAX_ACTIVE_LEVELS")
"""Variables by which a computation gets fewer threads than it was divided for: oneDNN's sums then read memory that was
never written, whatever the numerics."""

CHANGING = (
    "DNNL_MAX_CPU_ISA",
    "DNNL_DEFAULT_FPMATH_MODE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_STRIPES",
    "NPY_ENABLE_CPU_FEATURES",
)
"""Other variables that would change the arithmetic: portable numerics want them unset."""

PREFERENCES: Mapping[str, str] = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait sleep, so that other work on the machine does not hold them up,
    "GOMP_SPINCOUNT": "3000",  # but not before the few microseconds after which most have their next part
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(opening.PIXELS),
    "OPENCV_LOG_LEVEL": "ERROR",  # else it warns in every process of what is asked for here
}
"""What changes no result. A value that is set already stays."""

LIBRARIES = ("numpy", "torch", "cv2", "scipy")

NO_AVX2 = "this processor has no AVX2: numerics are native, and numbers will be near the committed run's but not equal"

_state = {"kind": "native"}


def kind() -> str:
    """What this process computes with: `portable`, or `native` where nothing was prepared."""
    return _state["kind"]


def setting(start: Path | None = None) -> str:
    """`numerics` of the nearest params.yaml upwards from `start` (default: the working directory), else `portable`.

    Only this line is read, or, where it is written in another way, the file as YAML; no library is loaded before
    `prepare`. `dat.base.params` checks the file.
    """
    folder = (start or Path.cwd()).absolute()
    for directory in (folder, *folder.parents):
        try:
            text = outside.read_text(directory / "params.yaml", most=opening.SETTINGS)
        except InputError:
            continue
        line = re.search(r"^numerics:[ \t]+([a-z]+)[ \t]*(#.*)?$", text, re.MULTILINE)
        found = line[1] if line else _in_yaml(text)
        return found if found in KINDS else "portable"
    return "portable"


def _in_yaml(text: str) -> Any:
    """`numerics` of a text in YAML; None where it has none, or cannot be read."""
    if "numerics" not in text:
        return None
    from ruamel.yaml.error import YAMLError

    try:
        content = opening.yaml_reader("safe").load(text)
    except (YAMLError, RecursionError, ValueError):
        return None
    return content.get("numerics") if isinstance(content, Mapping) else None


def prepare(wanted: str) -> None:
    """Set the variables of portable or native numerics for this process and those it starts.

    Where the processor (or an emulator) has no AVX2, numerics are native and stderr says so in one line: the code that
    the variables name would end the process. Raises NumericsError naming a variable that the user set to something
    else, or that takes threads away, or a library that is loaded already.
    """
    for name, value in PREFERENCES.items():
        os.environ.setdefault(name, value)
    for name in FEWER_THREADS:
        if name in os.environ:
            raise NumericsError(f"{name} is set in the environment and makes sums of several threads wrong: unset it")
    if wanted == "portable" and not _has_avx2():
        _give_up()
        wanted = "native"
    if wanted == "portable":
        _refuse_other_values()
        missing = {name: value for name, value in VARIABLES.items() if name not in os.environ}
        if not _flagged("avx512f"):
            missing.pop("OPENCV_CPU_DISABLE", None)  # OpenCV complains of a feature that is not there
        loaded = [name for name in LIBRARIES if name in sys.modules]
        if missing and loaded:
            raise LoadedError(
                f"{loaded[0]} was loaded before portable numerics were set; call dat.base.numerics.prepare first"
            )
        os.environ.update({**missing, **THREADS})
    _state["kind"] = wanted


def prepare_import() -> None:
    """For a program that imports this package: the numerics of its profile, or one warning where that is too late.

    Raises NumericsError naming a variable that the user set to something else.
    """
    if kind() == "portable" or setting() != "portable":
        return
    try:
        prepare("portable")
    except LoadedError as error:
        remedy = "for the same ones import dat.api before other libraries"
        warnings.warn(f"{error}; boxes may differ from dat track's in their last digits: {remedy}", stacklevel=3)


_GLIBC = "__x86_get_cpuid_feature_leaf"


def _has_avx2() -> bool:
    """Asked before any library is loaded: of glibc, which knows an emulated processor too, else of the system."""
    if os.uname().machine != "x86_64":
        return False
    try:
        features = ctypes.CDLL(None)[_GLIBC]
    except (AttributeError, OSError):
        return _flagged("avx2")
    features.restype, features.argtypes = ctypes.POINTER(ctypes.c_uint32 * 8), [ctypes.c_uint]
    usable = 4  # four registers of what the processor has, then the same four of what can be used
    ecx_of_leaf_1, ebx_of_leaf_7 = features(0).contents[usable + 2], features(1).contents[usable + 1]
    return bool(ecx_of_leaf_1 >> 12 & ebx_of_leaf_7 >> 5 & 1)  # FMA, which all code at AVX2 uses, and AVX2


def _flagged(feature: str) -> bool:
    try:
        return feature in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False


def _give_up() -> None:
    for name in (*VARIABLES, *THREADS):  # a job inherits those of the machine that submits it
        os.environ.pop(name, None)
    _say_once(NO_AVX2)


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


def _refuse_other_values() -> None:
    for name, value in VARIABLES.items():
        there = os.environ.get(name, value)
        if there != value:  # libraries pass over a value in other letters: MKL reads 'compatible' as nothing
            raise NumericsError(
                f"{name} is '{there}' in the environment, and portable numerics need '{value}': unset it, "
                "or say numerics: native in params.yaml for numbers of this machine alone"
            )
    for name in CHANGING:
        if name in os.environ:
            raise NumericsError(
                f"{name} is set in the environment and changes the arithmetic: unset it, "
                "or say numerics: native in params.yaml for numbers of this machine alone"
            )


def facts() -> dict[str, Any]:
    """What a record says of them: the kind, and with native numerics those variables that are set."""
    if kind() == "portable":
        return {"numerics": "portable"}
    set_here = {name: os.environ[name] for name in (*VARIABLES, *CHANGING) if name in os.environ}
    return {"numerics": "native"} | ({"variables": set_here} if set_here else {})
