# SPDX-License-Identifier: GPL-3.0-or-later
"""The two-stage method of "Giving a Hand to Diffusion Models" (Pelykh, Sincan, Bowden, 2024), end to end.

Stage 1 paints the hands in crops with their masks, stage 2 the body around them while the kept region shrinks.  One
request and one frame's :class:`Conditioning` go in, one :class:`GenerationResult` comes out.
"""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from ..conditioning.crops import resize
from ..conditioning.frame import Conditioning
from ..errors import ModelError, SceneError
from ..request import GenerationRequest, GenerationResult
from .checkpoint import Checkpoint, load_model
from .compiling import Compiled
from .devices import choose_device, choose_dtype, hand_back_memory, is_out_of_memory, peak_memory, reset_peak_memory
from .embedded_painter import EmbeddedPainter
from .frame import Frame, at_size
from .hand_stage import (
    Hands,
    choose,
    find_crops,
    hand_pictures,
    paint_hands,
    paste_cores,
    predicted_mask,
    warn_of_small,
)
from .outpaint_stage import enlarged, given_canvas
from .painter import Given, Painter, Painting
from .progress import IsCancelled, OnProgress, Watch
from .stock import StockModel
from .stock_painter import StockPainter
from .text import PROMPT, TextEmbedding

T = TypeVar("T")

_NAMED = 6
"""So many unknown words are named"""


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - begun, 3)


