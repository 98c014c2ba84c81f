# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench of both stages: what it compares paints, and what can be counted keeps to what is wanted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handdiff_addon.evaluation import bench_diffusion
from handdiff_addon.evaluation.arithmetic import count
from handdiff_addon.evaluation.random_models import NARROW, parameters, random_stock_model


@pytest.mark.parametrize("family,size", [("sd15", 512), ("sdxl", 1024)])
def test_the_fast_preset_costs_little_more_than_one_stage(family, size):
    counted = count(family, size, 20)
    assert counted["one stage"] < 1.0 < counted["fast"] < bench_diffusion.LIMITS[size] < counted["quality"]


def test_networks_of_full_size_have_the_published_number_of_weights():
    """860 million in SD 1.5's U-Net and 2,567 million in SDXL's."""
    for family, unet, whole in (("sd15", 859.5e6, 1.43e9), ("sdxl", 2567e6, 4.7e9)):
        model = random_stock_model(family, 320, torch.device("meta"), torch.float32)
        assert sum(p.numel() for p in model.unet.parameters()) == pytest.approx(unet, rel=1e-3)
        assert parameters(model) == pytest.approx(whole, rel=0.05)


def test_every_way_paints_the_person(monkeypatch):
    subject = bench_diffusion.Subject("sd15", NARROW, 64, 1)
    monkeypatch.setattr(bench_diffusion, "_in_own_process", lambda subject, way: 2**30)
    monkeypatch.setattr(bench_diffusion, "_model", lambda subject: random_stock_model(
        subject.family, subject.channels, torch.device("cpu"), torch.float32))  # fmt: skip
    lines: list[str] = []
    bench_diffusion._bench_stock(lines.append, subject, repeats=1)
    names = [bench_diffusion.BASELINE, bench_diffusion.SINGLE, bench_diffusion.FAST, bench_diffusion.QUALITY]
    assert [line[:22].strip() for line in lines[3:7]] == names
    assert float(lines[3].split()[-1]) == 1.0 and "1024" in lines[3]
    person = bench_diffusion._person(64)
    assert [len(person.usable_hands(0)), person.picture.dtype] == [2, np.uint8]
