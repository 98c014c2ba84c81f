# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's folders outside Blender: they are the same for every Blender version, and outlive the extension."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path


def user_folder() -> Path:
    """HandDiff's own folder of the user, for what holds in every Blender version and on the command line."""
    if chosen := os.environ.get("HANDDIFF_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~/AppData/Roaming").expanduser() / "HandDiff"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/HandDiff").expanduser()
    return _config() / "handdiff"


def pictures_folder() -> Path:
    """Where pictures go that belong to no saved file: ``HandDiff`` in the user's folder of pictures."""
    if os.environ.get("HANDDIFF_HOME"):
        return user_folder() / "pictures"
    return _pictures() / "HandDiff"


def _pictures() -> Path:
    if sys.platform == "win32":
        return _windows_pictures()
    if sys.platform == "darwin":
        return Path("~/Pictures").expanduser()
    named = os.environ.get("XDG_PICTURES_DIR", "")
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = (_config() / "user-dirs.dirs").read_text(encoding="utf-8")
        if found := re.search(r'^\s*XDG_PICTURES_DIR="(.+)"', lines, re.MULTILINE):
            named = named or found[1].replace("$HOME", str(Path.home()))
    return Path(named) if Path(named).is_absolute() else Path("~/Pictures").expanduser()


def _windows_pictures() -> Path:
    """The user may have moved it, as OneDrive does: the registry knows where to."""
    if sys.platform == "win32":
        import winreg

        key = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
        with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as shell:
            return Path(os.path.expandvars(winreg.QueryValueEx(shell, "My Pictures")[0]))
    return Path("~/Pictures").expanduser()


def _config() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
