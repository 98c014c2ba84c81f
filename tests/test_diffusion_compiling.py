# SPDX-License-Identifier: GPL-3.0-or-later
"""``--compile``: the same picture, and a warning where nothing can be compiled."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from handdiff_addon import cli_flags
from handdiff_addon.diffusion.pipeline import TwoStagePipeline
from handdiff_addon.request import GenerationRequest
from tests.test_diffusion_stock import REQUEST, SINGLE, make_conditioning
from tests.tiny_stock import stock_model


def painted(request: GenerationRequest = REQUEST, **options: bool) -> tuple[np.ndarray, list[str]]:
    result = TwoStagePipeline(stock_model("sd15"), **options).generate(request, make_conditioning())
    return np.asarray(result.image).astype(int), result.warnings


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the processor")
def test_a_compiled_model_paints_the_same(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    plain, _ = painted(SINGLE)
    compiled, warnings = painted(SINGLE, compile=True)
    assert any(tmp_path.iterdir()), "nothing was compiled"
    assert not any("compile" in warning for warning in warnings)
    assert np.abs(compiled - plain).max() <= 2


def test_where_nothing_can_be_compiled_the_picture_comes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_forward: object) -> object:
        def fail(*_inputs: object, **_named: object) -> None:
            raise RuntimeError("No working C++ compiler found\nand a long trace")

        return fail

    plain, _ = painted()
    monkeypatch.setattr(torch, "compile", broken)
    picture, warnings = painted(compile=True)
    assert np.array_equal(picture, plain)
    told = [warning for warning in warnings if "compile" in warning]
    assert told == [
        "torch.compile does not work here (No working C++ compiler found), so the model was used uncompiled."
    ]


def test_memory_that_runs_out_is_no_compilers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1]

    def scarce(forward):  # type: ignore[no-untyped-def]
        def once(*inputs: object, **named: object) -> object:
            if left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return forward(*inputs, **named)

        return once

    monkeypatch.setattr(torch, "compile", scarce)
    _, warnings = painted(compile=True)
    assert any("ran out of memory" in warning for warning in warnings)
    assert not any("compile" in warning for warning in warnings)


def test_the_flag_is_no_part_of_the_request() -> None:
    """As the device and the number type, it is of the machine and not of the picture."""
    parser = cli_flags.Parser("x")
    cli_flags.add_request_flags(parser)
    parser.add_argument("-p", dest="prompt")
    plain, compiled = (parser.parse_args(["-p", "a man", *more]) for more in ([], ["--compile"]))
    assert (plain.compile, compiled.compile) == (False, True)
