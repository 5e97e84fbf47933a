"""Portable numerics: what is set before a library is loaded, and what is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dat import records
from dat.base import numerics

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    *(*numerics.VARIABLES, *numerics.THREADS, *numerics.PREFERENCES),
    *(*numerics.CHANGING, *numerics.FEWER_THREADS),
)


def run(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Python code in a process whose environment has none of the variables but these."""
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-c", code], env=plain | variables, cwd=ROOT, capture_output=True, text=True, check=False
    )


def dat(*arguments: str, at: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-m", "dat", *arguments],
        env=plain | {"PYTHONPATH": str(ROOT)} | variables,
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_libraries_do_as_they_are_told() -> None:
    code = (
        "from dat.base import numerics; numerics.prepare('portable')\n"
        "import cv2, numpy as np, scipy.linalg, torch\n"
        "from threadpoolctl import threadpool_info\n"
        "cores = [library['architecture'] for library in threadpool_info() if library['user_api'] == 'blas']\n"
        "print(torch.backends.cpu.get_cpu_capability(), cores, cv2.ipp.useIPP(),\n"
        "    [n for n in np.show_config(mode='dicts')['SIMD Extensions']['found'] if '512' in n or 'V4' in n])\n"
    )
    pytest.importorskip("threadpoolctl")
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("AVX2 ['Haswell', 'Haswell'") and done.stdout.rstrip().endswith("False []")


def test_processes_that_are_started_later_inherit_it() -> None:
    code = (
        "import subprocess, sys; from dat.base import numerics; numerics.prepare('portable')\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"MKL_CBWR\"])'])"
    )
    assert run(code).stdout == "COMPATIBLE\n"


@pytest.mark.parametrize("name", sorted(numerics.VARIABLES))
def test_a_variable_set_otherwise_is_named(name: str, tmp_path: Path) -> None:
    done = dat("data", "status", at=tmp_path, **{name: "other"})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert name in done.stderr and "'other'" in done.stderr and numerics.VARIABLES[name] in done.stderr


@pytest.mark.parametrize("name", sorted({*numerics.CHANGING, "MKL_NUM_STRIPES"}))
def test_a_variable_that_changes_the_arithmetic_is_named(name: str) -> None:
    done = run("from dat.base import numerics; numerics.prepare('portable')", **{name: "1"})
    assert done.returncode and f"NumericsError: {name} is set" in done.stderr


@pytest.mark.parametrize("kind", numerics.KINDS)
@pytest.mark.parametrize("name", ["OMP_DYNAMIC", "OMP_THREAD_LIMIT", "OMP_MAX_ACTIVE_LEVELS"])
def test_a_variable_that_takes_threads_away_is_named(name: str, kind: str) -> None:
    """Where OpenMP has fewer threads than torch told oneDNN, products of two threads hold NaN and other rubbish."""
    done = run(f"from dat.base import numerics; numerics.prepare({kind!r})", **{name: "1"})
    assert done.returncode and f"NumericsError: {name} is set" in done.stderr and "wrong: unset it" in done.stderr


@pytest.mark.parametrize("name", sorted(numerics.VARIABLES))
def test_a_value_in_other_letters_is_another_value(name: str) -> None:
    """MKL, torch, NumPy and OpenCV pass over `compatible`, `AVX2`, `x86_v4` and `avx512-skx`."""
    done = run(
        "from dat.base import numerics; numerics.prepare('portable')", **{name: numerics.VARIABLES[name].swapcase()}
    )
    assert done.returncode and f"NumericsError: {name} is '{numerics.VARIABLES[name].swapcase()}'" in done.stderr


def test_a_library_that_is_loaded_already_is_named() -> None:
    done = run("import numpy; from dat.base import numerics; numerics.prepare('portable')")
    assert "LoadedError: numpy was loaded before" in done.stderr


def test_native_numerics_leave_the_arithmetic_alone_and_record_what_is_set() -> None:
    code = "from dat.base import numerics as n; n.prepare('native'); print(n.facts(), 'MKL_CBWR' in n.os.environ)"
    done = run(code, ATEN_CPU_CAPABILITY="default")
    assert done.stdout == "{'numerics': 'native', 'variables': {'ATEN_CPU_CAPABILITY': 'default'}} False\n"


def test_waiting_threads_sleep_unless_the_user_wants_otherwise() -> None:
    code = "import os; from dat.base import numerics; numerics.prepare('native'); print(os.environ['OMP_WAIT_POLICY'])"
    assert run(code).stdout == "PASSIVE\n"
    assert run(code, OMP_WAIT_POLICY="ACTIVE").stdout == "ACTIVE\n"


WITHOUT_AVX2 = (
    "import os; from dat.base import numerics\n"
    "numerics._has_avx2 = lambda: False\n"
    "for again in range(2): numerics.prepare('portable')\n"
    "print(numerics.kind(), 'MKL_CBWR' in os.environ, 'OPENBLAS_NUM_THREADS' in os.environ)"
)


@pytest.mark.parametrize("inherited", [{}, {**numerics.VARIABLES, **numerics.THREADS}])
def test_a_processor_without_avx2_computes_natively_and_says_so_once(inherited: dict[str, str]) -> None:
    done = run(WITHOUT_AVX2, **inherited)
    assert done.stdout == "native False False\n"
    assert done.stderr.count("\n") == 1 and "no AVX2" in done.stderr and "near the committed run's" in done.stderr


@pytest.mark.parametrize("found", [True, False])
def test_the_system_is_asked_where_the_c_library_does_not_say(found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert numerics._has_avx2() == numerics._flagged("avx2")
    monkeypatch.setattr(numerics, "_flagged", lambda feature: found and feature == "avx2")
    monkeypatch.setattr(numerics, "_GLIBC", "no_such_function")
    assert numerics._has_avx2() == found


@pytest.mark.slow
def test_a_processor_without_avx2_does_not_end_the_process(tmp_path: Path) -> None:
    """A Nehalem of 2008: code for AVX2 ends in `Illegal instruction`, and products are the first to use it."""
    emulator = shutil.which("qemu-x86_64")
    if not emulator:
        pytest.skip("no qemu-x86_64 here (Debian: apt-get install qemu-user)")
    code = (
        "from dat.base import numerics; numerics.prepare('portable'); import numpy as np\n"
        "print(np.ones((99, 99)) @ np.ones(99))"
    )
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [emulator, "-cpu", "Nehalem", sys.executable, "-c", code],
        env=plain,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.startswith("[99. 99."), done.stderr
    assert "this processor has no AVX2: numerics are native" in done.stderr


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("numerics: native\n", "native"),
        ("profile: a\nnumerics: native # for GPUs\nseeds: [0]\n", "native"),
        ("numerics: portable\n", "portable"),
        ("a:\n  numerics: native\n", "portable"),
        ("", "portable"),
        ('numerics: "native"\n', "native"),
        ("numerics: 'native' # quoted\n", "native"),
        ("'numerics' : native\n", "native"),
        ('{"profile": "a", "numerics": "native"}', "native"),
        ("numerics: [native\n", "portable"),
    ],
)
def test_the_setting_is_that_of_the_nearest_profile(text: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "below").mkdir()
    assert numerics.setting(tmp_path / "below") == kind


