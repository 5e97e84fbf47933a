"""Benchmarks and variants as readers know them: in tables, figures, claims, and where an audit compares those."""

from dat.benchmarks import catalogue

BENCHMARKS = {benchmark.name: benchmark.title for benchmark in catalogue.BENCHMARKS if benchmark.title}

METRICS = {
    "success": "success",
    "precision": "precision",
    "eao": "EAO",
    "fps": "frames a second",
    "redetected": "found again",
}
"""Scores as a table's head has them."""

VARIANTS = {
    "pymdnet": "pyMDNet",
    "pymdnet+gcn": "pyMDNet + GCN",
    "pymdnet+gcn-near": "pyMDNet + GCN of near nodes",
    "pymdnet+language": "pyMDNet + language",
    "salnet": "SALNet",
    "dat-to": "DAT, target only",
    "dat-nl": "DAT, language only",
    "dat-jtnl": "DAT, target and language",
    "csrdcf": "CSR-DCF (ours)",
    "csrdcf+attention": "CSR-DCF + attention",
    **{f"layers-{layers}": f"{layers} layers" for layers in (2, 3, 5, 8)},
}


def named(tracker: str) -> str:
    """A variant in words; another one, or a published tracker, is called by its name."""
    return VARIANTS.get(tracker, tracker)
