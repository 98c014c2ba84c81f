# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender --command handdiff ...``: the command line's verbs inside Blender."""

from __future__ import annotations

import sys

import bpy

from .preferences import folder_of, preferences

_command: object = None


def _main(arguments: list[str]) -> int:
    from ..handdiff_addon.cli import main

    engine = folder_of(preferences().engine_folder)
    if engine and engine not in sys.path:
        sys.path.append(engine)
    try:
        return main(arguments)
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)


def register() -> None:
    global _command
    _command = bpy.utils.register_cli_command("handdiff", _main)


def unregister() -> None:
    global _command
    bpy.utils.unregister_cli_command(_command)
    _command = None
