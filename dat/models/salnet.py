"""SALNet: the classifier of regions. Training adds a graph over samples and a layer a video; online has neither."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.base import sections
from dat.models.arithmetic import Linear
from dat.models.graph import Graph
from dat.models.layers import Dropout, initialise, scaled
from dat.models.vggm import VGGM


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """What R40 subtracts and divides by, of (N,d): the means (d,), the stds + 0.1 of the overall one (d,)."""
    mean = features.mean(0)
    std = features.std(0, correction=0)
    return mean, std + 0.1 * features.std(correction=0) + 1e-6


def standardise(features: Tensor) -> Tensor:
    """(N,d) features, each standardised over the N samples [R40]."""
    mean, scale = statistics(features)
    return (features - mean) / scale


class SALNet(nn.Module):
    """Crops to region features, and in training to scores (reference: SPEC section 2, MDNet's sizes).

    `conv`: (N,3,107,107) crops minus 128 -> (N, 4608 * width). `embed`: those, standardised or not as
    `network.standardise` says, -> (N, 512 * width). `forward`: training's scores of one domain.
    """

    def __init__(
        self,
        network: sections.NetworkSettings,
        graph: sections.GraphSettings | None = None,
        nodes: int = 0,
        layers: int = 0,
        domains: int = 0,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
        *,
        dropout_fc4: float = 0.0,
        branch_init: str = "normal",
    ) -> None:
        super().__init__()
        self.nodes = nodes
        self.standardise = network.standardise
        self.vggm = VGGM(network.width, network.normalisation)
        hidden, features = scaled(network.fc4, network.width), scaled(512, network.width)
        self.fc4 = Linear(self.vggm.features, hidden)
        self.fc5 = Linear(hidden, features)
        self.drop4, self.drop5, self.drop6 = Dropout(dropout_fc4), Dropout(dropout), Dropout(dropout)
        self.graph: Graph | None = None
        if graph is not None and nodes and layers:
            width = scaled(graph.width, network.width)
            self.graph = Graph(features, width, layers, graph.similarity, graph.adjacency, graph.self_loops)
        self.branches = nn.ModuleList(Linear(self.joined, 2) for _ in range(domains))
        self.reset(network.init, branch_init, generator or torch.Generator().manual_seed(0))

    @property
    def features(self) -> int:
        """Size of a region's feature: the node feature, and what the online layer sees."""
        return self.fc5.out_features

    @property
    def joined(self) -> int:
        """Size of what a domain's layer sees: the feature, and the graph's output beside it [R14]."""
        return self.features if self.graph is None else self.graph.out_features

    def reset(self, init: str, branch_init: str, generator: torch.Generator) -> None:
        """New weights: shared layers by `init`; domain layers N(0, .01), or as torch does [R31]."""
        initialise(self, init, generator)
        if branch_init == "default":
            initialise(self.branches, "default", generator)
            return
        for branch in self.branches.parameters():
            nn.init.normal_(branch, std=0.01 if branch.dim() == 2 else 0.0, generator=generator)

    def conv(self, crops: Tensor) -> Tensor:
        """(N,3,107,107) minus 128 -> (N, 4608 * width), C,H,W order."""
        out: Tensor = self.vggm(crops)
        return out

    def embed(self, features: Tensor) -> Tensor:
        """(N, 4608 * width) -> (N, 512 * width); the caller has standardised them if the network wants that."""
        x = F.relu(self.fc4(self.drop4(features)))
        return F.relu(self.fc5(self.drop5(x)))

    def describe(self, features: Tensor) -> Tensor:
        """One domain's batch of `conv` -> (N, 512 * width) node features, standardised over the batch [R40]."""
        return self.embed(standardise(features) if self.standardise else features)

    def forward(self, crops: Tensor, domain: int, groups: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`classify` for the crops (N,3,107,107) of one domain."""
        return self.classify(self.conv(crops), domain, groups)

    def classify(self, features: Tensor, domain: int, groups: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A whole batch of `conv` (N, 4608 * width) of one domain, `groups` (G,n) its indices graph by graph.

        Returns, in the groups' order, scores (G*n,2) of background and target, the features before the graph
        (G*n, 512 * width), and what the domain's layer saw (G*n, joined).
        """
        nodes = self.describe(features)[groups]  # (G,n,512)
        joined = nodes if self.graph is None else self.graph(nodes)  # (G,n,512 + 512)
        scores: Tensor = self.branches[domain](self.drop6(joined))
        return scores.flatten(0, 1), nodes.flatten(0, 1), joined.flatten(0, 1)


class OnlineHead(nn.Module):
    """fc4 and fc5 of a SALNet and a new fc6: what the tracker trains on its target.

    Prepared features (N, 4608 * width) -> scores (N,2): background, target. `fit` takes R40's statistics from the first
    frame's samples; before it, and when the SALNet was trained without, `prepare` returns features as they are.
    """

    def __init__(
        self,
        salnet: SALNet,
        generator: torch.Generator,
        dropout: float = 0.0,
        *,
        dropout_fc4: float = 0.0,
        fc6_init: str = "normal",
    ) -> None:
        super().__init__()
        self.standardise = salnet.standardise
        self.fc4, self.fc5 = _copy(salnet.fc4), _copy(salnet.fc5)
        self.fc6 = Linear(salnet.features, 2)
        initialise(self.fc6, "default", generator) if fc6_init == "default" else _small(self.fc6, generator)
        self.fc6.to(salnet.fc5.weight.device)  # drawn on the processor: the same on every device
        self.drop4, self.drop5, self.drop6 = Dropout(dropout_fc4), Dropout(dropout), Dropout(dropout)
        self.register_buffer("mean", torch.zeros(salnet.vggm.features, device=self.fc6.weight.device))
        self.register_buffer("scale", torch.ones(salnet.vggm.features, device=self.fc6.weight.device))
        self.mean: Tensor
        self.scale: Tensor

    def fit(self, features: Tensor) -> None:
        """Take the statistics of R40 from (N, 4608 * width), unless the network was trained without."""
        if self.standardise:
            self.mean, self.scale = statistics(features.detach())

    def prepare(self, features: Tensor) -> Tensor:
        """(N, 4608 * width) as they come from `SALNet.conv`, standardised where the network was trained so [R40]."""
        return (features - self.mean) / self.scale if self.standardise else features

    def embed(self, prepared: Tensor) -> Tensor:
        """(N, 4608 * width), prepared -> (N, 512 * width)."""
        hidden = F.relu(self.fc4(self.drop4(prepared)))
        return F.relu(self.fc5(self.drop5(hidden)))

    def forward(self, prepared: Tensor) -> Tensor:
        out: Tensor = self.fc6(self.drop6(self.embed(prepared)))
        return out


def _small(layer: Linear, generator: torch.Generator) -> None:
    """N(0, .01), no bias."""
    nn.init.normal_(layer.weight, std=0.01, generator=generator)
    nn.init.zeros_(layer.bias)


def _copy(layer: Linear) -> Linear:
    new = Linear(layer.in_features, layer.out_features, device=layer.weight.device)
    new.load_state_dict(layer.state_dict())
    return new
