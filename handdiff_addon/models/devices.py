# SPDX-License-Identifier: GPL-3.0-or-later
"""Which build of torch suits this machine, found out without torch.

Graphics cards are asked for through their driver: NVIDIA's by its library, AMD's by what Linux lists of its compute
devices.  Sizes are rounded figures for the pinned torch, to warn with before anything is fetched.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

TORCH = "2.13.0"
_INDEX = "https://download.pytorch.org/whl/"


@dataclass(frozen=True)
class Build:
    """One build of torch."""

    name: str
    label: str
    index: str = ""
    """Package index that serves it beside the usual one; empty where the usual one does."""
    local: str = ""
    """What torch's version ends with there, ``cu126`` in ``2.13.0+cu126``."""
    download: float = 0.3
    """GB to fetch, with all that torch needs"""
    installed: float = 1.3
    """GB on the disk afterwards"""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"torch=={TORCH}" + (f"+{self.local}" if self.local else "")


def _build(name: str, label: str, local: str, download: float, installed: float) -> Build:
    return Build(name, label, _INDEX + local, local, download, installed)


CUDA_13 = _build("cuda13", "NVIDIA (CUDA 13)", "cu130", 2.6, 5.5)
CUDA_13_LINUX = Build("cuda13", "NVIDIA (CUDA 13)", download=2.6, installed=5.5)
"""The usual package index serves it for Linux."""
CUDA_12 = _build("cuda12", "NVIDIA (CUDA 12)", "cu126", 3.0, 6.0)
ROCM = _build("rocm", "AMD (ROCm)", "rocm7.2", 5.0, 17.0)
CPU = _build("cpu", "Processor only", "cpu", 0.3, 1.3)
MPS = Build("mps", "Apple (Metal)")


@dataclass(frozen=True)
class Device:
    """What this machine has to compute with."""

    label: str
    build: Build | None
    """The build to install; None where torch is not made for this machine."""
    note: str = ""
    """What the user should know about it, one sentence, or nothing"""


@dataclass(frozen=True)
class Card:
    """An NVIDIA graphics card; driver and capability as (major, minor)."""

    name: str
    driver: tuple[int, int]
    capability: tuple[int, int]


def builds(system: str = sys.platform, machine: str = platform.machine()) -> tuple[Build, ...]:
    """The builds of torch that there are for a system; none where torch is not made for it."""
    arm = machine.lower() in ("arm64", "aarch64")
    if system == "darwin":
        return (MPS,) if arm else ()
    if system == "win32":
        return () if arm else (CUDA_13, CUDA_12, CPU)
    if system == "linux":
        return (CUDA_13_LINUX, CPU) if arm else (CUDA_13_LINUX, CUDA_12, ROCM, CPU)
    return ()


def choose(offered: tuple[Build, ...], card: Card | None = None, amd: bool = False) -> Device:
    """The device to install for.

    CUDA 13 needs a driver of its time and a card of the Turing generation (compute capability 7.5) or later, CUDA 12
    serves older ones down to Maxwell (5.0): PyTorch's support matrix for 2.13.
    """
    if not offered:
        return Device(
            "This machine",
            None,
            "PyTorch is no longer made for this kind of machine: passes and composites still work.",
        )
    if offered == (MPS,):
        return Device("Apple graphics", MPS)
    if card is not None:
        newest = offered[0]
        if card.driver >= (13, 0) and card.capability >= (7, 5):
            return Device(card.name, newest)
        if card.driver >= (12, 0) and (5, 0) <= card.capability < (10, 0) and CUDA_12 in offered:
            return Device(card.name, CUDA_12)
        if card.capability >= (5, 0):
            return Device(
                f"{card.name}: driver too old",
                CPU,
                "The graphics card's driver is too old for PyTorch: update it first, or install for the processor.",
            )
        return Device("Processor", CPU, "PyTorch no longer serves this graphics card, so the processor will paint.")
    if amd and ROCM in offered:
        return Device("AMD graphics", ROCM)
    return Device("Processor", CPU, "No graphics card that PyTorch can use was found: painting will be slow.")


def find_device() -> Device:
    """The device to install for on this machine; asks the drivers, which may take a moment."""
    return choose(builds(), nvidia_card(), amd_graphics())


def nvidia_card() -> Card | None:
    """The first NVIDIA graphics card, or None where no driver knows one."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    version, device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    name = ctypes.create_string_buffer(128)
    # 75 and 76 are CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
    if (
        driver.cuInit(0)
        or driver.cuDriverGetVersion(ctypes.byref(version))
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDeviceGetName(name, len(name), device)
        or driver.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
    ):
        return None
    release = version.value // 1000, version.value % 1000 // 10
    return Card(name.value.decode(errors="replace"), release, (major.value, minor.value))


def amd_graphics(nodes: Path = Path("/sys/class/kfd/kfd/topology/nodes")) -> bool:
    """Whether Linux lists an AMD graphics card that can compute (a node with vector units)."""
    for properties in nodes.glob("*/properties"):
        try:
            lines = properties.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        if any(line.startswith("simd_count ") and line.split()[1] != "0" for line in lines):
            return True
    return False
