# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench of the passes prints its table."""

from __future__ import annotations

import pytest

from handdiff_addon.evaluation import bench_passes as bench


def test_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "REPEATS", 1)
    monkeypatch.setattr(bench, "FRAMES", 3)
    monkeypatch.setattr(bench, "SIZE", (128, 128))
    monkeypatch.setattr(bench, "BODIES", dict(list(bench.BODIES.items())[:2]))
    lines: list[str] = []
    bench.bench_passes(lines.append)
    rows = {line[:34].strip(): line[34:].split() for line in lines if line[34:].split()}
    assert float(rows["pose and skeleton"][0]) > 0
    vertices, triangles = (int(count.replace(",", "")) for count in rows["a person of 16,000 vertices"][:2])
    assert vertices == pytest.approx(16_000, rel=0.02) and triangles > vertices
    assert int(rows["a person of 16,000 triangles"][1].replace(",", "")) == pytest.approx(16_000, rel=0.02)
    assert "times the triangles take" in lines[-2] and "at frame 3" in lines[-1]
