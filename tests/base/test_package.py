"""The package as it is built: a wheel with all that it needs where there is no checkout."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not shutil.which("uv"), reason="uv, which builds the package, is not there")
def test_the_wheel_has_every_file_of_the_package_and_says_that_it_is_typed(tmp_path: Path) -> None:
    call = ["uv", "build", "--quiet", "--offline", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("dat/") and name[-1] != "/"}
    files = (path for path in (ROOT / "dat").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".tmp"}
    assert {"dat/py.typed", "dat/report/templates/page.html", "dat/benchmarks/lists/otb100.csv"} <= packed
