"""The parts of CSR-DCF against slow direct computations, closed forms and numbers worked by hand."""

import math

import numpy as np
import pytest

from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.tracking.csrdcf import colours, filters, hog, patches, scales, segmentation
from tests.parts.tracking_parts import ROOT

OWN = params.load(ROOT).root.csrdcf


def slow_hog(patch, cell):
    """HOG of one patch (H, W, 3), pixel by pixel, in float64, from the definition: (31, rows, columns)."""
    values = patch.astype(float)
    rows, columns = patch.shape[0] // cell, patch.shape[1] // cell
    cells = np.zeros((rows, columns, 18))
    dy, dx = np.gradient(values, axis=(0, 1))
    for y in range(rows * cell):
        for x in range(columns * cell):
            best = max(range(3), key=lambda c: dx[y, x, c] ** 2 + dy[y, x, c] ** 2)
            u, v = dx[y, x, best], dy[y, x, best]
            direction = round(math.atan2(v, u) / (math.pi / 9)) % 18
            py, px = (y + 0.5) / cell - 0.5, (x + 0.5) / cell - 0.5
            for i in (math.floor(py), math.floor(py) + 1):
                for j in (math.floor(px), math.floor(px) + 1):
                    if 0 <= i < rows and 0 <= j < columns:
                        cells[i, j, direction] += math.hypot(u, v) * (1 - abs(py - i)) * (1 - abs(px - j))
    unsigned = cells[..., :9] + cells[..., 9:]
    energy = (unsigned**2).sum(-1)
    found = np.zeros((31, rows, columns))
    for i in range(rows):
        for j in range(columns):
            for index, (up, left) in enumerate([(1, 1), (1, 0), (0, 1), (0, 0)]):
                a, b = min(max(i - up, 0), rows - 2), min(max(j - left, 0), columns - 2)
                norm = 1 / math.sqrt(energy[a : a + 2, b : b + 2].sum() + 1e-4)
                signed = np.minimum(cells[i, j] * norm, 0.2)
                found[:18, i, j] += signed / 2
                found[18:27, i, j] += np.minimum(unsigned[i, j] * norm, 0.2) / 2
                found[27 + index, i, j] = 0.2357 * signed.sum()
    return found


@pytest.mark.parametrize(("shape", "cell"), [((16, 20), 4), ((9, 11), 3), ((7, 6), 2), ((5, 6), 1)])
def test_hog_is_what_the_definition_gives(shape, cell):
    patch = np.random.default_rng(0).integers(0, 256, (2, *shape, 3)).astype(np.uint8)
    full = hog.hog(patch, cell, full=True)
    for one, found in zip(patch, full, strict=True):
        assert found == pytest.approx(slow_hog(one, cell), abs=1e-5)
    assert (hog.hog(patch, cell) == full[:, :18]).all()


def test_hog_of_a_slope_is_one_direction_and_turns_with_it():
    slope = np.repeat(np.arange(24, dtype=np.uint8)[None, :, None] * 9, 24, 0).repeat(3, 2)
    for turns, direction in ((0, 0), (2, 9)):
        found = hog.hog(np.rot90(slope, turns)[None].copy(), 4)[0].sum((1, 2))
        assert found.argmax() == direction and found.sum() == pytest.approx(found[direction])


def test_hog_of_nothing_is_nothing():
    assert not hog.hog(np.full((1, 12, 12, 3), 77, np.uint8), 4, full=True).any()


def scene(seed=0, channels=2, side=6):
    rng = np.random.default_rng(seed)
    wanted = np.fft.rfft2(filters.label(side, side, 1.0))
    return rng.normal(size=(channels, side, side)), wanted


def test_without_a_mask_the_filter_is_the_plain_correlation_filter():
    seen, wanted = scene()
    own = OWN.admm.model_copy(update={"iterations": 2000})
    spectra = np.fft.rfft2(seen)
    plain = spectra * np.conj(wanted) / (np.abs(spectra) ** 2 + 0.05)
    assert filters.learn(seen, wanted, np.ones((6, 6)), own) == pytest.approx(plain, abs=1e-6)


