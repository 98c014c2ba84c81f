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
from handdiff_addon.conditioning.skeleton import draw_skeleton, drawn
from handdiff_addon.errors import UsageError
from handdiff_addon.request import SkeletonSettings
from handdiff_addon.rig.keypoints import BODY_INDEX

CAMERA = Camera(np.eye(4), np.diag([1.0, 2.0, 3.0, 4.0]), 640, 480, "Kamera")


def person(seed: int = 0, name: str = "Rig", face: bool = True) -> PersonPose:
    random = np.random.default_rng(seed)

    def points(count, there=True):
        placed = random.uniform(-100, 700, (count, 2))
        words = list(random.choice(["visible", "occluded", "outside", "behind", "absent"], count))
        return placed, [str(word) if there else "absent" for word in words]

    body, words = points(18)
    left, left_words = points(21)
    right, right_words = points(21)
    dots, dot_words = points(70, face)
    hand_words = {"left": left_words, "right": right_words}
    return PersonPose(name, body, words, {"left": left, "right": right}, hand_words, dots, dot_words)


def parts(pose: PersonPose) -> dict[str, np.ndarray]:
    return {"pose": pose.body, "face": pose.face, "hand_left": pose.hands["left"], "hand_right": pose.hands["right"]}


def foreign(**changes) -> dict:
    """A file as other tools write it."""
    body = [10.0, 20.0, 0.9] * 17 + [0, 0, 0]
    return {
        "people": [{"pose_keypoints_2d": body, "hand_left_keypoints_2d": None, "face_keypoints_2d": None}],
        "canvas_width": 64,
        "canvas_height": 48,
        **changes,
    }


