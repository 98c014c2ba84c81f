# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop that every training shares: a budget in minutes, moving averages, resuming, loss curves.

A run's folder holds ``state.safetensors`` (weights, moving averages, optimiser), ``state.json`` (step, losses) and
``loss.png``.  Runs move between CPU and CUDA without a change; the forward pass is bfloat16 on CUDA and on processors
that compute in it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..errors import ModelError
from ..files import save_image, write_bytes, write_json

Losses = dict[str, torch.Tensor]
_LOST = 20
"""Steps in a row without a finite gradient that end a run"""
_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""On CUDA; cuDNN's has no finite gradient for a hundred pictures of 4 x 4 tokens (torch 2.11, an H100)"""


@dataclass(frozen=True)
class Budget:
    """How long and how fast to train."""

    minutes: float
    learning_rate: float = 8e-4
    warmup_steps: int = 100
    cooldown: float = 0.3
    """Last share of the minutes, over which the learning rate falls to a twentieth."""
    average: float = 0.999
    save_seconds: float = 240.0


class Trainer:
    """Trains ``modules`` together by AdamW and keeps moving averages of their weights.

    Args:
        modules: name to module, all trained.
        directory: the run's folder; a run found there goes on.
        device: torch device name.
        seed: of every step's random generator, with the step's number.
    """

    def __init__(
        self, modules: dict[str, torch.nn.Module], directory: Path, budget: Budget, device: str = "cpu", seed: int = 0
    ) -> None:
        self.modules = torch.nn.ModuleDict({name: module.to(device).train() for name, module in modules.items()})
        self.directory = directory
        self.budget = budget
        self.device = device
        self.seed = seed
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.parameters = {name: p for name, p in self.modules.named_parameters() if p.requires_grad}
        self.averages = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=budget.learning_rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        directory.mkdir(parents=True, exist_ok=True)
        if (directory / "state.json").is_file():
            self._resume()

    def run(self, losses: Callable[[torch.Generator, int], Losses], on_save: Callable[[], None] | None = None) -> None:
        """Step until the budget is spent.  ``losses`` gets the step's generator and number; their sum is minimised.

        ``on_save`` runs after each saving, with the moving averages in place of the weights.  A step whose gradient is
        not finite, as bfloat16 gives now and then, is left out, and told.

        Raises:
            ModelError: where no step is finite any more; what was saved before is kept.
        """
        begun = saved = printed = time.monotonic()
        kind = torch.device(self.device).type
        capabilities = torch.cpu.get_capabilities()
        fast = kind == "cuda" or capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
        autocast = torch.autocast(kind, torch.bfloat16) if fast else contextlib.nullcontext()
        sums: dict[str, torch.Tensor] = {}
        counted = 0
        left_out = lost = 0
        while (elapsed := time.monotonic() - begun) < self.budget.minutes * 60:
            self._set_learning_rate(elapsed / (self.budget.minutes * 60))
            generator = torch.Generator(self.device).manual_seed((self.seed << 32) + self.step)
            with autocast, sdpa_kernel(_ATTENTION):
                parts = losses(generator, self.step)
            total = torch.stack(list(parts.values())).sum()
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
            self.step += 1
            if torch.isfinite(norm):
                self.optimiser.step()
                self._average()
                for name, part in parts.items():
                    sums[name] = sums.get(name, 0.0) + part.detach()
                counted, lost = counted + 1, 0
            else:
                left_out, lost = left_out + 1, lost + 1
                if lost == _LOST:
                    raise ModelError(
                        f"The training has given no finite numbers for {_LOST} steps: what was saved before is kept; "
                        "run it again, on another --device if need be."
                    )
            now = time.monotonic()
            if now - printed > 20 and counted:
                means = {name: float(value) / counted for name, value in sums.items()}
                row = {"step": self.step, "minutes": (now - begun) / 60, **means}
                self.history.append(row)
                told = f"  left out {left_out}" if left_out else ""
                print("  ".join(f"{name} {value:.4g}" for name, value in row.items()) + told, flush=True)
                printed, sums, counted = now, {}, 0
            if now - saved > self.budget.save_seconds:
                self.save(on_save)
                saved = time.monotonic()
        self.save(on_save)

    def save(self, on_save: Callable[[], None] | None = None) -> None:
        """Write the run's state and loss curve as whole files."""
        tensors: dict[str, torch.Tensor] = {}
        for name, parameter in self.parameters.items():
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
            tensors[f"average.{name}"] = self.averages[name].contiguous()
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{key}.{name}"] = value.detach().contiguous()
        write_bytes(self.directory / "state.safetensors", save(tensors))
        write_json(self.directory / "state.json", {"step": self.step, "history": self.history})
        if len(self.history) > 1:
            save_image(draw_curves(self.history), self.directory / "loss.png")
        if on_save is not None:
            with self.averaged():
                on_save()

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block, the modules hold the moving averages and are in evaluation mode."""
        weights = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._load(self.averages)
        self.modules.eval()
        try:
            yield
        finally:
            self._load(weights)
            self.modules.train()

    @torch.no_grad()
    def _load(self, values: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(values[name])

    @torch.no_grad()
    def _average(self) -> None:
        # A young run averages over its latest tenth only, so that short runs have averages worth showing.
        decay = min(self.budget.average, 1.0 - 10.0 / (self.step + 10.0))
        torch._foreach_lerp_(list(self.averages.values()), list(self.parameters.values()), 1.0 - decay)

    def _set_learning_rate(self, progress: float) -> None:
        warm = min(1.0, (self.step + 1) / self.budget.warmup_steps)
        left = min(1.0, (1.0 - progress) / self.budget.cooldown)
        for group in self.optimiser.param_groups:
            group["lr"] = self.budget.learning_rate * warm * max(0.05, left)

    def _resume(self) -> None:
        """
        Raises:
            ModelError: where the run is of other parts, as one of an earlier version is, or was stopped before a step.
        """
        state = json.loads((self.directory / "state.json").read_text(encoding="utf-8"))
        tensors = load_file(self.directory / "state.safetensors", device=self.device)
        if any(f"exp_avg.{name}" not in tensors for name in self.parameters):
            raise ModelError(
                f"The run in {self.directory} cannot go on, for it lacks parts that are trained today: "
                "choose another folder, or remove this one to begin anew."
            )
        self.step, self.history = state["step"], state["history"]
        self._load({name: tensors[f"weight.{name}"] for name in self.parameters})
        self.averages = {name: tensors[f"average.{name}"] for name in self.parameters}
        for name, parameter in self.parameters.items():
            self.optimiser.state[parameter] = {
                key: tensors[f"{key}.{name}"].cpu() if key == "step" else tensors[f"{key}.{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        print(f"going on from step {self.step}", flush=True)


def draw_curves(history: list[dict[str, float]]) -> Image.Image:
    """The losses over the steps as a picture, each on its own scale from 0 to its 98th percentile."""
    width, height = 640, 360
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    names = [name for name in history[-1] if name not in ("step", "minutes")]
    last = max(row["step"] for row in history)
    for index, name in enumerate(names):
        colour = ("#c0392b", "#2471a3", "#1e8449", "#b7950b")[index % 4]
        rows = [(row["step"], row[name]) for row in history if name in row]
        top = sorted(value for _, value in rows)[int(0.98 * (len(rows) - 1))] or 1.0
        draw.line(
            [
                (40 + (width - 50) * step / last, height - 30 - (height - 50) * min(value / top, 1.0))
                for step, value in rows
            ],
            fill=colour,
            width=2,
        )
        draw.text((50 + 200 * index, 4), f"{name}: {rows[-1][1]:.4g} (top {top:.3g})", fill=colour)
    draw.line([(40, 20), (40, height - 30), (width - 10, height - 30)], fill="black")
    draw.text((40, height - 24), f"steps 0 to {last}", fill="black")
    return image


def save_fp16(model: torch.nn.Module, directory: Path) -> None:
    """Save a diffusers or transformers model as fp16 safetensors beside its config, leaving the model as it is.

    Files have at most 15 MB, as they have to lie in repositories.
    """
    saved = copy.deepcopy(model).to("cpu", torch.float16)
    saved.save_pretrained(directory, max_shard_size="15MB")  # type: ignore[operator]
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)  # the folder that it was begun with, which is nobody's business
    write_json(directory / "config.json", config)
