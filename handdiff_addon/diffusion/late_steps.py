# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the embedded model's denoising steps lie: one at pure noise, the others where little noise is left."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DDIMScheduler
from diffusers.schedulers.scheduling_ddim import DDIMSchedulerOutput

LATE = 0.3
"""Share of the timesteps that all steps but the first lie in"""


class LateStepsScheduler(DDIMScheduler):
    """DDIM (Song et al. 2020) for models that predict the clean latents, with most steps at little noise.

    From pure noise, pose and words tell such a model nearly the whole picture.  Evenly spread, the next steps would
    hide half of that guess under noise again, some of which a small network takes for texture; here they begin with
    95 % of its amplitude and sharpen it.
    """

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        super().set_timesteps(num_inference_steps, device)
        late = torch.linspace(LATE, 0.0, num_inference_steps)[:-1] * self.config.num_train_timesteps
        self.timesteps[1:] = late.round().to(self.timesteps)
        self.set_begin_index(0)

    def set_begin_index(self, begin_index: int) -> None:
        """Say which step comes next; from there they are counted, as rounded timesteps repeat where there are many."""
        self._next = begin_index

    def step(self, model_output: torch.Tensor, timestep: Any, sample: torch.Tensor) -> DDIMSchedulerOutput:
        """The next step, from one of :attr:`timesteps` to that after it; ``model_output`` is the clean latents."""
        self._next += 1
        after = self.timesteps[self._next : self._next + 1].tolist()
        kept = self.alphas_cumprod[int(timestep)]
        kept_after = self.alphas_cumprod[after[0]] if after else self.final_alpha_cumprod
        noise = (sample - kept.sqrt() * model_output) / (1 - kept).sqrt()
        return DDIMSchedulerOutput(kept_after.sqrt() * model_output + (1 - kept_after).sqrt() * noise, model_output)
