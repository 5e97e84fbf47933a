"""The page: tables, figures, trainings, points and readings in one file that needs no network."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dat.base import used
from dat.base.params import Settings
from dat.base.sections import GpgnetTraining, NetworkSettings
from dat.benchmarks import words
from dat.evaluation import statistics
from dat.records import sha256_bytes
from dat.report import brief, claims, published, sources
from dat.report.claims import Claim, Claims
from dat.report.figures import Figure
from dat.report.metrics import Scores, Training
from dat.report.pictures import Picture
from dat.report.readings import Reading
from dat.report.tables import METRICS, Table


@dataclass(frozen=True)
class Content:
    """All that the page shows; `text` are the claims of the paper's text, `svg` the drawings by figure number,
    `pictures` those that are files beside the page."""

    settings: Settings
    scores: Mapping[str, Scores]
    tables: Sequence[Table]
    text: Claims
    figures: Sequence[Figure]
    svg: Mapping[int, bytes]
    pictures: Sequence[Picture]
    trainings: Sequence[Training]
    readings: Sequence[Reading]
    partial: bool = False


@dataclass(frozen=True)
class Coverage:
    """What a run has of the paper's points on one benchmark; `sentences` says how many targets lack one, if any do."""

    benchmark: str
    purpose: str
    data_set: str
    sequences: int
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    sentences: str = ""


def coverage(scores: Mapping[str, Scores]) -> list[Coverage]:
    """The paper's points, benchmark by benchmark, and which of them this run has."""
    rows = []
    for benchmark, variants in published.POINTS.items():
        score = scores.get(benchmark)
        has = tuple(name for name in variants if score and name in score.variants)
        lacks = tuple(name for name in variants if name not in has)
        data_set, sequences = (score.data_set, score.sequences()) if score else ("", 0)
        without = without_sentences(score) if score else ""
        rows.append(Coverage(benchmark, published.PURPOSE[benchmark], data_set, sequences, has, lacks, without))
    return rows


def without_sentences(score: Scores) -> str:
    """How many targets have the sentence that some variants read, where not all do; empty where all have one."""
    facts = score.data.get("sentences")
    if not facts:
        return ""
    readers = ", ".join(facts["variants"])
    return f"{facts['with_one']} of {facts['targets']} have a sentence, which {readers} read [R27]"


def unscored(content: Content) -> dict[str, str]:
    """The benchmarks and trainings of the settings that this run does not have yet, and the command that makes each."""
    settings = content.settings
    has = {training.address for training in content.trainings}
    trainings = {
        f"train/{kind}/{name}": (kind, name) for kind in ("gpgnet", "salnet") for name in settings.section(kind, dict)
    }
    benchmarks = [str(name) for name in settings.section("benchmarks", dict) if name not in content.scores]
    lacking = [one for address, one in trainings.items() if address not in has]
    wanted = [(f"training of {kind} {name}", f"{kind}@{name}") for kind, name in lacking]
    wanted += [(words.BENCHMARKS.get(name, name), f"evaluate@{name}") for name in benchmarks]
    return {name: f"dvc repro {stage}" for name, stage in wanted}


def missing(table: Table, settings: Settings) -> dict[str, list[str]]:
    """What a table has no number of ours for: what to do, and which tracker on which benchmark it is for.

    Trackers that are no variants of ours are not looked for.
    """
    by_command: dict[str, list[str]] = {}
    benchmarks, variants = settings.section("benchmarks", dict), settings.section("variants", dict)
    for cell in table.cells.values():
        listed = cell.benchmark in benchmarks and cell.row in benchmarks[cell.benchmark].variants
        if cell.ours or cell.metric == "fps" or not (listed or cell.row in {*variants, *words.VARIANTS}):
            continue
        todo = f"dvc repro evaluate@{cell.benchmark}"
        if not listed:
            lacking = "" if cell.row in variants else f"a variant {cell.row}, and "
            todo = f"{lacking}{cell.row} in benchmarks.{cell.benchmark}.variants of params.yaml, then dvc repro"
        what = f"{words.named(cell.row)} on {words.BENCHMARKS.get(cell.benchmark, cell.benchmark)}"
        if what not in by_command.setdefault(todo, []):
            by_command[todo].append(what)
    return by_command


