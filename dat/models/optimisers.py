"""Adam, Adagrad and SGD with torch's numbers, in a few lines.

torch's own classes import its compiler when one is made: several seconds for each of a dozen short trainings.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dat.models.arithmetic import square_root

Group = dict[str, Any]


class Optimiser:
    """`groups` are dicts of `params` and `lr`, or parameters with the one rate `lr`.

    The state is by a parameter's place over all groups; a parameter without a gradient is passed over.
    """

    def __init__(self, groups: Iterable[nn.Parameter] | Sequence[Group], lr: float = 0.0) -> None:
        given = list(groups)
        first = given if given and isinstance(given[0], dict) else [{"params": given, "lr": lr}]
        self.param_groups: list[Group] = [
            {"params": list(group["params"]), "lr": group["lr"], "initial_lr": group["lr"]}
            for group in first
            if isinstance(group, dict)
        ]
        self.state: dict[int, dict[str, Any]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        place = 0
        for group in self.param_groups:
            numbered = list(enumerate(group["params"], place))
            place += len(numbered)
            moved = [(number, parameter) for number, parameter in numbered if parameter.grad is not None]
            if moved:
                parameters = [parameter for _, parameter in moved]
                gradients = [parameter.grad for parameter in parameters]
                self.update_all(parameters, gradients, group["lr"], [self.state.setdefault(n, {}) for n, _ in moved])

    def update_all(
        self, parameters: list[Tensor], gradients: list[Tensor], rate: float, states: list[dict[str, Any]]
    ) -> None:
        """Move the parameters of a group in place."""
        for one in zip(parameters, gradients, states, strict=True):
            self.update(one[0], one[1], rate, one[2])

    def update(self, parameter: Tensor, gradient: Tensor, rate: float, state: dict[str, Any]) -> None:
        """Move one parameter in place."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps; the rates follow from the step."""
        return {"state": self.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint's state, on the devices of the parameters: a checkpoint is read on the CPU."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        self.state = {
            int(place): {
                name: value.to(parameters[int(place)].device) if isinstance(value, Tensor) else value
                for name, value in state.items()
            }
            for place, state in saved["state"].items()
        }


class Adam(Optimiser):
    """Adam with betas .9 and .999 and epsilon 1e-8, no decay [R38]."""

    def update(self, parameter: Tensor, gradient: Tensor, rate: float, state: dict[str, Any]) -> None:
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
        state["step"] += 1
        state["mean"].lerp_(gradient, 0.1)
        state["square"].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        spread = square_root(state["square"]).div_(math.sqrt(1 - 0.999 ** state["step"])).add_(1e-8)
        parameter.addcdiv_(state["mean"], spread, value=-rate / (1 - 0.9 ** state["step"]))


class Adagrad(Optimiser):
    """Adagrad with epsilon 1e-10, from an empty sum."""

    def update(self, parameter: Tensor, gradient: Tensor, rate: float, state: dict[str, Any]) -> None:
        if not state:
            state["sum"] = torch.zeros_like(parameter)
        state["sum"].addcmul_(gradient, gradient)
        parameter.addcdiv_(gradient, square_root(state["sum"]).add_(1e-10), value=-rate)


class SGD(Optimiser):
    """Momentum and weight decay; the defaults are MDNet's."""

    momentum, decay = 0.9, 5e-4

    def update_all(
        self, parameters: list[Tensor], gradients: list[Tensor], rate: float, states: list[dict[str, Any]]
    ) -> None:
        """All at once: a GPU launches four kernels a group instead of four a parameter; the numbers are the same."""
        changes = torch._foreach_add(gradients, parameters, alpha=self.decay)
        begun = [(state["momentum"], change) for state, change in zip(states, changes, strict=True) if state]
        if begun:
            momenta, added = map(list, zip(*begun, strict=True))
            torch._foreach_mul_(momenta, self.momentum)
            torch._foreach_add_(momenta, added)
        for state, change in zip(states, changes, strict=True):
            state.setdefault("momentum", change)
        torch._foreach_add_(parameters, [state["momentum"] for state in states], alpha=-rate)


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "adagrad": Adagrad, "sgd": SGD}
