"""What params.yaml lets one choose is what the code knows, no more and no less."""

from collections.abc import Collection
from typing import Any, get_args

import pytest

from dat.base import sections
from dat.models import gpgnet, graph, layers, optimisers, vggm
from dat.tracking.mdnet import generations
from dat.training import losses


def choices(section: type[sections.Section], field: str) -> set[Any]:
    """The values that a setting may have; of a list, its elements'."""
    annotation = section.model_fields[field].annotation
    inner = get_args(annotation)
    return {choice for one in inner for choice in (get_args(one) or (one,))}


@pytest.mark.parametrize(
    ("section", "field", "known"),
    [
        (sections.GraphSettings, "similarity", graph.SIMILARITIES),
        (sections.GraphSettings, "adjacency", graph.ADJACENCIES),
        (sections.SalnetTraining, "loss", losses.CLASSIFICATION),
        (sections.SalnetTraining, "triplets", losses.TRIPLETS),
        (sections.NetworkSettings, "init", layers.INITS),
        (sections.NetworkSettings, "normalisation", vggm.NORMALISATIONS),
        (sections.Gpgnet, "inputs", gpgnet.INPUTS),
        (sections.GpgnetTraining, "encoder", gpgnet.CONVOLUTIONS),
        (sections.Tracking, "mdnet", generations.GENERATIONS),
    ],
)
def test_a_setting_has_the_choices_that_the_code_has(
    section: type[sections.Section], field: str, known: Collection[str]
) -> None:
    assert choices(section, field) == set(known)


def test_every_optimiser_is_chosen_by_some_training() -> None:
    trainings = (sections.SalnetTraining, sections.GpgnetTraining)
    assert {name for one in trainings for name in choices(one, "optimiser")} == set(optimisers.OPTIMISERS)
