# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture through its camera on to UV textures: which texels it shows, and what to put where it shows nothing.

numpy only.  Textures are (S, S, 3) uint8 sRGB with row 0 at the top (v = 1); pictures likewise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..conditioning.camera import Camera
from ..conditioning.raster import rasterise, rasterise_plane

_FACING_NONE, _FACING_FULL = 0.08, 0.35  # cosine of the angle to the camera: no trust below, full trust above
_REACH = 0.08  # how far seen colour runs before the material's mean takes over, in sizes of the mesh
_SMOOTHING = 40  # sweeps over the filled part of a mesh
_PRIOR = 8.0  # texels that the artist's own colour weighs in a material's mean


@dataclass(frozen=True)
class BakeMesh:
    """One posed mesh in world space, as triangles.  Corners are a triangle's three, in its order."""

    name: str
    vertices: np.ndarray
    """(N, 3) metres"""
    triangles: np.ndarray
    """(M, 3) vertex indices"""
    uv: np.ndarray
    """(M, 3, 2) per corner, origin bottom left; NaN where there is no UV map"""
    normals: np.ndarray
    """(M, 3, 3) unit normals per corner"""
    material: np.ndarray
    """(M,) material slot"""
    label: int = 0
    """Tells this mesh from the others of the scene"""


@dataclass(frozen=True)
class View:
    """What a camera sees of a whole scene, for asking whether it sees a given point, and which pixels to trust."""

    camera: Camera
    depth: np.ndarray
    """(h, w) metres along the view direction, inf where empty; may be finer than the picture"""
    label: np.ndarray
    """(h, w) ``surface_label`` of what each pixel shows, -1 where empty"""
    trust: np.ndarray
    """(h, w) float32, 0 at silhouettes and outside the person, 1 inside"""
    core: np.ndarray
    """(h, w) bool, trusted pixels away from where materials meet: what unseen places may be filled from"""


@dataclass(frozen=True)
class Bake:
    """A baked texture."""

    texture: np.ndarray
    """(S, S, 3) uint8"""
    weight: np.ndarray
    """(S, S) float32: how much of each texel comes from the picture; 0 where it is filled or empty"""


def surface_label(mesh: int, material: np.ndarray) -> np.ndarray:
    """One number for each material (M,) of each mesh of a scene."""
    return (mesh << 16) + np.asarray(material, dtype=np.int64)


def look(camera: Camera, vertices: np.ndarray, triangles: np.ndarray, labels: np.ndarray, person: np.ndarray) -> View:
    """See a scene with twice the picture's resolution (up to 2048 pixels).

    Args:
        camera: the picture's.
        vertices, triangles: everything that may hide something, (N, 3) metres and (M, 3).
        labels: (M,) ``surface_label`` of each triangle.
        person: (H, W) bool at the picture's size; pixels outside it are never trusted.
    """
    finer = 2 if max(camera.width, camera.height) <= 1024 else 1
    large = Camera(camera.view, camera.projection, camera.width * finer, camera.height * finer, camera.name)
    raster = rasterise(vertices, triangles, large)
    depth = raster.depth
    inside = person.repeat(finer, axis=0).repeat(finer, axis=1) & np.isfinite(depth)
    # A step in depth between neighbours is a silhouette unless a steep surface explains it.
    step = 4.0 * _pixel_size(large, np.where(np.isfinite(depth), depth, 1.0))
    nearest, furthest = _neighbourhood(depth, np.minimum), _neighbourhood(depth, np.maximum)
    with np.errstate(invalid="ignore"):
        inside &= (furthest - nearest) <= 2.0 * step
    rim = finer * max(1, round(max(camera.width, camera.height) / 512))
    for _ in range(rim):
        inside = _neighbourhood(inside, np.logical_and)
    trust = inside.astype(np.float32)
    for _ in range(rim):
        trust = _blur(trust)
    label = np.where(raster.triangle >= 0, labels[raster.triangle], -1)
    core = inside & (_neighbourhood(label, np.minimum) == _neighbourhood(label, np.maximum))
    for _ in range(rim):
        core = _neighbourhood(core, np.logical_and)
    return View(camera, depth, label, np.clip(2.0 * trust - 1.0, 0.0, 1.0) * inside, core)


