"""Scores computed again from result files and manifests, and compared with those that the run shows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dat.audit import recompute, recompute_vot
from dat.audit.addresses import Address, Scores
from dat.audit.checks import Check, group, missing
from dat.base import naming
from dat.base.errors import DatError, MissingError
from dat.base.params import Settings
from dat.datasets import manifest as manifests

TOLERANCE = 1e-9
BASELINES = "baselines"
"""Where raw results of other trackers lie, below the profile."""
REDETECTION = "redetection"
"""The definition of a target that is found again."""
ORIGIN = {"vot": 0.0}
"""What a layout's files count pixels from, where it is not 1."""


@dataclass
class Results:
    """The result files of a profile; what was read and scored is remembered."""

    settings: Settings
    _manifests: dict[str, manifests.Manifest | None] = field(default_factory=dict)
    _curves: dict[tuple[str, ...], recompute.Curves] = field(default_factory=dict)
    _runs: dict[tuple[str, ...], list[list[recompute_vot.Region]]] = field(default_factory=dict)
    _values: dict[tuple[str, ...], float | None] = field(default_factory=dict)

    def manifest(self, name: str) -> manifests.Manifest | None:
        """A manifest (its path below the profile); None when there is none or its data set is not linked."""
        if name not in self._manifests:
            try:
                self._manifests[name] = manifests.read(self.settings.path / name)
            except DatError:
                self._manifests[name] = None
        return self._manifests[name]

    def sequences(self, name: str) -> Mapping[str, manifests.Sequence]:
        """The sequences of a manifest; none when it cannot be read."""
        listing = self.manifest(name)
        return listing.sequences if listing else {}

    def manifest_of(self, benchmark: str) -> str:
        """The manifest of a benchmark's data set."""
        root = self.settings.root
        return f"{root.datasets[root.benchmarks[benchmark].data].manifest}.jsonl"

    # ------------------------------------------------------------ checks

    def again(self, scores: Scores, address: Address, shown: float | None) -> list[Check]:
        """Two checks: that all sequences of the benchmark are in, and that the score comes out again."""
        checks = [] if address.sequence else [self._complete(scores, address)]
        subject = f"{scores.file}: {address.text}"
        try:
            value = self._value(scores, address)
        except DatError as error:
            return [*checks, Check("recomputed", "differs", f"{subject}: {error}", shown, None)]
        except OSError as error:
            return [*checks, missing("recomputed", f"{subject}: {error.filename}", "a result file")]
        if value is None or shown is None:
            return [*checks, Check("recomputed", "unknown", subject, shown, value)]
        near = math.isclose(value, shown, rel_tol=0, abs_tol=TOLERANCE)
        checks.append(Check("recomputed", "verified" if near else "differs", subject, shown, value))
        return checks + (self._sequences(scores, address) if address.at is None else [])

    def _sequences(self, scores: Scores, address: Address) -> list[Check]:
        """The scores that the file has of a number's sequences, on which claims and paired differences rest."""
        pairs = {}
        for tracker, name in scores.behind(address):
            held = scores.runs[tracker]["sequences"][name].get(address.metric)
            value = self._one(scores, tracker, Address("", "score", sequence=name, metric=address.metric))
            if held is not None and value is not None:
                near = math.isclose(value, held, rel_tol=0, abs_tol=TOLERANCE)
                pairs[f"{tracker}/{name}"] = (held, held if near else value)
        return group("sequence scores", f"{scores.file}: {scores.name} {address.metric}", pairs)

    def _complete(self, scores: Scores, address: Address) -> Check:
        """Whether the scored sequences are the benchmark's list in the manifest, for each seed of the settings."""
        name = self.manifest_of(scores.parent)
        manifest = self.manifest(name)
        subject = f"{name}: list {scores.name}"
        if manifest is None:
            return missing("sequences", subject, "a linked data set")
        wanted = sorted(manifest.header["lists"].get(scores.name, []))
        if address.variant in scores.baselines:
            entry = scores.baselines[address.variant]
            listed = sorted([*entry.get("sequences", {}), *entry.get("missing", [])])
            of = f"{subject} of {address.variant}"
            if listed != wanted:
                return Check("sequences", "differs", of, wanted, listed)
            return Check("sequences", "verified", of, len(wanted), len(listed))
        trackers = scores.trackers(address.variant, address.seed)
        seeds = self.settings.root.seeds if address.seed is None else [address.seed]
        every = sorted(f"{address.variant}@seed-{seed}" for seed in seeds)
        if sorted(trackers) != every:
            return Check("sequences", "differs", f"{scores.file}: seeds of {address.variant}", every, sorted(trackers))
        for tracker in trackers:
            scored = sorted(scores.runs[tracker].get("sequences", {}))
            if scored != wanted:
                return Check("sequences", "differs", f"{subject} of {tracker}", wanted, scored)
        return Check("sequences", "verified", subject, len(wanted), len(wanted))

    # ------------------------------------------------------------ values

    def _value(self, scores: Scores, address: Address) -> float | None:
        """A score, the mean over seeds; None when this implementation does not know its definition or metric."""
        trackers = scores.trackers(address.variant, address.seed)
        values = [self._one(scores, tracker, address) for tracker in trackers]
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if known and len(known) == len(values) else None

    def _one(self, scores: Scores, tracker: str, address: Address) -> float | None:
        names = [address.sequence] if address.sequence else list(scores.runs[tracker].get("sequences", {}))
        definition = str(scores.data.get("definition", ""))
        if tracker in scores.baselines and not all(self._plain(scores.parent, tracker, name) for name in names):
            return None
        if self.settings.root.benchmarks[scores.parent].protocol == "vot":
            return self._vot(scores, tracker, names, address) if definition in recompute_vot.DEFINITIONS else None
        if definition == REDETECTION:
            values = [self._redetected(scores.parent, tracker, name) for name in names]
            return math.fsum(values) / len(values) if address.metric == "redetected" else None
        if definition not in recompute.DEFINITIONS or address.metric not in recompute.METRICS:
            return None
        curves = recompute.average([self._curve(scores.parent, tracker, name, definition) for name in names])
        if address.metric == "normalized_precision":
            return curves.normalized
        if address.at is not None:
            return (curves.success if address.metric == "success" else curves.precision)[address.at]
        return curves.score(address.metric)

    def _curve(self, benchmark: str, tracker: str, name: str, definition: str) -> recompute.Curves:
        key = (benchmark, tracker, name, definition)
        if key not in self._curves:
            truth, boxes = self.boxes(benchmark, tracker, name)
            self._curves[key] = recompute.one_pass(name, truth, boxes, definition)
        return self._curves[key]

    def _redetected(self, benchmark: str, tracker: str, name: str) -> float:
        truth, boxes = self.boxes(benchmark, tracker, name)
        absent = self._sequence(self.manifest_of(benchmark), name).row.get("absent") or [0] * len(truth)
        return recompute.redetected(name, truth, absent, boxes)

    def boxes(self, benchmark: str, tracker: str, name: str) -> tuple[list[recompute.Box], list[recompute.Box]]:
        """A sequence's truth and a tracker's boxes, in the files' own coordinates."""
        origin = self.origin(benchmark)
        rows = self._sequence(self.manifest_of(benchmark), name).row["boxes"]
        nan = (math.nan,) * 4
        truth = [(b[0] + origin, b[1] + origin, b[2], b[3]) if b else nan for b in rows]
        return truth, recompute.read_boxes(self._folder(benchmark, tracker) / f"{name}.txt")

    def _vot(self, scores: Scores, tracker: str, names: list[str], address: Address) -> float | None:
        key = (scores.name, tracker, address.sequence, address.metric)
        if key not in self._values:
            runs = {name: self._repetitions(scores.parent, tracker, name) for name in names}
            truths = {name: self.truth(scores.parent, name) for name in names}
            self._values[key] = self._vot_value(scores, address, runs, truths)
        return self._values[key]

    def _vot_value(
        self,
        scores: Scores,
        address: Address,
        runs: Mapping[str, list[list[recompute_vot.Region]]],
        truths: Mapping[str, recompute_vot.Annotation],
    ) -> float | None:
        if address.metric == "accuracy":
            return recompute_vot.accuracy(runs, truths)
        if address.metric == "failures":
            return recompute_vot.failures_a_run(runs)
        if address.metric == "robustness":
            return recompute_vot.failures_a_run(runs) / len(runs)
        if address.metric != "eao":
            return None
        return recompute_vot.eao(runs, truths, self._interval(scores.parent, truths))

    def truth(self, benchmark: str, name: str) -> recompute_vot.Annotation:
        """A sequence's truth as VOT has it."""
        row = self._sequence(self.manifest_of(benchmark), name)
        written = row.row.get("regions") or row.row["boxes"]
        regions = [tuple(region) if region else () for region in written]
        return recompute_vot.Annotation(regions, row.size)

    def _repetitions(self, benchmark: str, tracker: str, name: str) -> list[list[recompute_vot.Region]]:
        key = (benchmark, tracker, name)
        if key not in self._runs:
            folder = self._folder(benchmark, tracker) / "baseline" / name
            paths = sorted(folder.glob(f"{name}_[0-9][0-9][0-9].txt"))
            self._runs[key] = [recompute_vot.read_regions(path) for path in paths]
        return self._runs[key]

    # ------------------------------------------------------------ by sequence

    def listed(self, scores: Scores, tracker: str) -> list[str]:
        """The scored sequences of a tracker in the order of the benchmark's list."""
        manifest, scored = self.manifest(self.manifest_of(scores.parent)), scores.runs[tracker].get("sequences", {})
        return [name for name in manifest.header["lists"].get(scores.name, []) if name in scored] if manifest else []

    def each(self, scores: Scores, tracker: str, metric: str) -> list[float] | None:
        """A tracker's scores of its sequences, those of the scores' file where this implementation does not know the
        definition; None where sequences have no such score."""
        held, values = scores.runs[tracker].get("sequences", {}), []
        for name in self.listed(scores, tracker):
            known = self._one(scores, tracker, Address("", "score", sequence=name, metric=metric))
            value = held[name].get(metric) if known is None else known
            values.append(math.nan if value is None else float(value))
        return None if not values or any(map(math.isnan, values)) else values

    def points(self, scores: Scores, tracker: str, metric: str) -> list[list[float]] | None:
        """The curves of a tracker's sequences; None of a definition that this implementation does not know."""
        definition = str(scores.data.get("definition", ""))
        if definition not in recompute.DEFINITIONS:
            return None
        curves = [self._curve(scores.parent, tracker, name, definition) for name in self.listed(scores, tracker)]
        return [one.success if metric == "success" else one.precision for one in curves]

    def shares(self, scores: Scores, tracker: str, metric: str) -> tuple[list[list[float]], list[list[float]]] | None:
        """What a tracker's score of VOT is the mean share of: a row of numerators and one of denominators a sequence;
        None of a definition or metric that this implementation does not know, or of no sequence."""
        if str(scores.data.get("definition", "")) not in recompute_vot.DEFINITIONS:
            return None
        names = self.listed(scores, tracker)
        if not names:  # its data set's manifest is not there, which other checks say
            return None
        if tracker in scores.baselines and not all(self._plain(scores.parent, tracker, name) for name in names):
            return None
        runs = {name: self._repetitions(scores.parent, tracker, name) for name in names}
        truths = {name: self.truth(scores.parent, name) for name in names}
        if metric == "robustness":
            return [[recompute_vot.failures_a_run({name: runs[name]})] for name in names], [[1.0] for _ in names]
        if metric == "accuracy":
            means = [recompute_vot.frame_means(runs[name], truths[name]) for name in names]
            return [[math.fsum(values)] for values in means], [[float(len(values))] for values in means]
        if metric != "eao":
            return None
        low, high = self._interval(scores.parent, truths)
        longest = max(len(truth.regions) for truth in truths.values())
        parts = (recompute_vot.all_fragments(runs[name], truths[name], longest) for name in names)
        sums = [recompute_vot.overlap_sums(fragments, longest) for fragments in parts]
        return [above[low - 1 : high] for above, _ in sums], [below[low - 1 : high] for _, below in sums]

    def _interval(self, benchmark: str, truths: Mapping[str, recompute_vot.Annotation]) -> tuple[int, int]:
        """The lengths that EAO is the mean over."""
        manifest = self.manifest(self.manifest_of(benchmark))
        known = recompute_vot.INTERVALS.get(manifest.header["name"]) if manifest else None
        return known or recompute_vot.interval([len(truth.regions) for truth in truths.values()])

    # ------------------------------------------------------------ places

    def _plain(self, benchmark: str, tracker: str, name: str) -> bool:
        """Whether a baseline's result of a sequence is written as our own are: text of that name, a row a frame. Other
        forms this implementation does not know."""
        folder, frames = self._folder(benchmark, tracker), len(self._sequence(self.manifest_of(benchmark), name).files)
        if self.settings.root.benchmarks[benchmark].protocol == "vot":
            return bool(self._repetitions(benchmark, tracker, name))
        path = folder / f"{name}.txt"
        return path.is_file() and len(recompute.read_boxes(path)) == frames

    def _folder(self, benchmark: str, tracker: str) -> Path:
        where, home = "reports/metrics", self.settings.path
        place = home / "results" / naming.part(benchmark, where) / naming.part(tracker, where, "tracker")
        return place if "@seed-" in tracker else home / BASELINES / benchmark / tracker

    def origin(self, benchmark: str) -> float:
        """What the files of a benchmark's data set count pixels from."""
        return ORIGIN.get(self._layout(self.manifest_of(benchmark)), 1.0)

    def _layout(self, manifest: str) -> str:
        listing = self.manifest(manifest)
        return str(listing.header["layout"]) if listing else ""

    def _sequence(self, manifest: str, name: str) -> manifests.Sequence:
        row = self.sequences(manifest).get(name)
        if row is None:
            raise MissingError(f"{manifest}: no sequence {name}")
        return row
