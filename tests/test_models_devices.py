# SPDX-License-Identifier: GPL-3.0-or-later
"""Which build of torch is chosen for which machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from handdiff_addon.models.devices import (
    CPU,
    CUDA_12,
    CUDA_13,
    CUDA_13_LINUX,
    MPS,
    ROCM,
    Card,
    amd_graphics,
    builds,
    choose,
)

LINUX, WINDOWS = builds("linux", "x86_64"), builds("win32", "AMD64")


@pytest.mark.parametrize(
    ("card", "build"),
    [
        (Card("RTX 4090", (13, 0), (8, 9)), CUDA_13),
        (Card("RTX 5090", (13, 1), (12, 0)), CUDA_13),
        (Card("RTX 2060 with the driver of last year", (12, 4), (7, 5)), CUDA_12),
        (Card("GTX 1080: too old for CUDA 13, whatever the driver", (13, 0), (6, 1)), CUDA_12),
        (Card("RTX 5090 with a driver that is too old", (12, 8), (12, 0)), CPU),
        (Card("GTX 780", (11, 4), (3, 5)), CPU),
    ],
)
def test_nvidia_cards(card: Card, build: object) -> None:
    assert choose(WINDOWS, card).build == build
    assert choose(LINUX, card).build == (CUDA_13_LINUX if build is CUDA_13 else build)


def test_the_note_says_what_to_do() -> None:
    assert "update it first" in choose(LINUX, Card("RTX 5090", (12, 8), (12, 0))).note
    assert "no longer serves" in choose(LINUX, Card("GTX 780", (12, 0), (3, 5))).note
    assert "slow" in choose(LINUX).note
    assert not choose(LINUX, Card("RTX 4090", (13, 0), (8, 9))).note


def test_other_machines() -> None:
    assert choose(LINUX, amd=True).build == ROCM
    assert choose(WINDOWS).build == CPU
    assert choose(builds("darwin", "arm64")).build == MPS
    intel_mac = choose(builds("darwin", "x86_64"))
    assert intel_mac.build is None and "no longer made" in intel_mac.note
    assert choose(builds("linux", "aarch64"), Card("GB10", (13, 0), (12, 1))).build == CUDA_13_LINUX
    assert choose(builds("linux", "aarch64"), Card("Xavier", (12, 0), (7, 2))).build == CPU


def test_requirements_name_the_build() -> None:
    assert (CUDA_12.requirement, CUDA_12.index[-5:]) == ("torch==2.13.0+cu126", "cu126")
    assert (CUDA_13_LINUX.requirement, CUDA_13_LINUX.index) == ("torch==2.13.0", "")
    assert (MPS.requirement, MPS.index) == ("torch==2.13.0", "")


def test_amd_graphics_as_linux_lists_them(tmp_path: Path) -> None:
    assert not amd_graphics(tmp_path)
    for number, units in ((0, 0), (1, 96)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "properties").write_text(f"cpu_cores_count 16\nsimd_count {units}\n")
        assert amd_graphics(tmp_path) == (units > 0)
