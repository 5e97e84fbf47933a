"""The small finished run of `fake_profile` as a git checkout of its own: code, DVC's cache, and a commit of it."""

import json
import shutil
import subprocess
from pathlib import Path

from dat import records
from dat.audit import lock
from dat.base import params
from tests.parts import fake_profile

ROOT = Path(__file__).resolve().parents[2]
IN_GIT = ("reports/metrics", "reports/tables")


def git(home: Path, *arguments: str) -> str:
    """Run git as somebody."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", str(home), *who, *arguments], check=True, capture_output=True, text=True).stdout


def take_code(home: Path, top: Path) -> None:
    """Copy the code that the records of a run name, to the top of a checkout of its own."""
    made = [records.read_json(path) for path in home.rglob("*.json") if not path.is_relative_to(home / "checkout")]
    named = {name for record in made if isinstance(record, dict) for name in record.get("code", ())}
    (home / "checkout").unlink()
    for name in {*named, ".dvcignore"}:
        records.write_bytes(top / name, (ROOT / name).read_bytes())


def outputs(home: Path) -> list[str]:
    """The outputs of the run that git has not."""
    stages = lock.read(home / "dvc.lock").values()
    return [out["path"] for stage in stages for out in stage["outs"] if not out["path"].startswith(IN_GIT)]


def cached(home: Path, md5: str) -> Path:
    """A place in DVC's cache."""
    return home / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def cache(home: Path) -> None:
    """Put every output that git has not into DVC's cache, as `dvc repro` does."""
    for name in outputs(home):
        place = home / name
        files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        hashed = {file.relative_to(place).as_posix(): fake_profile.md5(file) for file in files}
        for file, md5 in zip(files, hashed.values(), strict=True):
            records.write_bytes(cached(home, md5), file.read_bytes())
        if place.is_dir():
            entries = [{"md5": md5, "relpath": path} for path, md5 in hashed.items()]
            records.write_text(cached(home, fake_profile.md5(place)), json.dumps(entries))


def build(home: Path) -> None:
    """Make the run at `home`, and commit it."""
    fake_profile.build(home)
    take_code(home, home)
    text = (home / "params.yaml").read_text()
    (home / "params.yaml").write_text(text.replace('"root": "checkout"', '"root": "."'))
    fake_profile.lock(home, params.load(home))
    cache(home)
    ignored = [".dvc/cache", "runs", *outputs(home)]
    (home / ".gitignore").write_text("".join(f"/{name}\n" for name in ignored))
    git(home, "init", "-q", "-b", "main")
    commit(home, "Lock the run")


def commit(home: Path, message: str) -> None:
    """Commit all that is not ignored."""
    git(home, "add", "-A")
    git(home, "commit", "-q", "-m", message)


def run_anew(home: Path) -> None:
    """Another run, with other boxes of one sequence, with its lock, in the cache and committed."""
    path = home / "results/otb100/dat-jtnl@seed-0/Star.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], "1.0000,2.0000,3.0000,4.0000", *lines[5:]]) + "\n")
    sidecar = records.read_json(path.with_suffix(".json"))
    sidecar["outputs"] = [records.file_facts(path, path.parent)]
    records.write_json(path.with_suffix(".json"), sidecar)
    fake_profile.score(home, params.load(home))
    cache(home)
    commit(home, "Lock another run")


def remove_outputs(home: Path) -> None:
    """A working tree without the run's outputs, as a clone's is."""
    for name in outputs(home):
        shutil.rmtree(home / name) if (home / name).is_dir() else (home / name).unlink()