def test_with_a_mask_the_filter_is_the_least_squares_one_of_the_mask():
    """The objective written as least squares over the pixels of the mask, solved directly."""
    seen, wanted = scene(1, 1)
    mask = np.zeros((6, 6))
    mask[1:4, 2:5] = 1
    found = filters.learn(seen, wanted, mask, OWN.admm.model_copy(update={"iterations": 3000}))
    kernel = np.fft.irfft2(found, s=(6, 6))[0]
    pixels = np.argwhere(mask)
    columns = []
    for y, x in pixels:
        unit = np.zeros((6, 6))
        unit[y, x] = 1
        columns.append((np.fft.fft2(seen[0]) * np.conj(np.fft.fft2(unit))).ravel())
    target = np.fft.fft2(filters.label(6, 6, 1.0)).ravel()
    system = np.vstack([np.array(columns).T, math.sqrt(0.05 * 36) * np.eye(len(pixels))])
    best, *_ = np.linalg.lstsq(system, np.concatenate([target, np.zeros(len(pixels))]), rcond=None)
    assert np.abs(kernel[mask == 0]).max() < 1e-12
    assert kernel[mask == 1] == pytest.approx(best.real, abs=1e-6)


def test_the_four_steps_of_the_paper_by_hand():
    """One channel of one value: scalars F, G; mu 5, 15, 20, 20, three multiplier updates."""
    seen, wanted = np.full((1, 1, 1), 2.0), np.array([[1.0]])
    kept = 2 / (4 + 0.05)
    multiplier, mu = 0.0, 5.0
    for step in range(4):
        free = (2 + mu * kept - multiplier) / (4 + mu)
        kept = (mu * free + multiplier) / (0.05 + mu)
        if step < 3:
            multiplier += mu * (free - kept)
            mu = min(20, 3 * mu)
    assert filters.learn(seen, wanted, np.ones((1, 1)), OWN.admm)[0, 0, 0] == pytest.approx(kept, abs=1e-12)


def test_the_label_is_highest_at_no_displacement_and_symmetric():
    found = filters.label(5, 6, 1.0)
    assert found[0, 0] == 1 and found[1, 0] == found[-1, 0] == pytest.approx(math.exp(-0.5))
    assert found[2, 3] == pytest.approx(math.exp(-(4 + 9) / 2))


def test_the_peak_of_a_parabola_is_found_between_cells_and_across_the_border():
    y, x = np.mgrid[0:9, 0:9].astype(float)
    y, x = y - 9 * (y > 4), x - 9 * (x > 4)
    response = 1 - (x + 1.3) ** 2 / 50 - (y - 2.2) ** 2 / 40
    assert filters.peak(response) == pytest.approx((-1.3, 2.2))
    assert filters.peak(np.zeros((4, 4))) == (0, 0)


def test_channel_weights_by_hand():
    responses = np.zeros((3, 8, 8))
    responses[0, 1, 1], responses[0, 5, 5] = 1.0, 0.25
    responses[1, 1, 1], responses[1, 5, 5] = 2.0, 1.8
    assert filters.detection_weights(responses, 0.5) == pytest.approx([0.75, 0.5, 0.5])
    learning = filters.learning_weights(responses)
    assert learning == pytest.approx([1 / 3, 2 / 3, 0])
    assert filters.new_weights(learning, np.array([0.75, 0.5, 0.5])) == pytest.approx([3 / 7, 4 / 7, 0])


def test_the_second_peak_of_many_is_the_one_below_the_first():
    responses = np.zeros((1, 31, 31))
    heights = np.random.default_rng(0).permutation(np.arange(1, 101) / 100)
    responses[0, 1::3, 1::3] = heights.reshape(10, 10)
    assert filters.detection_weights(responses, 0.0) == pytest.approx([0.01])


def test_a_peak_that_goes_on_across_the_border_is_one_peak():
    responses = np.zeros((1, 8, 8))
    responses[0, 0, 0], responses[0, -1, -1], responses[0, 4, 4] = 1.0, 0.9, 0.2
    assert filters.detection_weights(responses, 0.5) == pytest.approx([0.8])


def test_bins_tell_hue_saturation_and_value_apart():
    """Red, pale red, dark red and blue."""
    colours = np.array([[(255, 0, 0), (255, 128, 128), (128, 0, 0), (0, 0, 255)]], np.uint8)
    assert segmentation.bins(colours, 16).tolist() == [
        [15 * 16 + 15, 8 * 16 - 1, 15 * 16 + 8, (10 * 16 + 15) * 16 + 15]
    ]


