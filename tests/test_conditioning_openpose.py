# SPDX-License-Identifier: GPL-3.0-or-later
"""``pose.json`` reads in other tools and comes back whole; anything else is refused in one sentence."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.frame import PersonPose
from handdiff_addon.conditioning.openpose import from_openpose, read_pose, to_openpose
from handdiff_addon.errors import UsageError

CAMERA = Camera(np.eye(4), np.diag([1.0, 2.0, 3.0, 4.0]), 640, 480, "Kamera")


def person(seed: int = 0, name: str = "Rig") -> PersonPose:
    random = np.random.default_rng(seed)

    def points(count):
        placed = random.uniform(-100, 700, (count, 2))
        words = list(random.choice(["visible", "occluded", "outside", "behind", "absent"], count))
        return placed, [str(word) for word in words]

    body, words = points(18)
    left, left_words = points(21)
    right, right_words = points(21)
    return PersonPose(name, body, words, {"left": left, "right": right}, {"left": left_words, "right": right_words})


def foreign(**changes) -> dict:
    """A file as other tools write it."""
    body = [10.0, 20.0, 0.9] * 17 + [0, 0, 0]
    return {
        "people": [{"pose_keypoints_2d": body, "hand_left_keypoints_2d": None, "face_keypoints_2d": None}],
        "canvas_width": 64,
        "canvas_height": 48,
        **changes,
    }


@given(st.lists(st.integers(0, 10_000), max_size=3), st.integers(-100, 100_000))
@settings(max_examples=25, deadline=None)
def test_there_and_back(seeds, frame):
    people = [person(seed, f"Rig {seed}") for seed in seeds]
    data = json.loads(json.dumps(to_openpose(people, CAMERA, frame), allow_nan=False))
    back = from_openpose(data)
    assert (back.width, back.height, back.frame) == (640, 480, frame)
    assert back.camera is not None
    assert back.camera.name == "Kamera"
    np.testing.assert_array_equal(back.camera.projection, CAMERA.projection)
    assert [p.name for p in back.people] == [p.name for p in people]
    for read, written in zip(back.people, people):
        np.testing.assert_allclose(read.body, written.body, atol=6e-4)
        assert read.body_visibility == written.body_visibility
        assert read.hand_visibility == written.hand_visibility
        for side in ("left", "right"):
            np.testing.assert_allclose(read.hands[side], written.hands[side], atol=6e-4)


def test_what_other_tools_read():
    data = to_openpose([person()], CAMERA, 1)
    (entry,) = data["people"]
    assert (data["canvas_width"], data["canvas_height"]) == (640, 480)
    for key, count in (("pose", 18), ("hand_left", 21), ("hand_right", 21)):
        triplets = np.array(entry[f"{key}_keypoints_2d"]).reshape(-1, 3)
        assert len(triplets) == count
        assert set(triplets[:, 2]) == {0.0, 1.0}, "readers drop points under 1"
        assert (triplets[triplets[:, 2] == 0] == 0).all()


def test_own_pixels_are_never_taken_for_shares():
    """A body in the picture's corner pixel comes back where it was."""
    tiny = person()
    tiny.body[:] = np.nan
    tiny.body[0] = [0.5, 0.25]
    tiny.body_visibility[:] = ["visible", *["absent"] * 17]
    assert from_openpose(to_openpose([tiny], CAMERA, 1)).people[0].body[0] == pytest.approx([0.5, 0.25])


def test_pixels_and_shares_of_foreign_files():
    pixels = from_openpose(foreign())
    assert pixels.people[0].body[0] == pytest.approx([10, 20])
    assert pixels.people[0].body_visibility == ["visible"] * 17 + ["absent"]
    assert np.isnan(pixels.people[0].hands["right"]).all()
    assert pixels.camera is None
    shares = foreign()
    shares["people"][0]["pose_keypoints_2d"] = [0.5, 0.25, 1] * 18
    shares["people"][0]["hand_left_keypoints_2d"] = [30, 40, 1] * 21
    read = from_openpose(shares).people[0]
    assert read.body[0] == pytest.approx([32, 12])
    assert read.hands["left"][0] == pytest.approx([30, 40]), "each part on its own"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"people": None}, "people"),
        ({"canvas_width": None}, "canvas_width"),
        ({"canvas_height": 0}, "canvas_height"),
        ({"canvas_height": float("nan")}, "canvas_height"),
        ({"people": [[]]}, "people[0]"),
        ({"people": [{"pose_keypoints_2d": [1, 2, 1] * 25}]}, "BODY_25"),
        ({"people": [{"pose_keypoints_2d": [1, 2] * 18}]}, "pose_keypoints_2d"),
        ({"people": [{"pose_keypoints_2d": [float("nan"), 2, 1] * 18}]}, "finite"),
        ({"people": [{"pose_keypoints_2d": [float("inf"), 2, 1] * 18}]}, "finite"),
        ({"people": [{"pose_keypoints_2d": ["1", 2, 1] * 18}]}, "finite"),
        ({"people": [{"hand_right_keypoints_2d": {"0": 1}}]}, "hand_right_keypoints_2d"),
        ({"handdiff": {"schema_version": 99}}, "99"),
    ],
)
def test_refusals_name_the_thing(changes, named):
    with pytest.raises(UsageError, match=named.replace("[", r"\[").replace("]", r"\]")) as caught:
        from_openpose(foreign(**changes))
    assert ": " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"people"',
        "\ufeff{}",
        "[" * 100_000,
        '{"people": [NaN]}',
        '{"people": [], "canvas_width": 9, "canvas_height": 9, "extra": NaN}',
    ],
)
def test_files_that_are_no_pose(tmp_path, text):
    path = tmp_path / "pose.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"pose\.json"):
        read_pose(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json"):
        read_pose(tmp_path / "none.json")
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match=r"picture\.json"):
        read_pose(tmp_path / "picture.json")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def paths(node, prefix=()):
    """Where anything stands in a JSON tree (of long lists only the first entries)."""
    yield prefix
    items = node.items() if isinstance(node, dict) else enumerate(node[:4]) if isinstance(node, list) else ()
    for key, value in items:
        yield from paths(value, (*prefix, key))


OWN = to_openpose([person(1), person(2)], CAMERA, 7)


@given(st.sampled_from(sorted(paths(OWN), key=str)), values, st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_spoilt_file_is_read_or_refused_but_never_a_fault(path, value, remove):
    data = copy.deepcopy(OWN)
    if not path:
        data = value
    else:
        node = data
        for key in path[:-1]:
            node = node[key]
        if remove:
            del node[path[-1]]
        else:
            node[path[-1]] = value
    try:
        pose = from_openpose(data)
    except UsageError as error:
        assert str(error).count("\n") == 0
        return
    for person_ in pose.people:
        assert person_.body.shape == (18, 2)
        assert not np.isinf(person_.body).any()
        assert len(person_.body_visibility) == 18
        assert all(points.shape == (21, 2) for points in person_.hands.values())


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_sentence(text):
    try:
        data = json.loads(text)
    except ValueError:
        return
    with pytest.raises(UsageError):
        from_openpose(data)
