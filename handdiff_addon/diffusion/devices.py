# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device and number type to paint with, how much memory that took, and what to do when it runs out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import UsageError

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")


def choose_device(name: str = "auto") -> torch.device:
    """A device by name; ``auto``: CUDA or ROCm, then MPS, then the CPU, by what torch reports.

    Raises:
        UsageError: where torch knows no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" makes tensors, but none with numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"torch has no device {name!r} here: choose auto or cpu.") from error
    return device


def choose_dtype(device: torch.device, name: str = "auto") -> torch.dtype:
    """A number type by name; ``auto``: half precision where the device computes faster in it and rightly.

    That is every MPS and ROCm device, and CUDA from compute capability 7.0 on without the GTX 16 series, whose half
    precision gives black pictures; elsewhere float32.

    Raises:
        UsageError: for another name.
    """
    if name != "auto":
        if name not in _DTYPES:
            raise UsageError(f"{name!r} is no number type: choose auto, {', '.join(_DTYPES)}.")
        return _DTYPES[name]
    if device.type == "mps":
        return torch.float16
    if device.type == "cuda" and (
        torch.version.hip
        or (torch.cuda.get_device_capability(device) >= (7, 0) and " GTX 16" not in torch.cuda.get_device_name(device))
    ):
        return torch.float16
    return torch.float32


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def hand_back_memory(device: torch.device) -> None:
    """Give what torch holds but nobody uses back to the system; it frees nothing that something still refers to."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def reset_peak_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int:
    """Peak bytes: of torch on a GPU; of the whole process on a CPU, 0 where the system does not tell (Windows)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "linux":  # where a spawned process' getrusage counts the parent's memory, too
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


class Parts:
    """A model's parts in groups that are used one after the other; offloaded, only one group is on the device.

    Args:
        groups: modules by the name of their group; they lie on the device, or anywhere where ``offloaded`` is set next.
        device: where they compute.
    """

    def __init__(self, groups: Mapping[str, Sequence[torch.nn.Module]], device: torch.device) -> None:
        self.groups = groups
        self.device = device
        self.offloaded = False

    @contextmanager
    def on_device(self, group: str) -> Iterator[None]:
        """Within the block, this group is on the device."""
        if self.offloaded:
            for name, modules in self.groups.items():
                if name != group:
                    _move(modules, torch.device("cpu"))
            hand_back_memory(self.device)
            _move(self.groups[group], self.device)
        yield

    def offload(self) -> None:
        """Everything off the device; from now on each group is there only while it is used."""
        self.offloaded = True
        for modules in self.groups.values():
            _move(modules, torch.device("cpu"))


def _move(modules: Sequence[torch.nn.Module], device: torch.device) -> None:
    for module in modules:
        module.to(device)