def test_epanechnikovs_kernel_and_the_prior_by_hand():
    found = segmentation.kernel((9, 9), (4.5, 4.5), (4, 8))
    across, down = 0.5 * 4 * 1.4142 + 1, 0.5 * 8 * 1.4142 + 1
    assert found[4, 4] == 1 and found[5, 6] == pytest.approx(1 - (2 / across) ** 2 - (1 / down) ** 2)
    assert found[4, 0] == 0
    place = segmentation.prior((9, 9), (6, 4), OWN.segmentation)
    assert place[4, 4] == 0.9 and place[0, 0] == 0.5
    assert place[4, 6] == pytest.approx(1 - (2 / across) ** 2)


def test_posteriors_by_hand():
    """Shares .375 and 5/3: equal histograms give 9/49; unseen colours cannot be told."""
    front, back = np.array([0.5, 0.5, 0, 0]), np.array([0.5, 0, 0.5, 0])
    found = segmentation.posterior(np.arange(4), front, back, 5 / 3)
    assert found == pytest.approx([9 / 49, 1, 0, 0.5])


def test_histograms_are_of_the_box_and_of_the_ring_around_it():
    image = np.zeros((60, 60, 3), np.uint8)
    image[20:40, 20:40] = (255, 0, 0)
    image[:9] = image[51:] = (0, 0, 255)
    front, back = segmentation.histograms(image, (30, 30), (20, 20), 16)
    red, black, blue = (
        segmentation.bins(np.array([[c]], np.uint8), 16)[0, 0] for c in ((255, 0, 0), 3 * (0,), (0, 0, 255))
    )
    assert front[red] == pytest.approx(1) and back[black] == pytest.approx(1) and back[blue] == 0
    _, nothing = segmentation.histograms(image, (30, 30), (60, 60), 16)
    assert not nothing.any()


def test_smoothing_follows_neighbours_and_keeps_a_clear_picture():
    likely = np.full((30, 30), 0.05)
    likely[8:22, 8:22] = 0.95
    likely[15, 15] = 0.05
    found = segmentation.smooth(likely, np.full((30, 30), 0.5), OWN.segmentation)
    assert found[15, 15] > 0.5 and found[10, 10] > 0.9 and found[2, 2] < 0.1


def test_the_mask_is_the_coloured_shape_and_falls_back_to_the_rectangle():
    patch = np.zeros((80, 80, 3), np.uint8)
    patch[20:60, 30:50] = (255, 0, 0)
    inside, box = np.ones((80, 80), bool), segmentation.rectangle((20, 20), (5, 10))
    histogram = segmentation.histograms(patch, (40, 40), (20, 40), 16)
    found = segmentation.mask(patch, inside, histogram, (20, 40), box, OWN.segmentation)
    assert found[6:14, 8:12].all() and not found[:3].any() and not found[:, :5].any()
    inside[:] = False
    assert segmentation.mask(patch, inside, histogram, (20, 40), box, OWN.segmentation) is box


def test_scales_are_powers_of_the_step():
    found = scales.factors(OWN.scales)
    assert len(found) == 33 and found[16] == 1
    assert found == pytest.approx([1.02**k for k in range(16, -17, -1)])
    assert (found[0], found[-1]) == pytest.approx((1.373, 0.728), abs=1e-3)


def test_a_target_may_keep_its_size_and_no_model_is_less_than_two_cells():
    """One of less than 5 pixels does not grow, one larger than the frame does not shrink."""
    assert scales.limits((3.0, 4.0), (320, 240), 1.02)[0] == 1.0 < scales.limits((3.0, 4.0), (320, 240), 1.02)[1]
    assert (
        scales.limits((400.0, 300.0), (320, 240), 1.02)[1] == 1.0 > scales.limits((400.0, 300.0), (320, 240), 1.02)[0]
    )
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    assert scales.ScaleFilter(OWN.scales, image, (40.0, 30.0), (6.0, 12.0))._model == (8, 12)


