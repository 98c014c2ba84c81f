# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the gestures: the thumbnails of the panel's picture menu, and the sheet of the documentation.

python tools/draw_gestures.py                                  both, from the sample human
python tools/draw_gestures.py --human FILE.blend --sheet OUT.png [--turn DEGREES]     a sheet to look at, only
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from handdiff_addon.rig.gestures import GESTURES, Gesture  # noqa: E402
from handdiff_addon.rig.keypoints import FINGERS  # noqa: E402
from handdiff_addon.scene.studio import Lights, Studio  # noqa: E402
from handdiff_addon.scene.wardrobe import Cloth, Outfit  # noqa: E402
from handdiff_addon.training.arm_poses import RELAXED  # noqa: E402
from handdiff_addon.training.build import Build  # noqa: E402
from handdiff_addon.training.dataset import open_studio  # noqa: E402
from handdiff_addon.training.poses import ArmPose, BodyPose, HandShape, solve  # noqa: E402

THUMBNAILS = ROOT / "panels" / "pictures"
SHEET = ROOT / "docs" / "images" / "gestures.png"
THUMBNAIL = 96
"""Pixels"""
CELL = 176
COLUMNS = 6
OVERSAMPLING = 4
DOWN = (0.3, -0.9, 0.1)
UPRIGHT = ((0.55, 0.0, 0.55), (0.5, -1.0, -0.2), 0.0)
HELD = {
    "Like": ((0.45, -0.2, 0.6), (0.7, -0.7, -0.2), 60.0),
    "Dislike": ((0.5, 0.0, 0.65), (1.0, 0.3, -0.2), -60.0),
    "Mute": ((-0.32, 0.0, 0.32), (0.5, -0.6, -0.2), 0.0),
}
"""Where the wrist is, from the shoulder in lengths of the arm, where the elbow points, and how far the camera goes
round, degrees"""
OUTFIT = Outfit(
    shirt=Cloth((0.27, 0.42, 0.62)),
    trousers=Cloth((0.2, 0.2, 0.22)),
    shoes=(0.2, 0.2, 0.2),
    hair=(0.2, 0.15, 0.1),
    skin=(0.88, 0.70, 0.58),
)
LIGHTS = Lights(key=(-0.7, 0.7), key_strength=0.75, fill=(1.1, 0.1), fill_strength=0.08, ambient=0.3, softness=0.15)


def photograph(studio: Studio, gesture: Gesture, turn: float) -> Image.Image:
    """The right hand making a gesture, on nothing.

    Args:
        studio: with the person.
        gesture: which one.
        turn: degrees by which the camera goes round the hand, from in front towards the picture's right.
    """
    towards, elbow, own_turn = HELD.get(gesture.label, UPRIGHT)
    back = gesture.palm[2] == -1.0
    palm = (0.0, 0.0, 1.0) if back else gesture.palm
    build = Build.measure(studio.rest, studio.wardrobe.trunk)
    arms = {
        "left": ArmPose("down", reach(build, DOWN), (0.3, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
        "right": ArmPose("raised", reach(build, towards), elbow, gesture.fingers, palm),
    }
    hands = {"left": HandShape(None, RELAXED), "right": HandShape(None, gesture.hand)}
    studio.pose(solve(BodyPose("", arms, hands), build))
    bones = studio.posed()
    wrist, knuckle = bones["right_hand"].head, bones["right_middle_1"].head
    size = float(np.linalg.norm(knuckle - wrist))
    fingers = [bones[f"right_{finger}_{k}"] for finger in FINGERS for k in (1, 2, 3)]
    points = np.array([wrist, *(point for bone in fingers for point in (bone.head, bone.tail))])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    angle = np.radians(turn + own_turn + (180.0 if back else 0.0))
    away = np.array([np.sin(angle), -np.cos(angle), 0.0])
    studio.aim(centre + 14 * size * away, centre, 0.0, 36.0 * 14 / 2.65)
    studio.wardrobe.dress(OUTFIT)
    studio.hang(np.full((studio.size, studio.size, 3), 255, dtype=np.uint8))
    studio.light(LIGHTS)
    truth = studio.truth()
    picture = Image.fromarray(studio.photograph(truth.person_mask))
    # What hangs together with the wrist and is not far behind it, such as the trunk, is drawn.
    near = Image.fromarray((truth.person_mask & (truth.metric_depth < 17 * size)).astype(np.uint8) * 255).copy()
    x, y = truth.people[0].hands["right"][0]
    ImageDraw.floodfill(near, (int(x), int(y)), 128)
    picture.putalpha(near.point(lambda value: 255 if value == 128 else 0))
    return picture


def reach(build: Build, towards: tuple[float, float, float]) -> tuple[float, float, float]:
    """A place at that many lengths of the arm from the shoulder."""
    outward, up, forward = build.shoulder + build.arm * np.array(towards)
    return float(outward), float(up), float(forward)


def small(picture: Image.Image, size: int) -> Image.Image:
    """Scaled down, without the backdrop's colour in the outline."""
    pixels = np.asarray(picture, dtype=np.float64) / 255
    pixels[..., :3] *= pixels[..., 3:]
    step = pixels.shape[0] // size
    pixels = pixels.reshape(size, step, size, step, 4).mean(axis=(1, 3))
    pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
    return Image.fromarray(np.round(pixels * 255).astype(np.uint8), "RGBA")


def sheet(pictures: dict[str, Image.Image], path: Path) -> None:
    """All pictures with their names, on white."""
    rows = -(-len(pictures) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + 22)), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(14)
    for number, (name, picture) in enumerate(pictures.items()):
        x, y = number % COLUMNS * CELL, number // COLUMNS * (CELL + 22)
        page.paste(picture, (x, y), picture)
        draw.text((x + CELL / 2, y + CELL + 10), GESTURES[name].label, "black", font, anchor="mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human", type=Path, help="a rigged person's .blend (default: the sample human)")
    parser.add_argument("--sheet", type=Path, help="write this sheet alone")
    parser.add_argument("--turn", type=float, default=0.0, help="degrees that the camera goes round the hand")
    args = parser.parse_args()
    studio = open_studio(args.human, CELL * OVERSAMPLING, samples=16)
    photos = {name: photograph(studio, gesture, args.turn) for name, gesture in GESTURES.items()}
    sheet({name: small(photo, CELL) for name, photo in photos.items()}, args.sheet or SHEET)
    if args.sheet is None:
        THUMBNAILS.mkdir(exist_ok=True)
        for name, photo in photos.items():
            small(photo.resize((THUMBNAIL * OVERSAMPLING,) * 2), THUMBNAIL).save(
                THUMBNAILS / f"{name}.png", optimize=True
            )


if __name__ == "__main__":
    main()
