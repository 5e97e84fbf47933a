"""What the files of a layout count pixels from: 1 as MATLAB does, VOT's and a user's own from 0."""

from typing import Literal

Origin = Literal[0, 1]

ORIGINS: dict[str, Origin] = {
    **dict.fromkeys(("otb", "otb99", "tc128", "lasot", "tlp", "dtb70", "tnl2k"), 1),
    **dict.fromkeys(("vot", "plain"), 0),
}
