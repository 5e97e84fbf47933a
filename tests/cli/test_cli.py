"""The command line as a user meets it: quick, one message, the right exit status, no traceback."""

import errno
import os
import re
import subprocess
import sys
import time
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from dat.cli import cache, explain

ROOT = Path(__file__).resolve().parents[2]


def dat(*arguments: str, at: Path = ROOT, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "dat", *arguments],
        cwd=at,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def imported(done: "subprocess.CompletedProcess[str]") -> set[str]:
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def test_help_lists_the_verbs_in_order() -> None:
    from dat.cli import VERBS

    said = dat("--help")
    assert said.returncode == 0
    places = [said.stdout.index(f"\n  {verb}") for verb in VERBS]
    assert places == sorted(places)


def verbs() -> list[str]:
    from dat.cli import VERBS

    return list(VERBS)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_an_example_and_starts_without_torch(verb: str) -> None:
    said = dat(verb, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert said.returncode == 0, said.stderr
    assert "xample" in said.stdout
    assert "torch" not in imported(said)


def test_help_imports_no_numbers() -> None:
    assert not imported(dat("--help", PYTHONPROFILEIMPORTTIME="1")) & {"numpy", "pydantic", "torch", "pandas"}


BARE = """
import os, sys
from importlib.machinery import PathFinder
from dat.cli import EXTRAS, main

class Absent(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = {EXTRAS.get(name), name} & {*os.environ["ABSENT"].split()}
        return None if absent else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Absent
sys.argv[0] = "dat"
"""
"""Python where no package of the extras in ABSENT is installed, and none of the packages in it."""


def bare(
    *arguments: str, at: Path, code: str = "main()", absent: str = "pipeline report track vot"
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", BARE + code, *arguments],
        cwd=at,
        env={**os.environ, "ABSENT": absent},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_modules_of_extras_are_those_that_the_package_asks_for() -> None:
    """All but ruamel's C library, without which DVC is only slower; Snakemake names its plugins itself."""
    from dat.cli import EXTRAS

    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {
        (re.split(r"[\[>=]", line)[0], extra)
        for extra in ("report", "track", "pipeline", "vot")
        for line in asked[extra]
    } - {("dat", "pipeline"), ("ruamel.yaml", "pipeline")}
    names = packages_distributions() | {"trax": ["vot-trax"]}
    assert {(name.lower(), extra) for module, extra in EXTRAS.items() for name in names[module]} == wanted


def inputs(at: Path) -> None:
    """A profile in which the stages of the tests below have what they read."""
    for folder in (
        "reports/metrics",
        "results",
        "testing",
        *(f"training/{x}" for x in ("frames", "language", "masks")),
    ):
        (at / folder).mkdir(parents=True)
    (at / "weights").mkdir()
    (at / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (at / "training/lasot.jsonl").touch()


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        *((package, "report", "report --partial") for package in ("jinja2", "matplotlib", "pandas", "seaborn")),
        ("dvclive", "pipeline", "train language"),
        ("safetensors", "track", "train language"),
        ("snakemake", "pipeline", "benchmark otb2013"),
        ("skimage", "pipeline", "synthetic otb100"),
    ],
)
def test_a_stage_names_a_package_that_it_needs_at_its_end_before_it_begins(
    package: str, extra: str, call: str, tmp_path: Path
) -> None:
    inputs(tmp_path)
    done = bare(*call.split(), at=tmp_path, absent=package)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"dat: the package '{package}' is not installed: pip install 'dat[{extra}]', or make setup in a checkout"
    ]


