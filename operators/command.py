# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender --command handdiff ...``: the command line's verbs inside Blender."""

from __future__ import annotations

import sys

import bpy

from ..handdiff_addon.errors import ModelError
from ..handdiff_addon.models.engine import add_to_path
from .preferences import engine_folder

_command: object = None


def _main(arguments: list[str]) -> int:
    from ..handdiff_addon.cli import main

    try:
        add_to_path(engine_folder())
        return main(arguments)
    except ModelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)


def register() -> None:
    global _command
    _command = bpy.utils.register_cli_command("handdiff", _main)


def unregister() -> None:
    global _command
    bpy.utils.unregister_cli_command(_command)
    _command = None
