"""MDNet's two public generations: the numbers that are not settings of their own [R31].

v1 is the release of 2017, which the paper's baseline builds on; v2 that of 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dat.regions.sampling import BoxSampler, Range


@dataclass(frozen=True)
class Generation:
    """How samples are drawn: (translation, scale) of each sampler, aspects, ranges of overlap with the target.

    growth: how fast the search widens on failure, 0 for at once. whole_first: the first memory entry holds
    all positives of the first frame and new negatives. fill: what lies outside the image [R33].
    """

    positive: tuple[float, float]
    first_negative: tuple[float, float]
    whole_scale: float
    update_positive: tuple[float, float]
    update_negative: tuple[float, float]
    aspect: float | None
    reciprocal: bool
    growth: float
    whole_first: bool
    area_at_sampling: bool
    fill: float | tuple[float, float, float] = 128.0
    positive_overlap: Range = (0.7, 1.0)
    first_negative_overlap: Range = (0.0, 0.5)
    update_negative_overlap: Range = (0.0, 0.3)
    regression_translation: float = 0.3
    regression_aspect: float = 1.1
    regression_overlap: Range = (0.6, 1.0)
    regression_area: Range = (1.0, 2.0)


V1 = Generation(
    positive=(0.1, 1.2),
    first_negative=(1.0, 2.0),
    whole_scale=1.2,
    update_positive=(0.1, 1.2),
    update_negative=(1.5, 1.2),
    aspect=1.1,
    reciprocal=True,
    growth=0.0,
    whole_first=False,
    area_at_sampling=True,
)
V2 = replace(
    V1,
    positive=(0.1, 1.3),
    first_negative=(1.0, 1.6),
    whole_scale=1.0,
    update_positive=(0.1, 1.3),
    update_negative=(2.0, 1.3),
    aspect=None,
    reciprocal=False,
    growth=1.1,
    whole_first=True,
    area_at_sampling=False,
    fill=(128.0, 0.0, 0.0),
)
GENERATIONS = {"v1": V1, "v2": V2}


@dataclass(frozen=True)
class Samplers:
    """The samplers of one sequence: its frame size (width, height) and the shortest side of a sample."""

    generation: Generation
    size: tuple[int, int]
    least: float

    def _sampler(
        self, kind: str, numbers: tuple[float, float], aspect: float | None, valid: bool = False
    ) -> BoxSampler:
        rule = self.generation.reciprocal
        return BoxSampler(kind, self.size, *numbers, aspect=aspect, valid=valid, least=self.least, reciprocal=rule)  # type: ignore[arg-type]

    def candidates(self, translation: float, scale: float, valid: bool) -> BoxSampler:
        """Around the last box, in every frame."""
        return self._sampler("gaussian", (translation, scale), None, valid)

    def positives(self, first: bool) -> BoxSampler:
        """Near the target."""
        rules = self.generation
        return self._sampler("gaussian", rules.positive if first else rules.update_positive, None)

    def near_negatives(self) -> BoxSampler:
        """The first frame's negatives around the target."""
        return self._sampler("uniform", self.generation.first_negative, self.generation.aspect)

    def whole_negatives(self) -> BoxSampler:
        """The first frame's negatives over the whole frame."""
        return self._sampler("whole", (1.0, self.generation.whole_scale), self.generation.aspect)

    def update_negatives(self) -> BoxSampler:
        """The negatives of a later frame."""
        return self._sampler("uniform", self.generation.update_negative, None)

    def regression(self, scale: float) -> BoxSampler:
        """What the box regression learns from."""
        rules = self.generation
        return self._sampler("uniform", (rules.regression_translation, scale), rules.regression_aspect)
