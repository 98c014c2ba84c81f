# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame's conditioning at the size that it is painted at, and parts of it at sizes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..conditioning.body_map import arm_reach, body_map
from ..conditioning.crops import Box, move_pose, resize, sample, scale_pose
from ..conditioning.depth import depth_picture, hand_depth_picture
from ..conditioning.flow import static_points
from ..conditioning.frame import Conditioning, Held, PersonPose
from ..conditioning.garments import Kinds, Sleeves, face_of, legs_of, sleeves_of, told_kinds, usual_kinds, worn_places
from ..conditioning.head import Head, divide_head, usual_hair
from ..conditioning.hint import person_normals
from ..conditioning.normals import normal_picture
from ..conditioning.skeleton import draw_skeleton
from ..request import SIDES, GenerationRequest, Side, SkeletonSettings

_HAIRLINE = 6.0
"""Steps of the body map's green above the usual hairline in which a model may paint hair and skin mixed"""


@dataclass
class Frame:
    """What both stages know of a frame.  Masks are bool (H, W) at the painted size."""

    source: Conditioning
    """At the frame's own size"""
    people: list[PersonPose]
    sides: list[list[Side]]
    """Hands that stage 1 can paint, per person"""
    masks: list[dict[Side, np.ndarray]]
    """What the camera sees of each hand, per person"""
    bodies: list[np.ndarray]
    """What the camera sees of each person"""
    person_mask: np.ndarray
    skeleton: np.ndarray
    picture: np.ndarray | None
    """(H, W, 3) uint8, the scene as rendered, where the request uses it"""
    around: np.ndarray | None
    """The pixels that keep the render, where only the person is painted"""
    held: Held | None
    """At the painted size, and nothing of it around the person where only that is painted"""
    settings: SkeletonSettings
    width: int
    height: int

    @cached_property
    def base(self) -> np.ndarray:
        """What is there before the hands are (H, W, 3) uint8: the render or grey, and over it what is held."""
        base = np.full((self.height, self.width, 3), 127, np.uint8) if self.picture is None else self.picture
        return base if self.held is None else np.where(self.held.mask[..., None], self.held.picture, base)

    def at_source(self, box: Box) -> Box:
        """A box of the painted frame in pixels of the source, which may be finer."""
        across, down = self.source.width / self.width, self.source.height / self.height
        left, top, right, bottom = box
        return round(left * across), round(top * down), round(right * across), round(bottom * down)

    @cached_property
    def normals(self) -> np.ndarray | None:
        """The people's normals as colours (H, W, 3) uint8, at the source's own size, which may be finer."""
        if self.source.normals is None:
            return None
        return person_normals(normal_picture(self.source.normals), self.source.person_mask)

    @cached_property
    def body_map(self) -> np.ndarray | None:
        """(H, W, 3) uint8 at the painted size; None where the people's keypoints in space are unknown."""
        if not self.source.keypoints:
            return None
        return body_map(self._points, self.source.keypoints, self.bodies, self.masks)

    def places(self, sleeves: Sequence[Sleeves] = ()) -> np.ndarray | None:
        """The body map with what people wear where it belongs, as far as the materials tell, and else by the usual cut
        with these sleeves, one per person; without them, nothing moves that the materials do not tell."""
        if self.body_map is None:
            return None
        places = self.body_map
        for person in range(len(self.bodies)):
            kinds = self._kinds(person, sleeves)
            places = places if kinds is None else worn_places(places, kinds)
        return places

    def kinds(self, sleeves: Sequence[Sleeves]) -> np.ndarray:
        """(H, W) int32, a number for each kind of cloth that a person wears, and for skin and hair, as :meth:`places`
        has them; 0 where that is not known, and on hands."""
        numbers = np.zeros((self.height, self.width), np.int32)
        if self.body_map is None:
            return numbers
        for person in range(len(self.bodies)):
            if kinds := self._kinds(person, sleeves):
                for place, kind in enumerate(kinds, 1 + len(kinds) * person):
                    numbers[kind] = place
        return numbers

    def surfaces(self, sleeves: Sequence[Sleeves]) -> list[tuple[np.ndarray, np.ndarray]]:
        """What is of one colour: every person's shirt, trousers, hair, and bare arms and legs, as :meth:`kinds` has
        them; (H, W) bool each, and what of it is sure to be painted so."""
        found: list[tuple[np.ndarray, np.ndarray]] = []
        if self.body_map is None:
            return found
        for person in range(len(self.bodies)):
            if kinds := self._kinds(person, sleeves):
                cloth_and_skin = kinds.top, kinds.bottom, self._bare_limbs(person, kinds)
                found += [(own, own) for own in cloth_and_skin]
                # Where this mesh has hair and most have none, a model may paint skin, and at the hairline in part.
                sure = kinds.hair & usual_hair(self.body_map, _HAIRLINE)
                if self._told[person]:
                    sure |= kinds.hair & ~usual_hair(self.body_map)
                found.append((kinds.hair, sure))
        return found

    def skin(self, person: int, sleeves: Sequence[Sleeves]) -> np.ndarray:
        """(H, W) bool, a person's face and bare arms and legs, as far as they are known."""
        if self.body_map is None:
            return np.zeros((self.height, self.width), bool)
        kinds = self._kinds(person, sleeves)
        face = face_of(self.body_map, self.bodies[person] & ~self.hands(person) & ~self._arms(person))
        return face if kinds is None else face | self._bare_limbs(person, kinds)

    def _bare_limbs(self, person: int, kinds: Kinds) -> np.ndarray:
        assert self.body_map is not None
        return kinds.skin & (self._arms(person) | legs_of(self.body_map))

    def _kinds(self, person: int, sleeves: Sequence[Sleeves]) -> Kinds | None:
        told = self._told[person]
        if told or not sleeves:
            return told
        assert self.body_map is not None
        seen = self.body_map, self.bodies[person], self.hands(person)
        return usual_kinds(*seen, self._arm_reach, sleeves[person], self._heads[person] if self._heads else None)

    @cached_property
    def _told(self) -> list[Kinds | None]:
        """What the materials tell, per person."""
        if self.body_map is None or self._materials is None:
            return [None] * len(self.bodies)
        return [
            told_kinds(self.body_map, body, self.hands(person), self._materials)
            for person, body in enumerate(self.bodies)
        ]

    def _arms(self, person: int) -> np.ndarray:
        """(H, W) bool at the painted size."""
        arms = self.source.masks[person].arms
        return self.bodies[person] & (arms is not None and resize(arms, self.width, self.height))

    def sleeves(self, person: int) -> Sleeves:
        """Which sleeves a person wears, as far as the materials tell."""
        if self._materials is None or self.body_map is None:
            return ""
        return sleeves_of(self.body_map, self.bodies[person], self.hands(person), self._materials)

    @cached_property
    def _heads(self) -> list[Head]:
        """Per person; none where normals are unknown."""
        if self.body_map is None or self.source.normals is None:
            return []
        normals = self._sampled(self.source.normals, 0.0)
        bodies = [body & ~self.hands(person) & ~self._arms(person) for person, body in enumerate(self.bodies)]
        return [divide_head(self.body_map, body, normals) for body in bodies]

    @cached_property
    def _arm_reach(self) -> np.ndarray:
        arms = [self._arms(person) for person in range(len(self.bodies))]
        return arm_reach(self._points, self.source.keypoints, arms)

    @cached_property
    def _points(self) -> np.ndarray:
        """(H, W, 3) places in the world at the painted size, metres."""
        return static_points(self._sampled(self.source.metric_depth, np.inf), self.source.camera)

    @cached_property
    def _materials(self) -> np.ndarray | None:
        """(H, W) at the painted size; None where they are unknown."""
        return None if self.source.materials is None else self._sampled(self.source.materials, -1)

    def _sampled(self, array: np.ndarray, fill: float) -> np.ndarray:
        """What the source shows at the middle of each pixel of the painted size."""
        whole = (0.0, 0.0, float(self.source.width), float(self.source.height))
        return sample(array, whole, self.width, self.height, fill)

    def hands(self, person: int) -> np.ndarray:
        """(H, W) bool, what the camera sees of a person's hands."""
        return self.masks[person]["left"] | self.masks[person]["right"]