def bake(mesh: BakeMesh, picture: np.ndarray, view: View, base: np.ndarray, size: int = 1024, margin: int = 8) -> Bake:
    """Project a picture on to a mesh's UV map.

    Texels that the camera does not see take the nearest seen colour along the surface of the same material, which
    fades into the mean of what is seen of that material: the back of a shirt becomes the shirt's colour.

    Args:
        mesh: the evaluated, posed mesh.
        picture: (H, W, 3) uint8 sRGB; stretched over the camera's frame whatever its size.
        view: from ``look``.
        base: (slots, 3) sRGB in 0..255, each material's own colour, for materials of which nothing is seen.
        size: of the texture in pixels.
        margin: pixels that colours run out over the edges of the UV islands.
    """
    triangle, weights = _texels(mesh, view, size)
    rows, columns = np.nonzero(triangle >= 0)
    owner, corners = triangle[rows, columns], weights[rows, columns].astype(np.float64)
    points = np.einsum("nk,nkc->nc", corners, mesh.vertices[mesh.triangles[owner]])
    normals = np.einsum("nk,nkc->nc", corners, mesh.normals[owner])
    trust, core, colours = _seen(points, normals, surface_label(mesh.label, mesh.material[owner]), picture, view)

    node, edges, lengths, positions = _surface_graph(mesh)
    slot_of_node = np.zeros(len(positions), dtype=np.int64)
    slot_of_node[node.ravel()] = np.repeat(mesh.material, 3)
    slots = mesh.material[owner]
    # A material seen only in slivers has no core, and fills from what there is.
    core = np.where(np.bincount(slots, core)[slots] >= _PRIOR, core, trust)
    mean = _material_means(slots, core, colours, base)

    node_weight = np.bincount(node[owner].ravel(), (corners * core[:, None]).ravel(), len(positions))
    node_colour: np.ndarray = np.stack(
        [np.bincount(node[owner].ravel(), (corners * (core * c)[:, None]).ravel(), len(positions)) for c in colours.T],
        axis=1,
    )
    known = node_weight > 0.05
    node_colour[known] = node_colour[known] / node_weight[known, None]
    reach = _REACH * float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    node_colour = _spread(node_colour, known, edges, lengths, mean[slot_of_node], reach)

    filled = np.einsum("nk,nkc->nc", corners, node_colour[node[owner]])
    texture = np.zeros((size, size, 3), dtype=np.float32)
    texture[rows, columns] = filled + (colours - filled) * trust[:, None]
    covered = triangle >= 0
    texture = _dilate(texture, covered, margin, mean[np.bincount(slots, minlength=len(mean)).argmax()])
    weight = np.zeros((size, size), dtype=np.float32)
    weight[rows, columns] = trust
    return Bake(np.clip(np.rint(texture), 0, 255).astype(np.uint8), weight)


