# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while Blender renders."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Within the block SIGINT and SIGTERM wait for its end, where Python handles them at all.

    Cycles calls Python, and whatever is raised there Blender prints and forgets, a KeyboardInterrupt as well.
    """
    came: list[tuple[int, Any]] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: handler for number in _SIGNALS if callable(handler := signal.getsignal(number))}
    try:
        for number in before:
            signal.signal(number, lambda *arguments: came.append(arguments))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            before[signal.Signals(came[0][0])](*came[0])
