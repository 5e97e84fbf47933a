"""Stage `salnet@NAME`: MDNet's multi-domain training, with graph and triplet loss where the variant has them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dat import records
from dat.base import params, public, used
from dat.base.errors import InputError
from dat.base.sections import GraphSettings, NetworkSettings, Salnet, SalnetTraining, Train
from dat.models import sentence, weights
from dat.models.optimisers import OPTIMISERS
from dat.models.salnet import SALNet
from dat.models.sentence import SentenceNet
from dat.training import adopted, batches, distributed, losses, runner, spread
from dat.training.checkpoints import Checkpoints
from dat.training.domains import Domain, FrameCache, read_domains, say_sentences
from dat.training.runner import Clock, Row

ROWS = 5  # rows of the curve
WATCHED = 12  # domains whose held-out frames are scored at each
EXAMINED = 4  # domains whose graphs' nodes are compared when all is trained


@dataclass(frozen=True)
class DomainBatch:
    """A batch of one domain: labels (N,), graphs (G,n) of indices, crops (N,3,107,107) or this process's share."""

    domain: int
    crops: Tensor
    labels: Tensor
    groups: Tensor
    names: list[str]


class Anchors(nn.Module):
    """The sentence embedding of each domain that has a sentence [R9].

    The encoder stays as the language stage left it, or (`frozen` False) is trained on with the rest [R12]; the triplet
    loss alone moves it, and what it becomes is needed by no tracker and not kept.
    """

    def __init__(self, encoder: SentenceNet, tokens: dict[int, Tensor], kind: str, frozen: bool) -> None:
        super().__init__()
        self.encoder, self.tokens, self.kind = encoder.requires_grad_(not frozen), tokens, kind
        self.fixed = {domain: self._embed(domain) for domain in tokens} if frozen else {}

    def _embed(self, domain: int) -> Tensor:
        tokens = self.tokens[domain].to(self.encoder.embedding.weight.device)  # (1,16)
        return sentence.anchor(self.encoder(tokens), tokens, self.kind)[0]

    def forward(self, domain: int) -> Tensor:
        """The anchor (d,) of a domain."""
        anchor = self.fixed.get(domain)
        return self._embed(domain) if anchor is None else anchor