def at_size(conditioning: Conditioning, request: GenerationRequest, size: tuple[int, int]) -> Frame:
    """The frame at a size (width, height) in pixels."""
    width, height = size
    people = [scale_pose(pose, (conditioning.width, conditioning.height), size) for pose in conditioning.people]
    picture = conditioning.picture if request.needs_picture else None
    person_mask = resize(conditioning.person_mask, width, height)
    around = ~person_mask if request.paint == "person" else None
    held = conditioning.held
    if held is not None:
        mask = resize(held.mask, width, height)
        mask = mask if around is None else mask & ~around
        held = replace(held, picture=resize(held.picture, width, height), mask=mask)
    return Frame(
        source=conditioning,
        people=people,
        sides=[conditioning.usable_hands(person) for person in range(len(people))],
        masks=[{side: resize(own.hands[side], width, height) for side in SIDES} for own in conditioning.masks],
        bodies=[resize(own.person, width, height) for own in conditioning.masks],
        person_mask=person_mask,
        skeleton=draw_skeleton(people, width, height, request.skeleton),
        picture=None if picture is None else resize(picture, width, height),
        around=around,
        held=held,
        settings=request.skeleton,
        width=width,
        height=height,
    )


def cells(mask: np.ndarray, cell: int) -> np.ndarray:
    """A mask (H, W) as the pixels of its latent cells (H / cell, cell, W / cell, cell)."""
    return mask.reshape(mask.shape[0] // cell, cell, mask.shape[1] // cell, cell)


@dataclass(frozen=True)
class View:
    """A rectangle of the painted frame, seen at a size of its own: the whole frame, a hand's crop, a tile."""

    frame: Frame
    box: Box
    """In pixels of the painted frame; may stick out"""
    width: int
    height: int

    @classmethod
    def whole(cls, frame: Frame) -> View:
        return cls(frame, (0, 0, frame.width, frame.height), frame.width, frame.height)

    def openpose(self) -> np.ndarray:
        """The skeleton (height, width, 3) uint8, its strokes as wide as in a picture of this view's size."""
        people = [move_pose(pose, self.box, (self.width, self.height)) for pose in self.frame.people]
        return draw_skeleton(people, self.width, self.height, self.frame.settings)

    def depth(self) -> np.ndarray:
        """Depth (height, width) uint8 with the range of the person as far as seen here."""
        source = self.frame.source
        return depth_picture(self._sample(source.metric_depth, np.inf), self._sample(source.person_mask, False))

    def hand_depth(self) -> np.ndarray:
        """Each hand's own depth (height, width) uint8, 0 elsewhere."""
        hands = [masks.hands[side] for masks in self.frame.source.masks for side in SIDES]
        return hand_depth_picture(
            self._sample(self.frame.source.metric_depth, np.inf), [self._sample(hand, False) for hand in hands]
        )

    def normal(self) -> np.ndarray | None:
        """Normals as colours (height, width, 3) uint8; None where the frame has none."""
        normals = self.frame.source.normals
        return None if normals is None else normal_picture(self._sample(normals, 0.0))

    def _sample(self, array: np.ndarray, fill: float) -> np.ndarray:
        """The source's own pixels: where the frame was rendered larger than it is painted, nothing is lost."""
        scale = (self.frame.source.width / self.frame.width, self.frame.source.height / self.frame.height)
        left, top, right, bottom = (edge * scale[index % 2] for index, edge in enumerate(self.box))
        return sample(array, (left, top, right, bottom), self.width, self.height, fill)
