# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that can be shown to strangers: sections of facts, without the names of people, machines and folders."""

from __future__ import annotations

import contextlib
import getpass
import re
import socket
from collections.abc import Mapping
from pathlib import Path

# A path begins where a letter, a slash or a dot cannot stand before it, and ends at a quote, a colon, a comma or a
# bracket.  A space ends it unless another slash follows soon: folders have spaces, sentences go on after files.
_WINDOWS = re.compile(r"(?<![\w])(?:[A-Za-z]:[\\/]|\\\\)(?:[^\\/:*?\"'<>|\n,;()]+[\\/])*[^\\/:*?\"'<>|\s,;()]*")
_POSIX = re.compile(r"(?<![\w.:/~>])~?/(?:[^/:\"'\n,;()<>]+/)*[^/:\"'\s,;()<>]*")


def diagnostics(sections: Mapping[str, Mapping[str, str]]) -> str:
    """Sections of facts as plain text for an issue, made anonymous."""
    lines = []
    for title, facts in sections.items():
        lines += [f"{title}:", *(f"  {name}: {value}" for name, value in facts.items()), ""]
    return anonymous("\n".join(lines))


def anonymous(text: str, names: tuple[str, ...] | None = None) -> str:
    """A text without paths (names of code and model files stay) and without the user's and the machine's name.

    Args:
        names: to leave out; None: the user's, the home folder's and the machine's.
    """
    text = text.replace(str(Path.home()), "/home")  # whole, since its name may have spaces
    for pattern in (_WINDOWS, _POSIX):
        text = pattern.sub(_last_part, text)
    for name in _own_names() if names is None else names:
        if len(name) > 1:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", text, flags=re.IGNORECASE)
    return text


def _last_part(path: re.Match[str]) -> str:
    last = re.split(r"[\\/]", path[0])[-1]
    return f"<path>/{last}" if last.lower().endswith(_CODE) else "<path>"


_CODE = (".py", ".so", ".pyd", ".dll", ".dylib", ".safetensors", ".json")
"""Endings of files whose names tell where a fault lies and nothing of whose they are"""


def _own_names() -> tuple[str, ...]:
    names = {Path.home().name, socket.gethostname(), socket.gethostname().partition(".")[0]}
    with contextlib.suppress(KeyError, OSError):  # a user without a name
        names.add(getpass.getuser())
    return tuple(sorted(names - {"root", ""}, key=len, reverse=True))
