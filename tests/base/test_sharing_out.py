"""`make test` shares the tests out: those of a file in one process, and those of tests/workflow."""

from types import SimpleNamespace

import pytest
from xdist.remote import Producer

from tests import conftest


class Process:
    """What a scheduler needs of one of the two processes: where it sends tests to."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway, self.sent = SimpleNamespace(id=name), list[int]()

    def send_runtest_some(self, numbers: list[int]) -> None:
        """Tests by their number in the collection."""
        self.sent.extend(numbers)

    def shutdown(self) -> None:
        """No more tests come."""


def test_tests_that_share_fixtures_go_to_one_process_in_their_order() -> None:
    options = SimpleNamespace(loadscopereorder=True)
    config = SimpleNamespace(option=options, getvalue=lambda name: {"tx": ["2*popen"]}.get(name))
    scheduler = conftest.pytest_xdist_make_scheduler(config, Producer("none", enabled=False))
    names = ["workflow/test_a.py::test_x[a::b]", "workflow/test_a.py::test_y", "workflow/test_b.py::test_z"]
    names += [f"base/test_c.py::test_many[{number}@{number}]" for number in range(5)] + ["base/test_d.py::test_x"]
    tests = [f"tests/{name}" for name in names]
    processes = [Process("gw0"), Process("gw1")]
    for process in processes:
        scheduler.add_node(process)
    for process in processes:
        scheduler.add_node_collection(process, tests)
    scheduler.schedule()
    assert [process.sent for process in processes] == [[0, 1, 2], [3, 4, 5, 6, 7]]


def test_the_longest_come_first() -> None:
    def item(nodeid: str, slow: bool = False) -> SimpleNamespace:
        return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: pytest.mark.slow if slow else None)

    items = [
        item("tests/a.py::a"),
        item("tests/b.py::b"),
        item("tests/b.py::c", slow=True),
        item("tests/workflow/d.py::d"),
    ]
    conftest.pytest_collection_modifyitems(items)
    assert [one.nodeid.rpartition("/")[2] for one in items] == ["d.py::d", "b.py::b", "b.py::c", "a.py::a"]