def test_the_basis_of_colour_names_is_orthonormal_and_its_inverse_sums_to_one():
    basis = colours.basis()
    assert basis.T @ basis == pytest.approx(np.eye(10), abs=1e-15)
    assert basis.sum(0) == pytest.approx(np.zeros(10), abs=1e-15)
    back = 1 / 11 + colours.table(None) @ basis.T
    assert back.sum(1) == pytest.approx(np.ones(32768), abs=1e-6)
    assert back == pytest.approx(colours.approximate(), abs=1e-6) and back.min() > -1e-6


def test_plain_colours_have_their_names():
    likely, names = colours.approximate(), list(colours.PROTOTYPES)
    for name, (r, g, b) in colours.PROTOTYPES.items():
        assert names[likely[r // 8 + 32 * (g // 8) + 1024 * (b // 8)].argmax()] == name


def test_a_users_table_is_read_as_channels_likelihoods_or_with_colours(tmp_path):
    from scipy.io import savemat

    likely = np.random.default_rng(0).dirichlet(np.ones(11), 32768)
    wanted = likely @ colours.basis()
    np.save(tmp_path / "a.npy", wanted)
    savemat(tmp_path / "b.mat", {"w2c": np.hstack([np.zeros((32768, 3)), likely])})
    np.savetxt(tmp_path / "c.txt", likely[:, :], fmt="%.9g", delimiter=",")
    for name in ("a.npy", "b.mat", "c.txt"):
        assert colours.read(tmp_path / name) == pytest.approx(wanted, abs=1e-8)


def test_of_two_tables_in_a_mat_none_is_chosen_by_chance(tmp_path):
    from scipy.io import savemat

    table = np.zeros((32768, 10))
    savemat(tmp_path / "two.mat", {"w2c": table, "note": [1.0], "other": table})
    with pytest.raises(InputError, match=r"two\.mat: w2c and other are equally large.*save one alone"):
        colours.read(tmp_path / "two.mat")
    savemat(tmp_path / "one.mat", {"note": [1.0], "w2c": table})
    assert colours.read(tmp_path / "one.mat").shape == (32768, 10)


@pytest.mark.parametrize(("name", "said"), [("few.txt", "3 x 2"), ("words.txt", "no table"), ("nan.npy", "finite")])
def test_a_file_that_is_no_table_is_named(tmp_path, name, said):
    (tmp_path / "few.txt").write_text("1 2\n3 4\n5 6\n")
    (tmp_path / "words.txt").write_text("red green\n")
    np.save(tmp_path / "nan.npy", np.full((32768, 10), np.nan))
    with pytest.raises(InputError, match=rf"{name}.*{said}"):
        colours.read(tmp_path / name)
    with pytest.raises(MissingError, match="colour_names"):
        colours.read(tmp_path / "none.npy")


def test_channels_of_colour_names_are_means_over_cells():
    patch = np.zeros((4, 8, 3), np.uint8)
    patch[:, 4:] = (255, 255, 255)
    values = colours.table(None)
    found = colours.channels(patch, 4, values)
    assert found.shape == (10, 1, 2)
    assert found[:, 0, 0] == pytest.approx(values[0]) and found[:, 0, 1] == pytest.approx(values[-1])


def ramp(height=40, width=50):
    """A float picture whose value at a place is linear, so that sampling can be checked exactly."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return (2 * x + 3 * y).astype(np.float32)


@pytest.mark.parametrize(
    ("sides", "size"), [((12, 9), (12, 9)), ((24, 18), (8, 6)), ((7, 5), (14, 10)), ((20, 20), (7, 9))]
)
def test_a_cut_has_its_pixels_where_they_belong(sides, size):
    found = patches.cut(ramp(), (25.25, 20.5), sides, size)
    x = 25.25 + ((np.arange(size[0]) + 0.5) / size[0] - 0.5) * sides[0]
    y = 20.5 + ((np.arange(size[1]) + 0.5) / size[1] - 0.5) * sides[1]
    assert found == pytest.approx(2 * x[None] + 3 * y[:, None], abs=0.2)


def test_outside_the_picture_its_border_goes_on():
    for block in (1, 3):
        found = patches.cut(ramp(), (-100, 20), (30 * block, 30), (10, 10))
        assert np.ptp(found, axis=1).max() < 1e-3
