# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a frame as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..files import save_image
from .frame import Conditioning
from .openpose import write_pose


def write_passes(conditioning: Conditioning, directory: Path) -> None:
    """Write the passes as files: PNG without colour management, and ``pose.json``.

    Raises:
        OutputError: where they cannot be written.
    """
    pictures = {
        "skeleton": conditioning.skeleton,
        "hands_mask": conditioning.hands_mask,
        "left_hand_mask": conditioning.hand_mask("left"),
        "right_hand_mask": conditioning.hand_mask("right"),
        "person_mask": conditioning.person_mask,
        "depth": conditioning.depth,
    }
    for name, picture in pictures.items():
        pixels = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
        save_image(Image.fromarray(pixels), directory / f"{name}.png")
    write_pose(conditioning, directory / "pose.json")
