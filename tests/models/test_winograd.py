"""The faster second and third convolutions against the plain ones, in float64, and where they are used."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dat.models import winograd
from dat.models.vggm import VGGM

KINDS = [(5, 2), (3, 1)]  # a kernel's side and its stride


def layer(channels: int, out: int, seed: int = 0, kind: tuple[int, int] = (5, 2)) -> nn.Conv2d:
    made = nn.Conv2d(channels, out, kind[0], stride=kind[1]).requires_grad_(False)
    for p in made.parameters():
        p.copy_(torch.randn(p.shape, generator=torch.Generator().manual_seed(seed)))
    return made


def images(*shape: int, seed: int = 1) -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=torch.channels_last)


def error(made: nn.Conv2d, x: Tensor) -> tuple[float, Tensor]:
    """The largest difference to the convolution in float64, as a share of its largest value, and what was found."""
    assert made.bias is not None
    exact = F.conv2d(x.double(), made.weight.double(), made.bias.double(), stride=made.stride)
    found = winograd.Winograd(made)(x)
    assert found.shape == exact.shape
    return float((found - exact).abs().max() / exact.abs().max()), found


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 3),
    st.integers(5, 40),
    st.integers(5, 40),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_is_the_convolution_for_every_shape(
    kind: tuple[int, int], n: int, h: int, w: int, channels: int, out: int
) -> None:
    share, _ = error(layer(channels, out, kind=kind), images(n, channels, h, w))
    assert share < 1e-5


@pytest.mark.parametrize(("outputs", "taps"), [(1, 2), (2, 3), (3, 3), (4, 3), (4, 2)])
def test_the_matrices_give_correlations(outputs: int, taps: int) -> None:
    into, kernel, out = winograd.matrices(outputs, taps)
    rng = np.random.default_rng(0)
    g, d = rng.normal(size=taps), rng.normal(size=outputs + taps - 1)
    np.testing.assert_allclose(out @ ((kernel @ g) * (into @ d)), np.correlate(d, g, "valid"), atol=1e-12)


def test_the_products_are_as_many_as_the_text_says() -> None:
    for kind, channels, out, tiles, millions in (((5, 2), 96, 256, 9, 54), ((3, 1), 256, 512, 1, 7)):
        made = winograd.Winograd(layer(channels, out, kind=kind))
        assert round(sum(kernel.numel() for _, kernel in made.kernels) * tiles * 2 / 1e6) == millions


@pytest.mark.parametrize(("kind", "side"), [((5, 2), 25), ((3, 1), 5)])
def test_more_images_than_go_at_a_time_are_each_their_own(kind: tuple[int, int], side: int) -> None:
    made, x = layer(8, 6, kind=kind), images(200, 8, side, side)
    share, found = error(made, x)
    assert share < 1e-5
    alone = torch.cat([winograd.Winograd(made)(one[None]) for one in x])
    torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-4)


def test_at_the_papers_width_as_exact_as_single_precision_wants() -> None:
    for kind, channels, out, side in (((5, 2), 96, 256, 25), ((3, 1), 256, 512, 5)):
        share, _ = error(layer(channels, out, kind=kind), images(20, channels, side, side))
        assert share < 1e-5


def test_the_papers_network_uses_it_and_a_narrow_one_does_not() -> None:
    wide, narrow = VGGM(1.0).requires_grad_(False), VGGM(0.125).requires_grad_(False)
    for name in ("conv2", "conv3"):
        assert isinstance(getattr(wide.frozen(), name), winograd.Winograd)
        assert isinstance(getattr(wide, name), nn.Conv2d)
        assert getattr(narrow.frozen(), name) is getattr(narrow, name)
    assert wide.frozen().conv1 is wide.conv1
    crops = 60 * images(3, 3, 107, 107)
    ours, theirs = wide.frozen()(crops), wide(crops)
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5


def test_other_convolutions_do_not_suit() -> None:
    cpu = torch.device("cpu")
    for side, stride in KINDS:
        assert winograd.suits(nn.Conv2d(96, 256, side, stride=stride), cpu)
    for other in (
        nn.Conv2d(96, 256, 7, stride=2),
        nn.Conv2d(96, 256, 5),
        nn.Conv2d(96, 256, (5, 3), stride=2),
        nn.Conv2d(96, 256, 5, stride=2, padding=1),
        nn.Conv2d(96, 256, 3, dilation=2),
        nn.Conv2d(96, 256, 3, groups=2),
        nn.Conv2d(32, 64, 3),
    ):
        assert not winograd.suits(other, cpu)
    assert not winograd.suits(nn.Conv2d(96, 256, 5, stride=2), torch.device("meta"))