def speeds(scores: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """Success of our variants on one-pass benchmarks, against the seconds of `run.js`; subsets and scores of
    too few sequences to tell are left out."""
    drawn = []
    for name, score in scores.items():
        numbers = {variant: score.number(variant, "success") for variant in score.variants}
        rows = [
            {"variant": variant, "words": words.named(variant), "value": number.value}
            | dict(zip(("low", "high"), number.interval or (None, None), strict=True))
            for variant, number in numbers.items()
            if number and number.tells
        ]
        if rows and not score.parent:
            title = f"{words.BENCHMARKS.get(name, name)} ({score.data_set}, {score.sequences()} sequences)"
            drawn.append({"benchmark": name, "title": title, "rows": rows})
    return drawn


def decided(content: Content) -> dict[statistics.Verdict, list[Claim]]:
    """The claims of tables and text that this run decides: those that hold, and those that are the other way round."""
    judged = [
        claim for claims_ in (*(table.claims for table in content.tables), content.text) for claim in claims_.judged
    ]
    verdicts: tuple[statistics.Verdict, ...] = ("holds", "the reverse")
    return {verdict: [claim for claim in judged if claim.verdict == verdict] for verdict in verdicts}


def answers(content: Content) -> list[tuple[str, list[str]]]:
    """What a reader asks first, and this run's answers, a line or several each."""
    whole = {name: of for name, of in content.scores.items() if not of.parent}
    if not whole:
        return [("Does the method work here?", ["No benchmark has been scored."])]
    judged = brief.claims_in_words([*(table.claims for table in content.tables), content.text])
    return [
        ("Does the method work here?", [judged, *brief.headlines(content.scores)]),
        ("Against what?", [_against(whole.values())]),
        ("How sure?", [_how_sure(whole.values())]),
        ("From which data?", [_data(whole.values())]),
    ]


def _against(scores: Iterable[Scores]) -> str:
    """Which trackers the method is compared with, and whose their numbers are."""
    roles = {brief.BASELINE: "the paper's baseline", "salnet": "the method without attention"}
    there = {name for of in scores for name in of.variants}
    ours = ", ".join(f"{words.named(name)} ({role})" for name, role in roles.items() if name in there)
    recomputed = ", ".join(dict.fromkeys(name for of in scores for name in of.baselines))
    others = f"; computed again here from raw results: {recomputed}" if recomputed else ""
    first = f"{ours}, tracked in this run as the method is. " if ours else ""
    return f"{first}The numbers of other trackers are the paper's own{others}."


def _how_sure(scores: Iterable[Scores]) -> str:
    """What intervals and verdicts rest on."""
    counts = sorted({of.sequences() for of in scores if of.variants} or {0})
    seeds = max((len(of.runs(name)) for of in scores for name in of.variants), default=0)
    between = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    return (
        f"Brackets are 95 % intervals over the {between} sequences of a benchmark, {seeds} "
        f"seed{'' if seeds == 1 else 's'}. A claim holds when its paired difference excludes zero by interval and by p "
        "value, corrected by Holm's method. Where there are too few sequences to tell, no number is shown."
    )


def _data(scores: Iterable[Scores]) -> str:
    """The data sets, the most sequences that a benchmark has of each, and what synthetic ones say."""
    most: dict[str, int] = {}
    for of in scores:
        most[of.data_set] = max(of.sequences(), most.get(of.data_set, 0))
    synthetic = any(name.startswith("synthetic-") for name in most)
    sets = ", ".join(f"{name} ({count} sequences)" for name, count in most.items())
    return f"{sets}.{f' {SYNTHETIC}' if synthetic else ''}"


SYNTHETIC = (
    "Those named synthetic are videos that dat synthetic makes. They show that the pipeline works from end to end; "
    "they say nothing of how the method does on the real benchmarks, and the paper's numbers stand beside them for "
    "orientation only."
)


def taken(trainings: Sequence[Training]) -> list[str]:
    """Which networks are, or start from, which file, whose it is, and under which licence; a sentence a file."""
    files: dict[tuple[str, bool], list[Training]] = {}
    for one in trainings:
        if one.taken:
            files.setdefault((one.taken["sha256"], one.metrics.get("trained") == 0), []).append(one)
    sentences = []
    for (digest, whole), networks in files.items():
        names = ", ".join(f"{one.network} {one.name}" for one in networks)
        how = "taken as it is, not trained here," if whole else "its training starts"
        sentences.append(f"{names}: {how} from {networks[0].taken['file']} ({_owner(networks[0].taken, digest)}).")
    others = [f"{one.network} {one.name}" for one in trainings if one.network != "language" and not one.taken]
    if sentences and others:
        sentences.append(f"Without a file to start from: {', '.join(others)}.")
    return sentences


def _owner(facts: Mapping[str, str], digest: str) -> str:
    """Whose a file of weights is, as far as it is known."""
    if "name" not in facts:
        return f"a file of the user's, whose source and licence are not known here; sha256 {digest}"
    how = "its checksum" if facts["checked"] == "whole" else f"{facts['checksum']}, all that is published of a checksum"
    return f"{facts['name']} by {how}; {facts['address']}; licence: {facts['licence']}"


def origin(settings: Settings, trainings: Sequence[Training] = ()) -> list[str]:
    """What a reader must know of the networks before comparing: starting weights, width, and reading R40."""
    network = settings.section("network", NetworkSettings)
    lines = taken(trainings)
    taught = network.vgg16.startswith("training/encoder/")
    if not lines and network.vgg_m == "none" and (taught or network.vgg16 == "none"):
        lines.append("Every network was trained from scratch: no convolution comes from ImageNet, as the paper's do.")
    if taught:
        lines.append(
            "GPGNet starts from encoders of its training videos: pictures were taught which words fit them, sentences "
            "to foretell the pictures' features."
        )
    if network.width != 1:
        lines.append(f"Layers have {network.width:g} of the paper's width.")
    gpgnet = settings.section("gpgnet_training", GpgnetTraining)
    if gpgnet.optimiser != "adagrad":
        lines.append(f"GPGNet is trained by {gpgnet.optimiser.capitalize()}, in the paper by Adagrad.")
    if gpgnet.encoder != "vgg16":
        name = gpgnet.encoder.replace("vgg", "VGG-")
        lines.append(f"GPGNet's encoder is {name}; the paper's VGG-Net is read as VGG-16 [R15].")
    if gpgnet.shift:
        lines.append(
            f"GPGNet's training frames are shifted by up to {gpgnet.shift:.0%} of their sides, in the paper not."
        )
    if network.standardise or network.init == "orthogonal":
        where = "before SALNet's fc4 and GPGNet's decoder"
        what = f"features are {'' if network.standardise else 'not '}standardised {where}"
        lines.append(f"Reading R40 is in force: {what}, and initialisation is {network.init}. The paper has neither.")
    else:
        lines.append("Reading R40 is off, as in the paper.")
    return lines


def inline(svg: bytes) -> str:
    """A drawing as an element of the page: no prolog, no size of its own."""
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    return re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", text))


def training_tables(trainings: Sequence[Training]) -> list[tuple[str, list[str], list[Training]]]:
    """Trainings by network: the network's name, its metrics' names, and a training a row."""
    titles = {"language": "Sentence encoder", "gpgnet": "GPGNet", "salnet": "SALNet"}
    tables = []
    for network, title in titles.items():
        rows = [training for training in trainings if training.network == network]
        names = list(dict.fromkeys(name for row in rows for name in sorted(row.metrics)))
        if rows:
            tables.append((title, names, rows))
    return tables


def compact(value: float) -> str:
    """A training metric in at most four significant decimals; whole numbers as such."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.4g}"


def render(content: Content) -> str:
    """The page as HTML. The same content gives the same text.

    Its `data-page` is the sha256 of the rest: what `run.js` says is shown on the page that it is about alone.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

    loader = FunctionLoader(lambda name: used.code(f"dat/report/templates/{name}").decode())
    environment = Environment(loader=loader, autoescape=select_autoescape(["html"]), undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["compact"] = compact
    environment.filters["named"] = words.named
    environment.filters["claim_rows"] = claims.rows
    text = environment.get_template("page.html").render(
        content=content,
        profile=content.settings.section("profile", str),
        answers=answers(content),
        origin=origin(content.settings, content.trainings),
        brief=brief.rows(content.scores),
        coverage=coverage(content.scores),
        drawings={number: inline(svg) for number, svg in content.svg.items()},
        trainings=training_tables(content.trainings),
        names=words.BENCHMARKS,
        decided=decided(content),
        unscored=unscored(content),
        missing={table.number: missing(table, content.settings) for table in content.tables},
        salnets={name: variant.salnet for name, variant in content.settings.section("variants", dict).items()},
        ours={*content.settings.section("variants", dict), *words.VARIANTS},
        words={
            "variants": words.VARIANTS,
            "benchmarks": words.BENCHMARKS,
            "pair": [brief.BASELINE, brief.METHOD],
        },
        metrics=METRICS,
        claim_heads=claims.HEADS,
        untold=claims.UNTOLD,
        speeds=speeds(content.scores),
        similar=_similar(content.scores),
        sources=sources.of(content.settings, content.scores, content.trainings),
    )
    return text.replace('data-page=""', f'data-page="{sha256_bytes(text.encode())}"', 1)


def _similar(scores: Mapping[str, Scores]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Figure 10's scores in the text: variant, and metric, ours, the paper's, for both metrics."""
    similar = scores.get("otb100-similar")
    rows = []
    for variant in ("pymdnet", "dat-jtnl"):
        values = []
        for metric in ("precision", "success"):
            number = similar.number(variant, metric) if similar else None
            printed = published.printed("text", "otb100-similar", variant, metric)
            values.append((metric, f"{number.value:.3f}" if number else "", printed))
        rows.append((variant, values))
    return rows
