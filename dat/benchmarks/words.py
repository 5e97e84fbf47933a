"""Benchmarks and variants as readers know them: in tables, figures, claims, and where an audit compares those."""

BENCHMARKS = {
    "otb2013": "OTB-2013",
    "otb100": "OTB-100",
    "otb100-similar": "OTB-100, look-alikes",
    "tc128": "TC128",
    "vot2014": "VOT2014",
    "vot2016": "VOT2016",
    "redetection": "Lost targets",
}

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
