# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: a few settings under a name, what they would change, and users' own as JSON files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import OutputError, UsageError
from .files import write_json
from .request import GenerationRequest

Kind = Literal["style", "quality", "blending"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SCHEMA_VERSION = 1

SETTINGS: dict[Kind, tuple[str, ...]] = {
    "style": ("look", "negative_prompt", "guidance_scale"),
    "quality": ("steps", "hand_steps", "best_of"),
    "blending": (
        "mask_source", "expansion.start", "expansion.end", "expansion.expansions", "expansion.cells", "expansion.rim",
        "expansion.renoise", "expansion.final_paste",
    ),
}  # fmt: skip
"""What each kind sets, by the names of :func:`flat`; ``look`` is text that follows the prompt."""


@dataclass(frozen=True)
class Preset:
    """Some settings under a name."""

    name: str
    kind: Kind
    settings: dict[str, Any]
    own: bool = False
    """Whether the user saved it"""

    def changes(self, settings: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
        """What it would change of ``settings`` (by name), as (name, now, then)."""
        now = [(name, settings.get(name), value) for name, value in self.settings.items()]
        return [change for change in now if change[1] != change[2]]


def _expansion(mask_source: str, start: float, end: float, expansions: int, cells: int, rim: int, paste: bool) -> dict:
    values = (mask_source, start, end, expansions, cells, rim, True, paste)
    return dict(zip(SETTINGS["blending"], values, strict=True))


PRESETS: tuple[Preset, ...] = (
    Preset("Plain", "style", {"look": "", "negative_prompt": "", "guidance_scale": None}),
    Preset("Photograph", "style", {
        "look": "photograph, natural light, detailed skin", "negative_prompt": "drawing, blurry", "guidance_scale": 5.0,
    }),
    Preset("Watercolour", "style", {
        "look": "watercolour painting, soft washes on paper", "negative_prompt": "photograph", "guidance_scale": 6.0,
    }),
    Preset("Ink Drawing", "style", {
        "look": "ink drawing, clean lines, white paper", "negative_prompt": "photograph, colour", "guidance_scale": 6.0,
    }),
    Preset("Comic", "style", {
        "look": "comic book illustration, flat colours, bold outlines", "negative_prompt": "photograph",
        "guidance_scale": 6.0,
    }),
    Preset("Draft", "quality", {"steps": 4, "hand_steps": 4, "best_of": 1}),
    Preset("Standard", "quality", {"steps": None, "hand_steps": None, "best_of": 1}),
    Preset("Fine", "quality", {"steps": 20, "hand_steps": 20, "best_of": 4}),
    Preset("Balanced", "blending", _expansion("predicted", 0.4, 0.85, 2, 1, 1, True)),
    Preset("Hands Held Fast", "blending", _expansion("auto", 0.7, 1.0, 2, 1, 2, True)),
    Preset("Soft Wrists", "blending", _expansion("predicted", 0.2, 0.7, 4, 1, 2, True)),
    Preset("Free Finish", "blending", _expansion("predicted", 0.3, 0.6, 2, 1, 1, False)),
)  # fmt: skip
"""Those that come with HandDiff."""


def flat(request: GenerationRequest) -> dict[str, Any]:
    """A request's settings by name, nested ones as ``expansion.start``."""
    settings: dict[str, Any] = {}
    for name, value in dataclasses.asdict(request).items():
        if isinstance(value, dict):
            settings.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            settings[name] = value
    return settings


def differences(one: GenerationRequest, other: GenerationRequest) -> list[tuple[str, Any, Any]]:
    """The settings in which two requests differ, as (name, one's, other's)."""
    ones, others = flat(one), flat(other)
    return [(name, ones[name], others[name]) for name in ones if ones[name] != others[name]]


def find_presets(kind: Kind, folder: Path, *, own_model: bool = False) -> list[Preset]:
    """HandDiff's presets of a kind, then the user's, by name; a user's may stand in for one of HandDiff's.

    Files that are no presets are left out, and for a model of HandDiff's own kind, which knows few words, those of
    HandDiff's styles that are words to it without a meaning.
    """
    found = {
        preset.name: preset
        for preset in PRESETS
        if preset.kind == kind and not (own_model and preset.settings.get("look"))
    }
    for path in sorted(folder.glob(f"{kind}/*.json")):
        try:
            preset = read_preset(path)
        except UsageError:
            continue
        if preset.kind == kind:
            found[preset.name] = preset
    return list(found.values())


def read_preset(path: Path) -> Preset:
    """A preset from its file.

    Raises:
        UsageError: where it cannot be read, or holds what is no preset.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {data['schema_version']}")
        preset = Preset(str(data["name"]), data["kind"], dict(data["settings"]), own=True)
        if preset.kind not in KINDS or not preset.name:
            raise ValueError(f"kind {preset.kind!r}")
        check(preset)
    except (OSError, ValueError, TypeError, KeyError, UsageError) as error:
        raise UsageError(f"The preset {path} cannot be read ({error}): save it anew from the panel.") from error
    return preset


def save_preset(preset: Preset, folder: Path) -> Path:
    """Save a user's preset below ``folder``, over one of the same name.

    Raises:
        UsageError: for a name that no file can bear.
        OutputError: where it cannot be written.
    """
    check(preset)
    path = preset_path(preset.kind, preset.name, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {path.parent} cannot be made ({error.strerror}): check the rights on it."
        ) from error
    data = {"schema_version": SCHEMA_VERSION, "name": preset.name, "kind": preset.kind, "settings": preset.settings}
    write_json(path, data)
    return path


def delete_preset(kind: Kind, name: str, folder: Path) -> None:
    """Delete a user's preset.

    Raises:
        UsageError: where there is none of that name.
        OutputError: where it cannot be deleted.
    """
    path = preset_path(kind, name, folder)
    try:
        path.unlink()
    except FileNotFoundError:
        raise UsageError(f'No preset of yours is named "{name}": only those that you saved can be deleted.') from None
    except OSError as error:
        raise OutputError(f"{path} cannot be deleted ({error.strerror}): check the rights on it.") from error


def preset_path(kind: Kind, name: str, folder: Path) -> Path:
    """Where a user's preset lies.

    Raises:
        UsageError: for a name that no file can bear.
    """
    if not name.strip() or len(name) > 60 or name != name.strip() or not all(c.isalnum() or c in " -_()" for c in name):
        raise UsageError(f'"{name}" cannot name a preset: use up to 60 letters, digits, spaces, dashes and brackets.')
    return folder / kind / f"{name}.json"


def check(preset: Preset) -> None:
    """Refuse a preset that sets what its kind does not, or what no request takes.

    Raises:
        UsageError
    """
    if unknown := set(preset.settings) - set(SETTINGS[preset.kind]):
        raise UsageError(f"A {preset.kind} preset cannot set {', '.join(sorted(unknown))}: remove it.")
    defaults = {**flat(GenerationRequest("")), "look": ""}
    for name, value in preset.settings.items():
        known = defaults[name]
        if known is None:  # left to the model
            fits = value is None or type(value) in (int, float)
        else:
            fits = type(value) in (int, float) if type(known) is float else type(value) is type(known)
        if not fits:
            raise UsageError(f"{name} is {value!r}: give a value such as {8 if known is None else known!r}.")
    nested: dict[str, Any] = {"prompt": ""}
    for name, value in preset.settings.items():
        group, _, inner = name.partition(".")
        if inner:
            nested.setdefault(group, {})[inner] = value
        elif name != "look":
            nested[name] = value
    GenerationRequest.from_dict(nested)
