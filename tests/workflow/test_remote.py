"""A run through a DVC remote: pushed to S3 (moto's server, on loopback), pulled by a second clone, complete there.

`make s3` installs dvc-s3 and moto aside: dvc-s3 asks for an older python-dateutil than the lock's.
"""

import json
import os
import select
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from .conftest import ROOT, Project

pytestmark = pytest.mark.slow
ASIDE = ROOT / ".dat" / "s3"
BUCKET = "runs"
SERVER = """\
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
"""Serves until its standard input is closed, so that it ends with the test, however that ends."""
KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org")


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    if not (ASIDE / "dvc_s3").is_dir():
        pytest.skip("dvc-s3 is not installed aside: make s3")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env=os.environ | {"PYTHONPATH": str(ASIDE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin and server.stdout
    try:
        assert select.select([server.stdout], [], [], 120)[0], "the server says nothing"
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=60).close()
        yield address
    finally:
        server.stdin.close()
        server.wait(60)
        server.stdout.close()


def with_s3(project: Project) -> Project:
    """The project, its commands with dvc-s3 and keys for the server, and without anybody's own configuration."""
    project.environment |= KEYS | {
        "PYTHONPATH": f"{project.path}{os.pathsep}{ASIDE}",
        "HOME": str(project.path.parent),
        "XDG_CONFIG_HOME": str(project.path.parent / "config"),
        "NO_PROXY": "127.0.0.1",
    }
    return project


def test_a_second_clone_pulls_a_run_reruns_nothing_and_audits_it(project: Project, endpoint: str) -> None:
    first = with_s3(project)
    first.run("dvc", "remote", "add", "-d", "store", f"s3://{BUCKET}/dat")
    first.run("dvc", "remote", "modify", "store", "endpointurl", endpoint)
    first.run("git", "add", ".")
    first.run("git", *IDENTITY, "commit", "-qm", "a run")
    first.run("dvc", "push")
    second = with_s3(Project(first.path.parent / "a second clone"))
    first.run("git", "clone", "-q", str(first.path), str(second.path))
    assert not (second.path / "results").exists()
    second.run("dvc", "pull")
    assert second.results() == first.results() != {}
    printed = second.run("dvc", "repro")
    assert "Running stage" not in printed and "up to date" in printed
    second.run("dat", "audit", "all", "--json", "audit.json")
    audits = json.loads((second.path / "audit.json").read_text())
    assert {audit["verdict"] for audit in audits} == {"verified"}