def _texels(mesh: BakeMesh, view: View, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (S, S) or -1 and barycentric weights (S, S, 3) of each texel; tiles beyond 0..1 are wrapped into it."""
    uv = mesh.uv - np.floor(mesh.uv.mean(axis=1, keepdims=True))
    pixels = np.stack([uv[..., 0] * size, (1.0 - uv[..., 1]) * size], axis=-1).reshape(-1, 2)
    # Where islands overlap (mirrored halves), the one that the camera sees gets the texel.
    centres = mesh.vertices[mesh.triangles].mean(axis=1)
    labels = surface_label(mesh.label, mesh.material)
    trust, _, _ = _seen(centres, mesh.normals.mean(axis=1), labels, np.zeros((1, 1, 3), np.uint8), view)
    order = np.repeat(1.0 - trust, 3)
    raster = rasterise_plane(pixels, order, np.arange(len(pixels)).reshape(-1, 3), size, size)
    # Triangles smaller than a texel miss its centre; they get the empty texels that they touch.
    corners = pixels.reshape(-1, 3, 2)
    inside = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4], [1, 4, 4], [4, 1, 4], [4, 4, 1]], dtype=np.float32)
    for weights in inside / inside.sum(axis=1, keepdims=True):
        column, row = np.floor(np.einsum("k,mkc->mc", weights, corners)).astype(np.int64).T
        framed = np.flatnonzero((column >= 0) & (row >= 0) & (column < size) & (row < size))
        empty = framed[raster.triangle[row[framed], column[framed]] < 0]
        raster.triangle[row[empty], column[empty]] = empty
        raster.barycentric[row[empty], column[empty]] = weights
    return raster.triangle, raster.barycentric


def _seen(
    points: np.ndarray, normals: np.ndarray, labels: np.ndarray, picture: np.ndarray, view: View
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surface points in the picture: trust (N,) in 0..1, the same for filling others (N,), and colour (N, 3)."""
    camera = view.camera
    pixels, depth = camera.project(points)
    height, width = view.depth.shape
    fine = pixels * (width / camera.width)
    with np.errstate(invalid="ignore"):
        framed = (fine >= 0).all(axis=1) & (fine[:, 0] < width) & (fine[:, 1] < height) & (depth > camera.near)
    fine = np.where(framed[:, None], fine, 0.0)
    column, row = fine.astype(np.int64).T

    to_camera = np.linalg.inv(camera.view)
    perspective = camera.projection[3, 2] != 0
    towards = to_camera[:3, 3] - points if perspective else np.broadcast_to(to_camera[:3, 2], points.shape)
    lengths = np.linalg.norm(towards, axis=1) * np.linalg.norm(normals, axis=1)
    facing = np.einsum("nc,nc->n", towards, normals) / np.maximum(lengths, 1e-12)
    slope = np.sqrt(np.maximum(1.0 - facing**2, 0.0)) / np.maximum(facing, _FACING_NONE)
    bias = _pixel_size(camera, depth) * (camera.width / width) * (0.5 + slope)
    # A pixel beside the point's must show the same material at its depth: skin right under a shirt is not seen.
    visible = np.zeros(len(points), dtype=bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y, x = np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)
            visible |= (view.label[y, x] == labels) & (depth <= view.depth[y, x] + bias)
    visible &= framed & (facing > 0)

    trust = np.clip((facing - _FACING_NONE) / (_FACING_FULL - _FACING_NONE), 0.0, 1.0)
    trust = trust * visible * sample(view.trust[..., None], fine)[:, 0]
    core = trust * view.core[row, column]
    scale = np.array([picture.shape[1] / camera.width, picture.shape[0] / camera.height])
    return trust, core, sample(picture, np.where(framed[:, None], pixels, 0.0) * scale)


def sample(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bilinear samples (N, C) of a picture (H, W, C) at pixels (N, 2), whose centres lie at half integers."""
    height, width = picture.shape[:2]
    x = np.clip(pixels[:, 0] - 0.5, 0, width - 1)
    y = np.clip(pixels[:, 1] - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = (x - left)[:, None], (y - top)[:, None]
    upper = picture[top, left] * (1 - x) + picture[top, right] * x
    lower = picture[bottom, left] * (1 - x) + picture[bottom, right] * x
    return upper * (1 - y) + lower * y


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows (N, C): where each distinct row first stands (K,), and which of them each row is (N,).

    What ``numpy.unique`` gives along an axis, many times faster.
    """
    key = np.zeros(len(rows), dtype=np.int64)
    first = np.zeros(min(len(rows), 1), dtype=np.int64)
    for column in rows.T:
        values, value = np.unique(column, return_inverse=True)
        _, first, key = np.unique(key * len(values) + value, return_index=True, return_inverse=True)
    return first, key


def _pixel_size(camera: Camera, depth: np.ndarray) -> np.ndarray:
    """Width of a pixel in metres at a depth."""
    size = 2.0 / (abs(camera.projection[0, 0]) * camera.width)
    return depth * size if camera.projection[3, 2] != 0 else np.full_like(depth, size)


def _surface_graph(mesh: BakeMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The surface as a graph whose nodes are (place, material): colour runs over UV seams but not between materials.

    Returns the nodes of the triangles' corners (M, 3), directed edges (E, 2), their lengths (E,), positions (K, 3).
    """
    # Meshes from game engines are split along UV seams: vertices in one place are one node.
    corners = mesh.triangles.ravel()
    _, place = distinct_rows(np.rint(mesh.vertices * 1e5))
    first, node = distinct_rows(np.stack([place[corners], np.repeat(mesh.material, 3)], axis=1))
    positions = mesh.vertices[corners[first]]
    node = node.reshape(-1, 3)
    edges = np.concatenate([node[:, [a, b]] for a in range(3) for b in range(3) if a != b])
    edges = edges[edges[:, 0] != edges[:, 1]]
    edges = edges[distinct_rows(edges)[0]]
    return node, edges, np.linalg.norm(positions[edges[:, 0]] - positions[edges[:, 1]], axis=1), positions


def _material_means(slots: np.ndarray, trust: np.ndarray, colours: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Mean colour (slots, 3) of what is seen of each material; the artist's where next to nothing is."""
    count = max(len(base), int(slots.max(initial=0)) + 1)
    prior = np.full((count, 3), 128.0)
    prior[: len(base)] = base
    weight = np.bincount(slots, trust, count)[:, None]
    total = np.stack([np.bincount(slots, trust * c, count) for c in colours.T], axis=1)
    return (total + _PRIOR * prior) / (weight + _PRIOR)


def _spread(
    colour: np.ndarray, known: np.ndarray, edges: np.ndarray, lengths: np.ndarray, mean: np.ndarray, reach: float
) -> np.ndarray:
    """Colours (K, 3), the unknown ones filled along the edges and fading into ``mean`` (K, 3) over ``reach`` metres."""
    colour = np.where(known[:, None], colour, mean)
    distance = np.where(known, 0.0, np.inf)
    near = 1.0 / np.maximum(lengths, 1e-6)
    reached, front = known.copy(), known
    while front.any():  # one ring of nodes at a time
        ring = front[edges[:, 0]] & ~reached[edges[:, 1]]
        source, target = edges[ring].T
        total = np.bincount(target, near[ring], len(colour))
        front = total > 0
        for channel in range(3):
            run = np.bincount(target, near[ring] * colour[source, channel], len(colour))
            colour[front, channel] = run[front] / total[front]
        np.minimum.at(distance, target, distance[source] + lengths[ring])
        reached |= front
    faded = np.exp(-distance / max(reach, 1e-9))[:, None]
    colour = mean + (colour - mean) * np.where(known[:, None], 1.0, faded)
    loose = ~known[edges[:, 1]]
    source, target = edges[loose].T
    degree = np.bincount(target, minlength=len(colour))
    free = degree > 0
    for _ in range(_SMOOTHING):
        for channel in range(3):
            around = np.bincount(target, colour[source, channel], len(colour))
            colour[free, channel] = around[free] / degree[free]
    return colour


def _dilate(texture: np.ndarray, covered: np.ndarray, margin: int, beyond: np.ndarray) -> np.ndarray:
    """Run the colours of covered texels out over ``margin`` pixels; what lies further is ``beyond``."""
    inked = np.concatenate([texture * covered[..., None], covered[..., None]], axis=2).astype(np.float32)
    for _ in range(margin):
        total = inked
        for axis in (0, 1):
            total = total + _shift(total, 1, axis) + _shift(total, -1, axis)
        fresh = (inked[..., 3] == 0) & (total[..., 3] > 0)
        inked[fresh] = total[fresh] / total[fresh][:, 3:]
    texture, covered = inked[..., :3].copy(), inked[..., 3] > 0
    texture[~covered] = beyond
    return texture


def _shift(array: np.ndarray, step: int, axis: int) -> np.ndarray:
    """The array moved by a pixel along an axis, zeros moving in."""
    moved = np.zeros_like(array)
    target, source = [slice(None)] * array.ndim, [slice(None)] * array.ndim
    target[axis], source[axis] = (slice(1, None), slice(-1)) if step > 0 else (slice(-1), slice(1, None))
    moved[tuple(target)] = array[tuple(source)]
    return moved


def _neighbourhood(array: np.ndarray, combine: np.ufunc) -> np.ndarray:
    """Each pixel combined with its eight neighbours; beyond the border the border goes on."""
    for axis in (0, 1):
        padded = np.concatenate([array.take([0], axis), array, array.take([-1], axis)], axis)
        length = array.shape[axis]
        before, after = padded.take(range(length), axis), padded.take(range(2, length + 2), axis)
        array = combine(combine(before, array), after)
    return array


def _blur(array: np.ndarray) -> np.ndarray:
    """Mean of 3 by 3 pixels."""
    return np.asarray(_neighbourhood(array, np.add) / 9.0, dtype=np.float32)
