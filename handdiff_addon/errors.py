# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that a user can act on: one sentence that names the thing and the remedy.

Each class carries the exit code of the command-line contract.  The command line prints ``str(error)`` and exits with
``error.exit_code``; operators report the same sentence.  Any other exception is a fault of ours (exit code 1).
"""

from __future__ import annotations


class HandDiffError(Exception):
    """A request that cannot be carried out; the message is one sentence with the remedy."""

    exit_code = 1


class UsageError(HandDiffError):
    """A setting that makes no sense, such as a size that 8 does not divide."""

    exit_code = 2


class SceneError(HandDiffError):
    """The scene cannot be used: unreadable file, no camera, no humanoid armature, no body in view."""

    exit_code = 3


class ModelError(HandDiffError):
    """The model cannot be used or does not exist."""

    exit_code = 4


class Cancelled(HandDiffError):
    """The user stopped the run."""

    exit_code = 5


class OutputError(HandDiffError):
    """The output cannot be written: folder, rights, disk full."""

    exit_code = 6


def first_line(error: BaseException) -> str:
    """What another library's or Blender's error says, for the brackets of a sentence: its first line without the full
    stop, 200 letters at most; its kind where it says nothing."""
    lines = str(error).strip().removeprefix("Error:").strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:200]
