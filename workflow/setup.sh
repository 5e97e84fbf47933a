#!/bin/sh
# make setup: .venv by the standard library, uv into it, the locked packages, this package, the page of `dvc plots show`. Does
# nothing when all is there.
set -eu
say() { echo "make setup: $*" >&2; exit 2; }

[ -f requirements.lock ] || say "run it at the top of the checkout"
command -v git >/dev/null 2>&1 || say "git is missing; on Debian or Ubuntu: apt-get install git"
python=${PYTHON:-}
if [ -z "$python" ]; then
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
            python=$name
            break
        fi
    done
fi
[ -n "$python" ] || say "Python 3.11 to 3.13 is needed, found $( (python3 --version) 2>/dev/null || echo none); install one, or set PYTHON=/path/to/python3.12"

stamp=.venv/stamp
wanted=$(cat requirements.lock pyproject.toml workflow/setup.sh | sha256sum | cut -d' ' -f1)
if [ -x .venv/bin/dat ] && [ "$(cat $stamp 2>/dev/null || true)" = "$wanted $PWD" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
free=$(df -Pk . | awk 'NR==2 {print int($4 / 1048576)}')
[ "$free" -ge 8 ] || [ -x .venv/bin/dat ] || say "about 8 GB of disk are needed, $free GB are free here; free some"
"$python" -c 'import venv, ensurepip' 2>/dev/null || say "$python has no venv; on Debian or Ubuntu: apt-get install python3-venv"
if [ ! -x .venv/bin/python ] || [ "$(sed -n 's/^home_of = //p' .venv/pyvenv.cfg 2>/dev/null)" != "$PWD" ]; then
    "$python" -m venv --clear .venv || say "python -m venv failed; on Debian or Ubuntu: apt-get install python3-venv"
    echo "home_of = $PWD" >> .venv/pyvenv.cfg
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9' || say "uv could not be installed; is a package index reachable?"
echo "make setup: installing the packages of requirements.lock (about 6 GB with torch; a minute or more)" >&2
.venv/bin/python -m uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock || say "the packages could not be installed (disk space, network?)"
.venv/bin/python -m uv pip install --quiet --python .venv/bin/python --no-deps --editable . || say "the package itself could not be installed"
.venv/bin/python -c 'import cv2, torch, torchvision, av' || say "a package does not load: a system library is missing (see the line above)"
.venv/bin/python -m workflow.plots || say "the page of dvc plots show could not be written to .dvc/plots"
echo "$wanted $PWD" > $stamp