def test_a_portable_record_says_nothing_of_the_machine_and_a_native_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(records.environment(threads=2)) == ["device", "numerics", "packages", "threads"]
    monkeypatch.setitem(numerics._state, "kind", "native")
    assert {"processor", "platform", "python"} <= records.environment().keys()


def test_the_run_file_says_where_it_was() -> None:
    assert {"processor", "platform", "python", "host"} <= records.Clock.start().run_facts("", None).keys()


@pytest.mark.parametrize("module", ["dat.api", "dat.adapters.factory"])
def test_a_program_that_imports_the_package_first_computes_as_the_commands_do(module: str) -> None:
    code = (
        f"import {module}, os; from dat.base import numerics\n"
        "print(numerics.kind(), all(name in os.environ for name in ('ATEN_CPU_CAPABILITY', 'MKL_CBWR')))"
    )
    done = run(code)
    assert (done.stdout, done.stderr) == ("portable True\n", "")


def test_a_program_that_loads_a_library_first_is_warned_once() -> None:
    done = run("import numpy, dat.api, dat.adapters; from dat.base import numerics; print(numerics.kind())")
    assert done.stdout == "native\n"
    assert done.stderr.count("UserWarning: numpy was loaded before portable numerics were set") == 1
    assert "last digits" in done.stderr and "import dat.api before other libraries" in done.stderr


def test_a_program_in_a_native_profile_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("numerics: native\n")
    code = f"import os; os.chdir({str(tmp_path)!r}); import numpy, dat.api; print('MKL_CBWR' in os.environ)"
    done = run(code, PYTHONPATH=str(ROOT))
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("module", ["dat.api", "dat.adapters"])
def test_a_program_with_a_variable_set_otherwise_gets_the_error(module: str) -> None:
    done = run(f"import {module}", MKL_CBWR="AVX2")
    assert done.returncode and "NumericsError: MKL_CBWR is 'AVX2' in the environment" in done.stderr
