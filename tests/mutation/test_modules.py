"""`make mutation` changes every module of its parts."""

from tests.mutation.running import ROOT, modules


def test_modules_of_packages_within_a_part_are_among_those_that_are_changed() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in modules(ROOT)}
    packages = (
        "evaluation/vot/ranks",
        "evaluation/one_pass/curves",
        "tracking/mdnet/tracker",
        "tracking/csrdcf/colours",
    )
    assert {"dat/audit/walk.py", *(f"dat/{name}.py" for name in packages)} <= found
