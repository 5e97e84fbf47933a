"""Manifests, written and read."""

import json
from pathlib import Path

import numpy as np
import pytest

from dat.base.errors import InputError, MissingError
from dat.datasets import manifest
from dat.records import canonical

HEADER = {"name": "otb100", "layout": "otb", "root": "data/otb100", "lists": {}, "linked": True}


def row(name: str, **more: object) -> dict[str, object]:
    return {
        "sequence": name,
        "frames": 2,
        "files": [[f"{name}/img/0001.jpg", 5, "aa"], [f"{name}/img/0002.jpg", 6, "bb"]],
        "annotations": [],
        "boxes": [[0.5, 1.0, 2.0, 3.0], None],
        "sentence": None,
        "size": [64, 48],
        "attributes": ["OCC"],
        **more,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text("")
    manifest.write(tmp_path / "testing" / "otb100.jsonl", HEADER, [row("A"), row("B", absent=[0, 1], sentence="the b")])
    return tmp_path / "testing" / "otb100.jsonl"


def test_a_manifest_reads_back(path: Path) -> None:
    found = manifest.read(path)
    a, b = found.sequences.values()
    assert (a.name, a.size, a.attributes, a.tags, a.regions) == ("A", (64, 48), ["OCC"], {}, None)
    np.testing.assert_array_equal(a.boxes, [[0.5, 1, 2, 3], [np.nan] * 4])
    assert (a.absent.tolist(), b.absent.tolist()) == ([False, False], [False, True])
    assert (a.sentence, b.sentence) == (None, "the b")
    assert a.frames[1] == path.parents[1] / "data/otb100/A/img/0002.jpg"


def test_a_row_is_the_canonical_json_of_its_values_and_digest(path: Path) -> None:
    a = {**row("A"), "digest": manifest.row_digest(row("A"))}
    assert path.read_bytes().split(b"\n")[1] == canonical(a) == manifest.line(a, "") == manifest.line(row("A"), "")


def test_digests_are_of_the_rows_alone(path: Path) -> None:
    a, b = manifest.read(path).sequences.values()
    assert a.digest == manifest.row_digest(row("A")) != b.digest


def test_writing_is_the_same_every_time(path: Path) -> None:
    first = path.read_bytes()
    manifest.write(path, dict(reversed(HEADER.items())), list(manifest.rows(path)))
    assert path.read_bytes() == first


def test_a_link_on_this_machine_is_followed(path: Path) -> None:
    manifest.write(path, HEADER | {"root": "data/otb100.path"}, [row("A")])
    profile = path.parents[1]
    (profile / "data").mkdir()
    (profile / "data" / "otb100.path").write_text("/some where/OTB\n")
    assert manifest.read(path).root == Path("/some where/OTB")


def test_the_folder_of_all_data_sets_is_the_second_choice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest.write(path, HEADER | {"root": "data/otb100.path"}, [row("A")])
    (path.parent / "otb100").mkdir()
    monkeypatch.setenv("DAT_DATA", str(path.parent))
    assert manifest.read(path).root == path.parent / "otb100"


def test_boxes_are_there_without_the_images(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAT_DATA", raising=False)
    manifest.write(path, HEADER | {"root": "data/otb100.path"}, [row("A")])
    found = manifest.read(path)
    assert len(found.sequences["A"].boxes) == 2
    for images in (lambda: found.root, lambda: found.sequences["A"].frames):
        with pytest.raises(MissingError, match="dat data link"):
            images()


def test_an_unlinked_set_says_what_to_run(path: Path) -> None:
    manifest.write(path, HEADER | {"linked": False}, [])
    for use in (manifest.read, manifest.header, lambda path: list(manifest.rows(path))):
        with pytest.raises(MissingError, match="dat data link otb100 PATH, then dat index otb100"):
            use(path)


def test_no_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="run dat index tlp"):
        manifest.read(tmp_path / "tlp.jsonl")


@pytest.mark.parametrize(
    ("line", "found"),
    [("{broken", ":2: not JSON"), (json.dumps({"sequence": "A"}), ":2: a line with sequence, frames")],
)
def test_a_broken_line_is_named(path: Path, line: str, found: str) -> None:
    path.write_text(json.dumps(HEADER) + "\n" + line + "\n")
    with pytest.raises(InputError, match=found):
        manifest.read(path)


def test_an_empty_file_is_named(path: Path) -> None:
    path.write_text("")
    with pytest.raises(InputError, match=":1: empty"):
        manifest.read(path)
