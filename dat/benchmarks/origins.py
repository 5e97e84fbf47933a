"""What the files of a layout count pixels from: 1 as MATLAB does, VOT's from 0."""

from typing import Literal

Origin = Literal[0, 1]

ORIGINS: dict[str, Origin] = {"otb": 1, "tc128": 1, "lasot": 1, "tlp": 1, "dtb70": 1, "vot": 0}