@pytest.mark.parametrize(
    ("extra", "call"),
    [
        ("track", "track clip.mp4 --box 1,1,9,9 --variant csrdcf"),
        ("track", "track clip --box 1,1,9,9 --variant csrdcf"),
        ("track", "train language"),
        ("pipeline", "synthetic otb100"),
        ("pipeline", "repro"),
        ("pipeline", "plan"),
        ("report", "report --partial"),
    ],
)
def test_a_verb_whose_extra_is_missing_names_it(extra: str, call: str, tmp_path: Path) -> None:
    inputs(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(bytes(100))
    (tmp_path / "clip").mkdir()
    cv2.imwrite(str(tmp_path / "clip" / "1.png"), np.zeros((16, 16, 3), np.uint8))
    done = bare(*call.split(), at=tmp_path, absent=extra)
    assert done.returncode == 2
    assert f"is not installed: pip install 'dat[{extra}]'" in done.stderr.splitlines()[-1]


def test_audit_and_the_python_interface_need_no_extra(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    audited = bare("audit", "all", at=tmp_path)
    assert audited.returncode == 2 and "there are no numbers to audit yet" in audited.stderr
    code = "from dat.api import *; print(Tracker, frames, scores, audit)"
    used = bare(at=tmp_path, code=code)
    assert used.returncode == 0, used.stderr


def test_scores_and_data_sets_need_no_extra(tmp_path: Path) -> None:
    for folder in ("results/Half", "annotations/Deer"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "annotations/Deer/groundtruth_rect.txt").write_text("10,10,20,20\n" * 71)
    (tmp_path / "results/Half/Deer.txt").write_text("10,10,20,20\n" + "20,10,20,20\n" * 70)
    call = ["evaluate", "--benchmark", "otb100", "--annotations", "annotations", "--results", "results"]
    scored = bare(*call, at=tmp_path)
    assert scored.returncode == 0 and "Half" in scored.stdout, scored.stderr
    plotted = bare(*call, "--plot", "plot.svg", at=tmp_path)
    assert plotted.returncode == 2 and "pip install 'dat[report]'" in plotted.stderr
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    status = bare("data", "status", at=tmp_path)
    assert status.returncode == 0 and "lasot" in status.stdout, status.stderr
    tracked = bare("weights", "list", at=tmp_path)
    assert tracked.returncode == 0, tracked.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "nosuch"),
        (["benchmark", "nosuch"], "nosuch"),
        (["train", "salnet", "nosuch"], "nosuch"),
        (["synthetic"], "NAME"),
    ],
)
def test_wrong_calls_end_with_2_and_one_message(arguments: list[str], said: str) -> None:
    done = dat(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    done = dat("index", "otb100", at=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 2
    assert "params.yaml" in done.stderr


def test_a_wrong_key_in_params_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text().replace("momentum", "momentun"))
    done = dat("index", "otb100", at=tmp_path, PYTHONPATH=str(ROOT))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "momentun" in done.stderr


def test_a_full_disk_is_one_line() -> None:
    message, status = explain(OSError(errno.ENOSPC, "No space left on device", "results/x"))
    assert status == 2
    assert "results/x" in message
    assert "free" in message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_what_a_full_disk_advises_keeps_the_runs_own_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    message, _ = explain(OSError(number, "No space left on device", "results/x"))
    advised = re.search(r"\(dat cache (clean[^)]*?) removes", message)
    assert advised
    monkeypatch.setenv("DAT_CACHE", str(tmp_path))
    fresh, old = (tmp_path / key[:2] / key for key in ("aa" * 32, "bb" * 32))
    for folder in (fresh, old):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    done = CliRunner().invoke(cache.cache, advised[1].split())
    assert done.exit_code == 0, done.output
    assert fresh.exists() and not old.exists()


def test_a_missing_system_library_is_one_line() -> None:
    message, _ = explain(ImportError("libGL.so.1: cannot open shared object file: No such file or directory"))
    assert "libGL.so.1" in message


@pytest.mark.parametrize(
    ("hidden", "said"), [("git", "git is missing"), ("python", "Python 3.11 to 3.13 is needed")], ids=["git", "python"]
)
def test_set_up_says_what_is_missing(tmp_path: Path, hidden: str, said: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "sed", "cat", "awk", "df", "sha256sum", "cut", "echo", "git"):
        found = next(
            (Path(folder, name) for folder in os.environ["PATH"].split(":") if Path(folder, name).exists()), None
        )
        if found and name != hidden:
            (tools / name).symlink_to(found)
    (tmp_path / "requirements.lock").write_text("")
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "workflow" / "setup.sh")],
        cwd=tmp_path,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr


def test_set_up_says_that_venv_is_missing(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    fake = tools / "python3"
    fake.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    fake.chmod(0o755)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "setup.sh").write_text((ROOT / "workflow" / "setup.sh").read_text())
    done = subprocess.run(
        ["/bin/sh", "workflow/setup.sh"],
        cwd=tmp_path,
        env={"PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "python3-venv" in done.stderr