class SalnetTask:
    """One video a step, all videos a cycle."""

    lower = "salnet_training.frames_per_batch, positives or negatives"

    def __init__(
        self,
        domains: list[Domain],
        module: SALNet,
        entry: Salnet,
        training: SalnetTraining,
        *,
        scope: str,
        seed: int,
        anchors: Anchors | None = None,
        device: str = "cpu",
    ) -> None:
        self.domains, self.net, self.entry, self.training = domains, module, entry, training
        self.scope, self.seed, self.device = scope, seed, device
        self.anchors = anchors
        self.module = nn.ModuleList([module] if anchors is None else [module, anchors])  # all that a checkpoint holds
        self.cache = FrameCache()
        full = [module.fc4, module.fc5] + ([] if module.graph is None else [module.graph])
        groups = [  # [R38]
            {"params": list(module.vggm.parameters()), "lr": training.rate},
            {"params": [p for part in full for p in part.parameters()], "lr": training.fc_rate},
            {"params": list(module.branches.parameters()), "lr": training.branch_rate},
            {"params": [] if anchors is None else list(anchors.parameters()), "lr": training.rate},
        ]
        self.optimiser = OPTIMISERS[training.optimiser](groups)
        cycles = training.cycles * len(domains)
        self.steps = min(cycles, training.iterations or cycles)  # 0: the cycles alone decide
        self.every = -(-self.steps // ROWS)

    def rate(self, step: int) -> float:
        """What the learning rates are multiplied by."""
        return runner.decayed(step, self.steps, self.training.decay)

    def batch(self, step: int) -> DomainBatch:
        cycle, place = divmod(step, len(self.domains))
        number = int(np.random.default_rng([self.seed, 2, cycle]).permutation(len(self.domains))[place])
        domain, count = self.domains[number], self.training.frames_per_batch
        frames = batches.frames_of(cycle, domain.trained, count, [self.seed, 3, number])
        return self._batch(number, frames, np.random.default_rng([self.seed, 4, step]), shared=True)

    def _batch(self, number: int, frames: list[int], rng: np.random.Generator, shared: bool = False) -> DomainBatch:
        domain, t = self.domains[number], self.training
        regions = batches.draw(domain, frames, t.positives, t.negatives, rng)
        groups = batches.graphs(regions.labels, regions.frame, self.net.nodes, self.scope, rng)
        regions_here = regions.part(distributed.computed(len(regions.labels))) if shared else regions
        return DomainBatch(
            number,
            batches.cut(domain, regions_here, self.cache, self.device),
            torch.from_numpy(regions.labels).to(self.device),
            torch.from_numpy(groups).to(self.device),
            [f"{domain.name}:{domain.frames[i].name}" for i in frames],
        )

    def loss(self, batch: DomainBatch) -> dict[str, Tensor]:
        convolved = distributed.gather(self.net.conv(batch.crops), len(batch.labels))
        scores, features, joined = self.net.classify(convolved, batch.domain, batch.groups)
        labels = batch.labels[batch.groups.flatten()]
        classified = losses.classification(scores, labels, self.training.loss)
        terms = {"classification": classified}
        if self.entry.triplet is not None and self.anchors is not None and batch.domain in self.anchors.tokens:
            met = features if self.training.triplet_on == "feature" else joined[:, features.shape[1] :]  # [R11]
            terms["triplet"] = losses.triplet(
                self.anchors(batch.domain),
                met,
                labels,
                self.training.margin,
                self.training.triplets,
                self.training.normalise,
            )
        return terms | {"loss": losses.total(classified, terms.get("triplet"), self.entry.triplet or 0.0)}

    def samples(self, batch: DomainBatch) -> list[str]:
        return batch.names

    def validate(self) -> Row:
        """Accuracy, margin and area under the ROC curve on held-out frames of up to WATCHED domains, of those that
        every variant has: figures of variants compare."""
        watched = [i for i, domain in enumerate(self.domains) if domain.held_out and domain.shared]
        if not watched:
            return {}
        chosen = [watched[i] for i in np.linspace(0, len(watched) - 1, min(WATCHED, len(watched))).astype(int)]
        return mean_rows([self._held_out(number) for number in chosen])

    def _held_out(self, number: int) -> Row:
        domain = self.domains[number]
        last = np.arange(domain.trained, len(domain.frames))
        frames = [int(last[k % len(last)]) for k in range(self.training.frames_per_batch)]
        batch = self._batch(number, frames, np.random.default_rng([self.seed, 5, number]))
        scores, _, _ = self.net(batch.crops, number, batch.groups)
        labels = batch.labels[batch.groups.flatten()]
        return separation((scores[:, 1] - scores[:, 0]).double().cpu().numpy(), labels.cpu().numpy())

    def nodes(self) -> list[Tensor]:
        """The features (G,n,d) of graphs of training frames, from up to `EXAMINED` domains."""
        found = []
        for number in np.linspace(0, len(self.domains) - 1, min(EXAMINED, len(self.domains))).astype(int):
            domain, seeds = self.domains[number], [self.seed, 6, int(number)]
            frames = batches.frames_of(0, domain.trained, self.training.frames_per_batch, seeds)
            batch = self._batch(int(number), frames, np.random.default_rng(seeds))
            with torch.no_grad():
                found.append(self.net.describe(self.net.conv(batch.crops))[batch.groups])
        return found


def separation(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Row:
    """How well scores (N,) tell positives from negatives: accuracy at 0, difference of means, area under the ROC."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    row = {"held_out_accuracy": float(((scores > 0) == (labels == 1)).mean())}
    if len(positive) and len(negative):
        above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
        row |= {"held_out_margin": float(positive.mean() - negative.mean()), "held_out_auc": float(above)}
    return row


def mean_rows(rows: list[Row]) -> Row:
    """The mean of each figure over the rows that have it."""
    return {
        name: float(np.mean([row[name] for row in rows if name in row])) for name in {k: 0 for row in rows for k in row}
    }


def anchors(folder: Path, domains: list[Domain], training: SalnetTraining, size: int, device: str = "cpu") -> Anchors:
    """Anchors of the domains that have a sentence, by the language stage's encoder.

    Raises InputError when their size is not that of a region's feature.
    """
    encoder, vocabulary = weights.load_sentence(folder / "language")
    if encoder.channels != size:
        raise InputError(
            f"language.channels gives anchors of {encoder.channels} values, network.width features of {size}: "
            "make them equal in params.yaml"
        )
    say_sentences(domains)
    tokens = {n: vocabulary.tokens(domain.sentence)[None] for n, domain in enumerate(domains) if domain.sentence}
    return Anchors(encoder.to(device), tokens, training.anchor, training.freeze_language)


def graph_of(settings: params.Settings, entry: Salnet) -> GraphSettings | None:
    """How a network reads its graph [R3, R4, R5]; None where it has none."""
    graph: GraphSettings = settings.section("graph", GraphSettings)
    if not (entry.nodes and entry.layers):
        return None
    return graph.model_copy(update={"adjacency": entry.adjacency}) if entry.adjacency else graph


def new(settings: params.Settings, entry: Salnet, domains: int) -> SALNet:
    """A network of random weights."""
    network = settings.section("network", NetworkSettings)
    training = settings.section("salnet_training", SalnetTraining)
    return SALNet(
        network,
        graph_of(settings, entry),
        entry.nodes,
        entry.layers,
        domains,
        training.dropout,
        runner.generator(settings.section("train", Train).seed, 0),
        dropout_fc4=training.dropout_fc4,
        branch_init=training.branch_init,
    )


def build(settings: params.Settings, entry: Salnet, domains: int) -> SALNet:
    """A new network, its convolutions VGG-M's where `network.vgg_m` names the file."""
    module, start = new(settings, entry, domains), settings.root.network.vgg_m
    if start != "none":
        weights.assign(module.vggm, weights.read_vggm(settings.path / start), start)
    return module


def metadata(settings: params.Settings, key: str, entry: Salnet) -> dict[str, Any]:
    """What it takes to build the network again."""
    graph = graph_of(settings, entry)
    return {
        "kind": "salnet",
        "name": key,
        "network": params.plain(settings.section("network", NetworkSettings)),
        "graph": None if graph is None else params.plain(graph),
        "nodes": entry.nodes,
        "layers": entry.layers,
        "seed": settings.section("train", Train).seed,
    }


def run(job: records.Job) -> None:
    """Write weights, metrics and curves; or, where `from` names weights, take those."""
    entry = job.settings.section(f"salnet.{job.key}", Salnet)
    file = public.weights_of(job.inputs["training"])
    if file is not None:
        adopt(job, entry, file)
        return
    shared, clock = job.settings.section("train", Train), Clock()
    with runner.exact(shared.threads, job.device):
        task = prepare(job, entry)
        facts = metadata(job.settings, job.key, entry)
        checkpoints = Checkpoints.of(job, __name__)
        rows = runner.train(task, shared, checkpoints, f"salnet {job.key}", clock, job.outputs["weights"])
    if not distributed.first():
        return
    out = job.outputs["weights"]
    if task.net.graph is not None:
        write_spread(out, task, shared.threads, job.device)
    weights.save(out, task.net, facts)
    if "vgg_m" in job.inputs:
        adopted.write_source(out, job.inputs["vgg_m"], job.settings.path)
    final = {name: value for name, value in rows[-1].items() if name != "step"}
    without = sum(not domain.sentence for domain in task.domains)
    counts = {"domains": len(task.domains), "domains_without_sentence": without, "steps": task.steps, "trained": 1}
    records.write_json(out / "metrics.json", final | counts)
    checkpoints.clear()
    if job.timing:
        runner.write_timing(job, "salnet", clock)


def write_spread(out: Path, task: SalnetTask, threads: int, device: str) -> None:
    """`graph.json`: how far apart the nodes of the trained network's graphs are, by layer and reading."""
    graph = task.net.graph
    assert graph is not None, "a network without a graph"
    task.net.eval()
    with runner.exact(threads, device):
        spreads = spread.by_reading(graph, task.nodes())
    facts = {"adjacency": graph.adjacency, "nodes": task.net.nodes, "spread": spreads}
    records.write_json(out / "graph.json", facts)


def prepare(job: records.Job, entry: Salnet) -> SalnetTask:
    """Domains, network and anchors of a job."""
    training = job.settings.section("salnet_training", SalnetTraining)
    source, with_triplet = job.inputs["training"], entry.triplet is not None
    with_lasot = with_triplet or training.domains == "same"
    domains = read_domains(source, with_lasot, training.held_out, training.lasot_domains)
    module = build(job.settings, entry, len(domains)).to(job.device)
    anchors_of = anchors(source, domains, training, module.features, job.device) if with_triplet else None
    return SalnetTask(
        domains,
        module,
        entry,
        training,
        scope=job.settings.section("graph", GraphSettings).scope if entry.nodes else "batch",
        seed=job.settings.section("train", Train).seed,
        anchors=anchors_of,
        device=job.device,
    )


def adopt(job: records.Job, entry: Salnet, file: Path) -> None:
    """Take a file of weights: ours (.safetensors), py-MDNet's (.pth) or VGG-M's convolutions (.mat)."""
    out = job.outputs["weights"]
    adopted.say(file)
    if file.suffix == ".safetensors":
        records.write_bytes(out / weights.FILE, used.read(file, weights.LARGEST))
        weights.load_salnet(out)
    else:
        module = new(job.settings, entry.model_copy(update={"nodes": 0, "layers": 0}), 0)
        if file.suffix == ".mat":
            weights.assign(module.vggm, weights.read_vggm(file), file)
        else:
            weights.assign(module, pymdnet(job.settings, file), file)
        weights.save(out, module, metadata(job.settings, job.key, entry) | {"graph": None, "nodes": 0, "layers": 0})
    adopted.write_source(out, file, job.settings.path)
    records.write_json(out / "metrics.json", {"trained": 0})


def pymdnet(settings: params.Settings, file: Path) -> dict[str, Tensor]:
    """The tensors of py-MDNet's file. Raises InputError where `network.normalisation` is not what they were trained
    with [R33]."""
    tensors, trained = weights.read_pymdnet(file)
    if settings.root.network.normalisation != trained:
        place, normalisation = settings.path / "params.yaml", settings.root.network.normalisation
        raise InputError(
            f"{place}: network.normalisation is {normalisation}, {file} was trained with {trained}: make it {trained}"
        )
    return tensors
