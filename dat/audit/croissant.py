"""A data set as Croissant 1.0 describes it: its manifest by its hash, and a table of its sequences."""

import csv
import io
import json
from typing import Any

from dat.base import naming
from dat.datasets.manifest import Manifest
from dat.records import sha256_bytes

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification gives."""

COLUMNS = {
    "sequence": ("sc:Text", "the sequence's name"),
    "frames": ("sc:Integer", "how many frames it has"),
    "width": ("sc:Integer", "of a frame, in pixels"),
    "height": ("sc:Integer", "of a frame, in pixels"),
    "sentence": ("sc:Text", "what it says of the target; empty where there is none"),
    "sha256": ("sc:Text", "of its row in the manifest, which holds boxes and the sha256 of every frame"),
}


def describe(manifest: Manifest, path: str, link: str, sha256: str) -> dict[str, str]:
    """The files of a data set's description by name: `croissant.json` and `sequences.csv`.

    `path` is the manifest's below the profile, `link` an address of its bytes and `sha256` their hash.
    """
    table = _table(manifest)
    return {"croissant.json": _json(manifest, path, link, sha256, table), "sequences.csv": table}


def _table(manifest: Manifest) -> str:
    """The manifest's sequences as CSV, in its order."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, sequence in manifest.sequences.items():
        facts = (name, sequence.count, *sequence.size, sequence.sentence or "", sequence.digest)
        writer.writerow([naming.cell(value) for value in facts])
    return out.getvalue()


def _json(manifest: Manifest, path: str, link: str, sha256: str, table: str) -> str:
    name, frames = str(manifest.header["name"]), sum(one.count for one in manifest.sequences.values())
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"sequences/{column}",
            "name": column,
            "description": description,
            "dataType": kind,
            "source": {"fileObject": {"@id": "sequences.csv"}, "extract": {"column": column}},
        }
        for column, (kind, description) in COLUMNS.items()
    ]
    files = [
        _file("sequences.csv", "sequences.csv", "text/csv", sha256_bytes(table.encode()), "a line a sequence"),
        _file("manifest", link, "application/jsonl", sha256, f"{path}: boxes, and the sha256 of each raw file"),
    ]
    what_it_has = f"{len(manifest.sequences)} sequences, {frames} frames, in the layout {manifest.header['layout']}"
    records = {"@type": "cr:RecordSet", "@id": "sequences", "name": "sequences", "field": fields}
    facts = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": f"{what_it_has}, as {path} lists them.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": files,
        "recordSet": [records],
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _file(name: str, link: str, kind: str, sha256: str, description: str) -> dict[str, Any]:
    facts = {"@type": "cr:FileObject", "@id": name, "name": name, "description": description}
    return facts | {"contentUrl": link, "encodingFormat": kind, "sha256": sha256}
