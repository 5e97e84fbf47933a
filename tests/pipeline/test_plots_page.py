"""`dvc plots show` offline: its page has Vega in it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc_render import VegaRenderer, render_html

from workflow import plots

ROOT = Path(__file__).resolve().parents[2]
POINTS = [{"step": str(step), "loss": str(1 / (1 + step)), "rev": "workspace"} for step in range(5)]
DRAW = """
const fs = require('fs'), vm = require('vm'), page = fs.readFileSync(process.argv[1], 'utf8');
const window = {console, setTimeout, clearTimeout, structuredClone, URL, navigator: {userAgent: ''}, document: {}};
window.addEventListener = () => {};
window.window = window.self = window;
vm.createContext(window);
const scripts = [...page.matchAll(/<script[^>]*>([\\s\\S]*?)<\\/script>/g)].map(match => match[1]);
for (const script of scripts.slice(0, -1)) vm.runInContext(script, window);
if (typeof window.vegaEmbed !== 'function') throw new Error('no vegaEmbed');
window.vegaEmbed = (place, spec) => new window.vega.View(window.vega.parse(window.vegaLite.compile(spec).spec))
  .toSVG().then(svg => console.log(svg));
vm.runInContext(scripts.at(-1), window);
"""


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """The page that DVC makes of a curve."""
    (tmp_path / "page.html").write_text(plots.page(), encoding="utf-8")
    curve = VegaRenderer(POINTS, "loss", template="linear", x="step", y="loss")
    return Path(render_html([curve], tmp_path / "index.html", tmp_path / "page.html"))


def test_the_page_of_plots_loads_nothing(shown: Path) -> None:
    text = shown.read_text(encoding="utf-8")
    without = re.sub(r"<script( type = .text/javascript.)?>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<script|src=|href=|//", without) and "cdn.jsdelivr.net" not in text
    assert "vegaEmbed('#" in text


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node; on Debian: apt-get install nodejs")
def test_the_page_of_plots_draws(shown: Path) -> None:
    drawn = subprocess.run(["node", "-e", DRAW, shown], capture_output=True, text=True, check=True, timeout=60).stdout
    assert drawn.startswith("<svg") and "loss" in drawn and drawn.count("<path") > 10


@pytest.mark.parametrize("profile", [".", "profiles/paper"])
def test_dvc_is_told_of_the_page_that_setup_writes(profile: str) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / profile / ".dvc" / "config")
    assert (ROOT / profile / ".dvc" / config["plots"]["html_template"]).resolve() == plots.PAGE
    assert "-m workflow.plots" in (ROOT / "workflow/setup.sh").read_text()
