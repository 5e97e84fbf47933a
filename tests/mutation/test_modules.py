"""`make mutation` changes every module of its parts."""

from tests.mutation.running import ROOT, modules, users


def test_modules_of_packages_within_a_part_are_among_those_that_are_changed() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in modules(ROOT)}
    packages = (
        "evaluation/vot/ranks",
        "evaluation/one_pass/curves",
        "tracking/mdnet/tracker",
        "tracking/csrdcf/colours",
    )
    assert {"dat/audit/walk.py", *(f"dat/{name}.py" for name in packages)} <= found


def test_what_a_fixture_executes_counts_for_the_tests_that_use_it() -> None:
    record = {"fixtures": {"t.py::a": ["run", "tmp_path"], "t.py::b": ["tmp_path"], "t.py::c": []}}
    assert users(record, ["fixture run"]) == ["t.py::a"]
    assert users(record, ["t.py::c", "fixture tmp_path"]) == ["t.py::a", "t.py::b", "t.py::c"]
    assert users(record, [""]) == []
