"""The faster second convolution against the plain one, in float64, and where it is used."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dat.models import winograd
from dat.models.vggm import VGGM


def layer(channels: int, out: int, seed: int = 0) -> nn.Conv2d:
    made = nn.Conv2d(channels, out, 5, stride=2).requires_grad_(False)
    for p in made.parameters():
        p.copy_(torch.randn(p.shape, generator=torch.Generator().manual_seed(seed)))
    return made


def images(*shape: int, seed: int = 1) -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=torch.channels_last)


def error(made: nn.Conv2d, x: Tensor) -> tuple[float, Tensor]:
    """The largest difference to the convolution in float64, as a share of its largest value, and what was found."""
    assert made.bias is not None
    exact = F.conv2d(x.double(), made.weight.double(), made.bias.double(), stride=2)
    found = winograd.Strided(made)(x)
    assert found.shape == exact.shape
    return float((found - exact).abs().max() / exact.abs().max()), found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(5, 40), st.integers(5, 40), st.integers(1, 4), st.integers(1, 4))
def test_is_the_convolution_for_every_shape(n: int, h: int, w: int, channels: int, out: int) -> None:
    share, _ = error(layer(channels, out), images(n, channels, h, w))
    assert share < 1e-5


def test_more_images_than_go_at_a_time_are_each_their_own() -> None:
    made, x = layer(8, 6), images(40, 8, 25, 25)
    share, found = error(made, x)
    assert share < 1e-5
    alone = torch.cat([winograd.Strided(made)(one[None]) for one in x])
    torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-4)


def test_at_the_papers_width_as_exact_as_single_precision_wants() -> None:
    share, _ = error(layer(96, 256), images(20, 96, 25, 25))
    assert share < 1e-5


def test_the_papers_network_uses_it_and_a_narrow_one_does_not() -> None:
    wide, narrow = VGGM(1.0).requires_grad_(False), VGGM(0.125).requires_grad_(False)
    assert isinstance(wide.frozen().conv2, winograd.Strided) and isinstance(wide.conv2, nn.Conv2d)
    assert narrow.frozen().conv2 is narrow.conv2
    crops = 60 * images(3, 3, 107, 107)
    ours, theirs = wide.frozen()(crops), wide(crops)
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5


def test_other_convolutions_do_not_suit() -> None:
    cpu = torch.device("cpu")
    assert winograd.suits(nn.Conv2d(96, 256, 5, stride=2), cpu)
    for other in (nn.Conv2d(96, 256, 3), nn.Conv2d(96, 256, 5), nn.Conv2d(96, 256, 5, stride=2, padding=1)):
        assert not winograd.suits(other, cpu)
    assert not winograd.suits(nn.Conv2d(96, 256, 5, stride=2), torch.device("meta"))
