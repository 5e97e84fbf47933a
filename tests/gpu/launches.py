"""How many kernels a frame launches on a card: by torch's profiler on one, on the `meta` device where there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dat.tracking.mdnet.tracker import MDNetTracker

META = torch.device("meta")
BIASED = {"aten.conv2d.default", "aten.convolution.default"}
"""A convolution and its bias are two kernels."""


def profiled(tracker: MDNetTracker, image: Any) -> int:
    """Kernels that a card is given in a frame, copies and fills of memory not counted."""
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
        tracker.update(image)
        torch.cuda.synchronize()
    names = [event.name for event in seen.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    return sum(not name.startswith(("Memcpy", "Memset")) for name in names)


class Launches(TorchDispatchMode):
    """Counts operations on `meta` whose outcome is new; copies to and from it are none. What is copied from there to
    the processor is all ones, a score that finds the target. Masks of dropout are drawn where their generator lives, on
    a card by a kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.count = Counter[str]()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        asked = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.device)]
        name = str(operation)
        if given and given[0].is_meta and any(device.type == "cpu" for device in asked):
            return torch.ones(given[0].shape, dtype=kwargs.get("dtype") or given[0].dtype)
        out = operation(*args, **kwargs)
        returned = operation._schema.returns
        view = bool(returned) and returned[0].alias_info is not None and not returned[0].alias_info.is_write
        on_meta = any(value.is_meta for value in tree_leaves(out) if isinstance(value, torch.Tensor))
        copied = bool(given) and not any(value.is_meta for value in given)
        none = view or copied or "empty" in name or "detach" in name
        if (on_meta and not none) or "bernoulli" in name:
            self.count[name] += 2 if name in BIASED else 1
        return out


def to_meta(tracker: MDNetTracker) -> None:
    """Move a tracker that has started, and all that it has learnt, to the `meta` device."""
    tracker.device = META
    tracker.salnet.to(META)
    tracker.classifier.head.to(META)
    for memory in tracker.classifier._memories or ():
        memory.buffer = memory.buffer.to(META)
    for optimiser in tracker.classifier._optimisers.values():
        optimiser.load_state_dict(optimiser.state_dict())
    attention = tracker._attention
    if attention is not None:
        attention.network.to(META)
        attention._device = META
        for name in ("_patch", "_sentence"):
            value = getattr(attention, name)
            setattr(attention, name, None if value is None else value.to(META))


def counted(tracker: MDNetTracker, image: Any) -> int:
    """The same without a card, of a tracker on `meta`: about as many, as an operation may be several kernels, and
    clipping is a few for all gradients together."""
    with Launches() as launches:
        tracker.update(image)
    return launches.count.total()