class TwoStagePipeline:
    """A loaded model that turns requests and conditioning into pictures.  Not for several threads at once."""

    def __init__(self, model: Checkpoint | StockModel, compile: bool = False) -> None:
        self.painter: Painter = StockPainter(model) if isinstance(model, StockModel) else EmbeddedPainter(model)
        self._compiled = Compiled(self.painter.denoisers) if compile else None
        self._texts: dict[tuple[str, ...], TextEmbedding] = {}

    @classmethod
    def load(cls, model: str = "", hand_model: str = "", device: str = "auto") -> TwoStagePipeline:
        """:meth:`for_request` with these models and no others; empty: the embedded one."""
        return cls.for_request(GenerationRequest("", model=model, hand_model=hand_model), device)

    @classmethod
    def for_request(
        cls, request: GenerationRequest, device: str = "auto", dtype: str = "auto", compile: bool = False
    ) -> TwoStagePipeline:
        """Load the models that a request names.

        Where the device has too little memory to hold them, they wait in the machine's and go there when used.

        Args:
            request: its prompt, seed and other settings do not matter here.
            device: a name that torch knows; ``auto``: what torch reports.
            dtype: ``float32``, ``float16`` or ``bfloat16``, of a stock model; ``auto``: what suits the device.
            compile: by ``torch.compile``, which makes the first picture slower and the later ones faster.

        Raises:
            ModelError: where a model does not exist or cannot be used.
            UsageError: where there is no such device or number type.
        """
        place = choose_device(device)
        numbers = choose_dtype(place, dtype)
        try:
            return cls(load_model(request, place, numbers), compile)
        except Exception as error:
            if place.type == "cpu" or not is_out_of_memory(error):
                raise
        gc.collect()
        hand_back_memory(place)
        model = load_model(request, torch.device("cpu"), numbers)
        if isinstance(model, StockModel):
            model.device = place
        return cls(model, compile)

    def generate(
        self,
        request: GenerationRequest,
        conditioning: Conditioning,
        *,
        progress: OnProgress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> GenerationResult:
        """Paint one frame.

        Where the device runs out of memory, the stage that needed it is run again with less, as the warnings say; what
        was painted before it stays.

        Args:
            request: every setting.
            conditioning: the frame's passes, at the frame's size.
            progress: told of each denoising step.
            cancelled: asked before each step; true stops the run.

        Raises:
            Cancelled: where ``cancelled`` said so; nothing is left behind.
            SceneError: where no person is in the conditioning, or the rendered picture that is needed is not.
            ModelError: where the model cannot do what is asked, or the memory does not suffice.
        """
        painter, watch = self.painter, Watch(progress, cancelled)
        _check_frame(request, conditioning)
        painter.check(request)
        clock, warnings = _Clock(), list(conditioning.warnings)
        reset_peak_memory(painter.device)
        frame = at_size(
            conditioning, request, request.size or self.native_size(conditioning.width, conditioning.height)
        )
        try:
            with torch.inference_mode():
                text, rows, prompts = self._encode(request, frame, warnings)
                painting = self._plan(request, frame, [prompts[row] for row in rows], text, watch)
                if request.negative_prompt and painting.guidance_scale <= 1.0:
                    warnings.append("What to keep out counts only with a guidance above 1: raise it, or leave it out.")
                hands: Hands | None = None
                if request.two_stages:
                    with clock.measure("hands"):
                        hands = self._paint_hands(painting, rows, warnings)
                given = given_canvas(request, frame, hands, painter.cell, rows)
                with clock.measure("body"):
                    picture = self._sparing(lambda: painter.paint_body(painting, given), warnings)
                if request.upscale:
                    with clock.measure("upscaling"):
                        picture = self._upscale(painting, picture, hands, given, rows, warnings)
        except BaseException:
            hand_back_memory(painter.device)
            raise
        if self._compiled and (said := self._compiled.take_warning()):
            warnings.append(said)
        with clock.measure("finishing"):
            image = self._finish(painting, picture, hands)
        predicted = None if hands is None else predicted_mask(hands, frame)
        return GenerationResult(
            image=Image.fromarray(image),
            hands=None if hands is None else Image.fromarray(_only_hands(given.picture, given.hands)),
            hands_predicted_mask=None
            if predicted is None
            else Image.fromarray((predicted * 255).round().astype(np.uint8)),
            painted_size=(frame.width, frame.height),
            settings={"prompt": prompts[PROMPT], **self._used(painting)},
            model=painter.identity,
            hand_reports=[] if hands is None else hands.reports,
            seconds=clock.seconds,
            peak_memory_bytes=peak_memory(painter.device),
            warnings=warnings,
            crops=[] if hands is None else hand_pictures(hands),
        )

    def forget(self) -> None:
        """Drop the embedded text that is kept for the next frame."""
        self._texts = {}

    def native_size(self, width: int, height: int) -> tuple[int, int]:
        """The size to paint a frame of this aspect at: the model's own area, in multiples of 8."""
        scale = self.painter.canvas / (width * height) ** 0.5
        return max(64, round(width * scale / 8) * 8), max(64, round(height * scale / 8) * 8)

    def _plan(
        self, request: GenerationRequest, frame: Frame, prompts: Sequence[str], text: TextEmbedding, watch: Watch
    ) -> Painting:
        """The generation, with what the request leaves to the model and to the preset."""
        steps = request.steps or self.painter.steps
        fewer = max(min(steps, 4), steps // 2) if request.preset == "fast" else steps
        guidance = self.painter.guidance_scale if request.guidance_scale is None else request.guidance_scale
        return Painting(request, frame, prompts, text, watch, steps, request.hand_steps or fewer, guidance)

    def _encode(
        self, request: GenerationRequest, frame: Frame, warnings: list[str]
    ) -> tuple[TextEmbedding, list[int], list[str]]:
        """The text, once for both stages and for every frame of the same words; each person's row of it; and the rows
        as they were said to the model."""
        names = [pose.name for pose in frame.people]
        for name in request.person_prompts:
            if name not in names:
                warnings.append(f'Nobody in the picture is named "{name}", so the words for them were not used.')
        prompt, unknown = self.painter.complete(request.text, request.seed, frame, 0)
        prompts, rows = [request.negative_prompt, prompt], []
        for person, name in enumerate(names):
            own = request.words_for(name)
            rows.append(len(prompts) if own else PROMPT)
            if own:
                both = f"{own}, {request.text}" if request.text else own
                said, further = self.painter.complete(both, request.seed, frame, person)
                prompts.append(said)
                unknown += further
        if unknown:
            words = [f'"{word}"' for word in dict.fromkeys(unknown)]
            named = ", ".join(words[:_NAMED]) + (" ..." if len(words) > _NAMED else "")
            warnings.append(
                f"The model has no words for {named} and paints without: say it with clothes, colours, hair,"
                " skin and light, or choose a larger model."
            )
        key = tuple(prompts)
        if key not in self._texts:
            text = self._sparing(lambda: self.painter.encode_text(prompts), warnings)
            self._texts = {key: text}
        return self._texts[key], rows, prompts

    def _paint_hands(self, painting: Painting, rows: list[int], warnings: list[str]) -> Hands | None:
        """Stage 1; None where no hand is usable."""
        request, frame = painting.request, painting.frame
        crops = find_crops(frame, rows)
        if not crops:
            warnings.append("No hand is in view, so the picture is painted without the hand stage.")
            return None
        tries = request.best_of
        if tries > 1 and not self.painter.predicts_masks:
            warnings.append("This model predicts no masks to choose by, so the hands are painted once only.")
            tries = 1
        painted, seeds = self._sparing(lambda: paint_hands(self.painter, painting, crops, tries), warnings)
        hands = choose(request, frame, crops, painted, seeds)
        warnings += warn_of_small(hands, frame)
        return hands

    def _upscale(
        self,
        painting: Painting,
        picture: np.ndarray,
        hands: Hands | None,
        given: Given,
        rows: list[int],
        warnings: list[str],
    ) -> np.ndarray:
        """The last, optional step: the picture at the frame's size, painted over once more."""
        frame = painting.frame
        width, height = (max(64, round(side / 8) * 8) for side in (frame.source.width, frame.source.height))
        if width * height <= frame.width * frame.height:
            warnings.append("The frame is no larger than the painted picture, so there was nothing to upscale.")
            return picture
        large = at_size(frame.source, painting.request, (width, height))
        picture_there = resize(picture, width, height)
        if hands is not None:
            picture_there = paste_cores(picture_there, hands, frame)
        again = enlarged(picture_there, given, large, self.painter.cell, rows)
        try:
            return self._sparing(
                lambda: self.painter.repaint(dataclasses.replace(painting, frame=large), again), warnings
            )
        except ModelError as error:
            warnings.append(f"The picture is not upscaled: {error}")
            return picture

    def _finish(self, painting: Painting, picture: np.ndarray, hands: Hands | None) -> np.ndarray:
        """The painted picture as it goes out: at the frame's size, the hands as stage 1 painted them, and around the
        person, where that alone is painted, the rendered frame."""
        request, source = painting.request, painting.frame.source
        painting.watch.tell("finishing", 0, 1)
        image = resize(picture, source.width, source.height)
        if hands is not None and request.expansion.final_paste:
            image = paste_cores(image, hands, painting.frame)
        image = self.painter.finish(image, painting)
        if source.picture is not None and request.paint == "person":
            image = np.where(source.person_mask[..., None], image, source.picture)
        painting.watch.tell("finishing", 1, 1)
        return image

    def _used(self, painting: Painting) -> dict[str, Any]:
        """The settings as they were used, for the report."""
        return {
            "steps": painting.steps,
            "hand_steps": painting.hand_steps,
            "guidance_scale": painting.guidance_scale,
            "sampler": self.painter.sampler,
            "crop": self.painter.crop_size(painting.request, painting.frame),
            "saved_memory": list(self.painter.saved),
        }

    def _sparing(self, work: Callable[[], T], warnings: list[str]) -> T:
        """Work, tried again with less memory as long as there is something to save.

        Raises:
            ModelError: where nothing is left to save.
        """
        while True:
            try:
                return work()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            # Only here, out of the handler, are the frames that hold the failed attempt's tensors gone.
            gc.collect()
            hand_back_memory(self.painter.device)
            saved = self.painter.save_memory()
            if not saved:
                raise ModelError(
                    f"The {self.painter.device.type} device has too little memory for this model, even sparing it: "
                    "paint smaller with --size, or use another device."
                )
            warnings.append(f"The {self.painter.device.type} device ran out of memory, so {saved}.")


def _check_frame(request: GenerationRequest, conditioning: Conditioning) -> None:
    """
    Raises:
        SceneError: where no person is in the conditioning, or the rendered picture that is needed is not.
    """
    if not conditioning.people:
        raise SceneError("No person is in the picture: point the camera at a humanoid armature.")
    if request.needs_picture and conditioning.picture is None:
        raise SceneError(
            "Painting the person alone, or with a strength under 1, needs the rendered frame: render it first."
        )


def _only_hands(canvas: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], canvas, np.uint8(127))
