"""Writes the page that `dvc plots show` and `dvc plots diff` fill in, so that it needs no network: `make setup`.

DVC's own page loads Vega from a server. This one has in it the copies that Snakemake's package comes with, for its
reports. `.dvc/config` names the page.
"""

from pathlib import Path

import snakemake

from dat import records

PAGE = Path(__file__).resolve().parents[1] / ".dvc" / "plots" / "page.html"
SCRIPTS = ("vega/vega.js", "vega-lite/vega-lite.js", "vega-embed/vega-embed.js")


def page() -> str:
    """The page, with the place where DVC puts the plots."""
    assets = Path(snakemake.__file__).parent / "assets" / "data"
    scripts = "".join(f"<script>\n{(assets / name).read_text(encoding='utf-8')}</script>\n" for name in SCRIPTS)
    head = f'<meta charset="utf-8">\n{{refresh_tag}}\n<title>DVC Plot</title>\n{scripts}'
    return f"<!DOCTYPE html>\n<html>\n<head>\n{head}</head>\n<body>\n{{plot_divs}}\n</body>\n</html>\n"


if __name__ == "__main__":
    records.write_text(PAGE, page())
