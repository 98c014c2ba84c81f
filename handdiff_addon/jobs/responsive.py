# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing torch on a worker thread without stopping the window.

Python's interpreter lock is what stops it.  Threads share it in turns of a few milliseconds, but two things hold it for
tenths of a second: the dynamic linker, when ``import torch`` calls it, and the garbage collector, when imports made a
great many objects.  So the libraries are loaded beforehand through a foreign call, which lets go of the lock, and the
collector rests meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("libtorch_global_deps", "libc10", "libtorch_cpu", "libtorch", "libtorch_python")
"""torch's own, those that others need first; what a GPU needs comes along with them."""


@contextlib.contextmanager
def window_alive(engine: str) -> Iterator[None]:
    """Import torch and what needs it inside; other threads go on meanwhile.

    Args:
        engine: the engine folder; empty where Python finds torch by itself.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        if "torch" not in sys.modules:
            load_libraries(engine)
        yield
    finally:
        # What was imported stays: later collections need not look at it again, but the last one at exit has to.
        gc.freeze()
        atexit.register(gc.unfreeze)
        if collecting:
            gc.enable()


def load_libraries(engine: str) -> list[Path]:
    """Load torch's shared libraries with the interpreter lock let go; what fails, ``import torch`` tells of.

    Windows needs none of it: there, torch itself loads its libraries by foreign calls.

    Returns:
        the libraries that were loaded.
    """
    if sys.platform == "win32":
        return []
    folder = _torch_folder(engine)
    if folder is None:
        return []
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    loaded = []
    for name in LIBRARIES:
        path = folder / "lib" / f"{name}{suffix}"
        # As torch does: its dependencies are for all to see, its own names are not.
        scope = os.RTLD_GLOBAL if name == "libtorch_global_deps" else os.RTLD_LOCAL
        if path.is_file() and dlopen(os.fsencode(path), os.RTLD_NOW | scope):
            loaded.append(path)
    return loaded


def _torch_folder(engine: str) -> Path | None:
    if engine and (Path(engine) / "torch").is_dir():
        return Path(engine) / "torch"
    spec = importlib.util.find_spec("torch")
    return Path(spec.origin).parent if spec is not None and spec.origin else None