def cmu_reader(data: dict) -> list[dict[str, dict[int, tuple[float, float]]]]:
    """What a reader of OpenPose's own kind sees: pixels, c is a confidence, under 0.05 is nothing."""
    return [
        {
            part: {
                index: (flat[3 * index], flat[3 * index + 1])
                for flat in [entry[f"{part}_keypoints_2d"]]
                for index in range(len(flat) // 3)
                if flat[3 * index + 2] > 0.05
            }
            for part in ("pose", "face", "hand_left", "hand_right")
        }
        for entry in data["people"]
    ]


def webui_reader(data: dict) -> list[dict[str, dict[int, tuple[float, float]]]]:
    """What the readers of the web interfaces see, in pixels: c < 1 is nothing, a part within -1..1 is in shares, the
    canvas must be named, a part may be null."""
    width, height = data["canvas_width"], data["canvas_height"]
    people = []
    for entry in data["people"]:
        seen = {}
        for part in ("pose", "face", "hand_left", "hand_right"):
            flat = entry[f"{part}_keypoints_2d"] or []
            points = {i: flat[3 * i : 3 * i + 2] for i in range(len(flat) // 3) if flat[3 * i + 2] >= 1.0}
            shares = all(abs(value) <= 1.0 for point in points.values() for value in point)
            scale = (width, height) if shares else (1, 1)
            seen[part] = {i: (x * scale[0], y * scale[1]) for i, (x, y) in points.items()}
        people.append(seen)
    return people


@pytest.mark.parametrize("reader", [cmu_reader, webui_reader])
@given(st.lists(st.integers(0, 10_000), max_size=3), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=25)
def test_both_kinds_of_readers_see_what_is_drawn(reader, seeds, occluded, hidden_hands, face):
    """Every point that the skeleton shows, within the file's rounding, and no other."""
    shown = SkeletonSettings(occluded=occluded, hidden_hands=hidden_hands, face=face)
    people = [person(seed) for seed in seeds]
    data = json.loads(json.dumps(to_openpose(people, CAMERA, 1, shown), allow_nan=False))
    seen = reader(data)
    assert len(seen) == len(people)
    for pose, found in zip(people, seen):
        for part, points in parts(drawn(pose, shown)).items():
            known = {i for i, point in enumerate(points) if np.isfinite(point).all()}
            assert set(found[part]) == known
            for index in known:
                assert found[part][index] == pytest.approx(tuple(points[index]), abs=6e-4)


@given(st.lists(st.integers(0, 10_000), max_size=3), st.integers(-100, 100_000))
@settings(max_examples=25)
def test_there_and_back(seeds, frame):
    """Whole: points that are not drawn come back as well."""
    people = [person(seed, f"Rig {seed}", face=seed % 2 == 0) for seed in seeds]
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
        assert read.face_visibility == written.face_visibility
        np.testing.assert_allclose(read.face, written.face, atol=6e-4)
        for side in ("left", "right"):
            np.testing.assert_allclose(read.hands[side], written.hands[side], atol=6e-4)


def test_what_other_tools_read():
    data = to_openpose([person()], CAMERA, 1)
    (entry,) = data["people"]
    assert (data["canvas_width"], data["canvas_height"]) == (640, 480)
    for key, count in (("pose", 18), ("face", 70), ("hand_left", 21), ("hand_right", 21)):
        triplets = np.array(entry[f"{key}_keypoints_2d"]).reshape(-1, 3)
        assert len(triplets) == count
        assert set(triplets[:, 2]) == {0.0, 1.0}, "readers drop points under 1"
        assert (triplets[triplets[:, 2] == 0] == 0).all()
    assert to_openpose([person(face=False)], CAMERA, 1)["people"][0]["face_keypoints_2d"] == []


def test_a_file_of_no_camera_comes_back():
    back = from_openpose(json.loads(json.dumps(to_openpose([person()], (64, 32), None))))
    assert (back.width, back.height, back.camera, back.frame) == (64, 32, None, None)


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


def test_openpose_of_25_points_and_no_canvas():
    """OpenPose's own files: BODY_25 in pixels, the canvas unnamed; the numbers are of its published order."""
    body = [coordinate for index in range(25) for coordinate in (100.0 + index, 200.0 + index, 0.5)]
    body[3 * 4 : 3 * 4 + 3] = [104.0, 204.0, 0.04]
    data = {"version": 1.3, "people": [{"pose_keypoints_2d": body, "face_keypoints_2d": []}]}
    with pytest.raises(UsageError, match="canvas_width"):
        from_openpose(data)
    pose = from_openpose(data, (640, 480))
    assert (pose.width, pose.height) == (640, 480)
    order = {"right_hip": 9, "right_ankle": 11, "left_hip": 12, "left_ankle": 14, "right_eye": 15, "left_eye": 16,
             "right_ear": 17, "left_ear": 18, "nose": 0, "left_wrist": 7}  # fmt: skip
    for name, index in order.items():
        assert pose.people[0].body[BODY_INDEX[name]] == pytest.approx([100 + index, 200 + index])
    assert pose.people[0].body_visibility[BODY_INDEX["right_wrist"]] == "absent"
    assert from_openpose({**data, "canvas_width": 320, "canvas_height": 500}, (640, 480)).width == 320


def test_web_interfaces_files():
    """Parts that are null, animals, faces of 68 points whose pupils are the body's eyes, lists of one frame."""
    face = [value for index in range(68) for value in (0.1 + index / 1000, 0.5, 1.0)]
    body = [value for index in range(18) for value in (10.0 + index, 20.0, 1.0)]
    people = [
        {
            "pose_keypoints_2d": body,
            "face_keypoints_2d": face,
            "hand_left_keypoints_2d": None,
            "hand_right_keypoints_2d": None,
        },
        {
            "pose_keypoints_2d": None,
            "face_keypoints_2d": None,
            "hand_left_keypoints_2d": [5.0, 6.0, 1.0] * 20 + [9.0, 9.0, 0.0],
        },
    ]
    data = foreign(people=people, animals=[[[1.0, 2.0, 1.0]] * 17])
    for root in (data, [data]):
        first, second = from_openpose(root).people
        assert first.face[:2] == pytest.approx(np.array([[0.1 * 64, 24], [0.101 * 64, 24]]))
        assert first.face[68] == pytest.approx([24, 20]) and first.face[69] == pytest.approx([25, 20])
        assert set(first.hand_visibility["left"]) == {"absent"}
        assert set(second.body_visibility) == {"absent"}
        assert second.hand_visibility["left"] == ["visible"] * 20 + ["absent"]
        assert (first.name, second.name) == ("Person 1", "Person 2")
    with pytest.raises(UsageError, match="2 frames"):
        from_openpose([data, data])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"people": None}, "people"),
        ({"canvas_width": None}, "canvas_width"),
        ({"canvas_height": 0}, "canvas_height"),
        ({"canvas_height": float("nan")}, "canvas_height"),
        ({"people": [[]]}, "people[0]"),
        ({"people": [{"pose_keypoints_2d": [1, 2, 1] * 17}]}, "18 or 25"),
        ({"people": [{"face_keypoints_2d": [1, 2, 1] * 69}]}, "70 or 68"),
        ({"people": [{"pose_keypoints": [1, 2, 1] * 18}]}, "pose_keypoints_2d"),
        ({"people": [{"pose_keypoints_2d": [1e300, 2, 1] * 18}]}, "finite"),
        ({"people": [{"pose_keypoints_2d": [10**400, 2, 1] * 18}]}, "finite"),
        ({"canvas_width": 1e300}, "canvas_width"),
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
        '{"people": [], "people": [], "canvas_width": 9, "canvas_height": 9}',
        '{"people": [], "canvas_width": ' + "9" * 5000 + "}",
        '{"images": [], "annotations": [], "categories": []}',
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


TREES = [
    to_openpose([person(1), person(2)], CAMERA, 7),
    foreign(
        people=[
            {
                "pose_keypoints_2d": [1.0, 2.0, 1.0] * 25,
                "face_keypoints_2d": [0.1, 0.2, 1.0] * 68,
                "hand_left_keypoints_2d": [1e9, -1e9, 1.0] * 21,
                "hand_right_keypoints_2d": None,
            }
        ],
        animals=[],
    ),
]
PLACES = [(index, path) for index, tree in enumerate(TREES) for path in sorted(paths(tree), key=str)]


@given(st.sampled_from(PLACES), values, st.booleans())
@settings(max_examples=300)
def test_a_spoilt_file_is_read_or_refused_but_never_a_fault(place, value, remove):
    """What is read can be drawn, and written anew."""
    tree, path = place
    data = copy.deepcopy(TREES[tree])
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
        for points, words, count in (
            (person_.body, person_.body_visibility, 18),
            (person_.face, person_.face_visibility, 70),
            (person_.hands["left"], person_.hand_visibility["left"], 21),
            (person_.hands["right"], person_.hand_visibility["right"], 21),
        ):
            assert points.shape == (count, 2) and len(words) == count and not np.isinf(points).any()
    for style in ("classic", "mediapipe-hands"):
        draw_skeleton(pose.people, 64, 48, SkeletonSettings(style, hidden_hands=True))
    again = from_openpose(to_openpose(pose.people, pose.camera or (pose.width, pose.height), pose.frame))
    assert [p.body_visibility for p in again.people] == [p.body_visibility for p in pose.people]


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_sentence(text):
    try:
        data = json.loads(text)
    except ValueError:
        return
    with pytest.raises(UsageError):
        from_openpose(data)
