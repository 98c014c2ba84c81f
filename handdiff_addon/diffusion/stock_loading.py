# SPDX-License-Identifier: GPL-3.0-or-later
"""A stock model loaded from whatever layout it comes in, offline, from safetensors alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from ..errors import ModelError, first_line
from ..models.bases import BaseSource
from ..models.digests import checked
from ..models.known import LCM, FewSteps, KnownModel, recognise
from ..models.parts import PartSource, vae_part, well_formed
from ..models.shapes import controlnet_config, defaults, text_config, unet_config, vae_config
from ..models.sources import Weights, source_name
from ..models.stock_plan import ControlPlan, StockPlan
from ..models.vocabulary import clip_vocabulary
from .lora import merge_lora
from .reference import load_reference
from .stock import Control, StockModel
from .stock_hands import load_hands
from .stock_parts import build

TOKENS = 77
"""Length of a prompt in CLIP's tokens, the marks of its start and end included"""


def load_plan(plan: StockPlan, device: torch.device, dtype: torch.dtype) -> StockModel:
    """Load a planned base model of the SD 1.5 or SDXL family, with what belongs to it.

    A file that is new is read once for its sha256 and for numbers that are none.

    Raises:
        ModelError: naming the file that is damaged, unsafe or of another family, before anything is sampled.
    """
    base, family = plan.base, plan.base.architecture.family
    digests = {path: checked(path) for path in plan.files}
    what = f"The model {base.path}"
    tokenizers = _tokenizers(base)

    text_encoders = [
        build(
            CLIPTextModel, _text(base, "text_encoder", tokenizers[0]), base.parts["text_encoder"], device, dtype, what
        )
    ]
    if family == "sdxl":
        config = _text(base, "text_encoder_2", tokenizers[1])
        part = base.parts["text_encoder_2"]
        text_encoders.append(build(CLIPTextModelWithProjection, config, part, device, dtype, what))
    _refuse_short_vocabulary(base, tokenizers, text_encoders)

    unet = build(UNet2DConditionModel, _unet(base), base.parts["unet"], device, dtype, what)
    if unet.config.cross_attention_dim != sum(encoder.config.hidden_size for encoder in text_encoders):
        raise ModelError(f"{what} has text encoders that are not its U-Net's: its parts are of different models.")
    autoencoder = _autoencoder(plan, digests, device, dtype)
    merged = [merge_lora(lora.weights, lora.scale, unet, text_encoders) for lora in plan.loras]
    few = _few_steps(plan, digests)
    return StockModel(
        family=family,  # type: ignore[arg-type]
        tokenizers=tokenizers,
        text_encoders=text_encoders,
        unet=unet,
        vae=autoencoder,
        scheduler=_scheduler(base, few),
        controls=[_control(control, unet, device, dtype) for control in plan.controls],
        identity=_identity(plan, digests, merged),
        device=device,
        dtype=dtype,
        few_steps=few.steps if few else None,
        guidance_scale=few.guidance_scale if few else None,
        hands=load_hands(plan.hands, unet, device) if plan.hands else None,
        reference=load_reference(plan.reference, unet, device, dtype) if plan.reference else None,
        zeros_for_empty=base.zeros_for_empty,
    )


def _tokenizers(base: BaseSource) -> list[CLIPTokenizer]:
    if base.tokenizers:
        try:
            return [CLIPTokenizer.from_pretrained(folder, local_files_only=True) for folder in base.tokenizers]
        except Exception as error:  # the tokenizers library raises its own
            raise ModelError(
                f"The vocabulary in {base.path} cannot be read ({first_line(error)}): copy or download it again."
            ) from error
    vocabulary, merges = clip_vocabulary()
    # OpenCLIP fills up with token 0, which is "!".
    pads = ["<|endoftext|>", "!"] if base.architecture.family == "sdxl" else ["<|endoftext|>"]
    return [CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad, model_max_length=TOKENS) for pad in pads]


def _refuse_short_vocabulary(base: BaseSource, tokenizers: list[CLIPTokenizer], encoders: list[Any]) -> None:
    for tokenizer, encoder in zip(tokenizers, encoders):
        rows = encoder.get_input_embeddings().num_embeddings
        if len(tokenizer) > rows:
            raise ModelError(
                f"The model {base.path} has {rows} words and its vocabulary {len(tokenizer)}: "
                "its parts are of different models."
            )


def _text(base: BaseSource, name: str, tokenizer: CLIPTokenizer) -> dict[str, Any]:
    """Configuration of a text encoder; a folder's own says how many heads it has."""
    part = base.parts[name]
    with well_formed(base.path):
        config = defaults(base.architecture.family, name) | text_config(part.shapes)
    if part.config:
        config |= {key: part.config[key] for key in ("num_attention_heads", "hidden_act") if key in part.config}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return config | ids | {"pad_token_id": tokenizer.pad_token_id}


def _unet(base: BaseSource) -> dict[str, Any]:
    part = base.parts["unet"]
    with well_formed(base.path):
        told = unet_config(part.shapes)
    config = defaults(base.architecture.family, "unet") | told
    if base.architecture.family == "sdxl":
        # 64 channels a head; diffusers calls the number of heads so, for history's sake
        config["attention_head_dim"] = [max(1, width // 64) for width in config["block_out_channels"]]
        with well_formed(base.path):
            pooled = base.parts["text_encoder_2"].shapes["text_projection.weight"][0]
            # the pooled text and six numbers: original size, corner, target size
            config["addition_time_embed_dim"] = (config["projection_class_embeddings_input_dim"] - pooled) // 6
    return config | _own(part) | told


def _own(part: PartSource) -> dict[str, Any]:
    """A folder's configuration without its remarks."""
    return {key: value for key, value in (part.config or {}).items() if not key.startswith("_")}


def _autoencoder(plan: StockPlan, digests: dict[Path, str], device: torch.device, dtype: torch.dtype) -> AutoencoderKL:
    family = plan.base.architecture.family
    part = vae_part(plan.vae) if plan.vae else plan.base.parts["vae"]
    where = plan.vae.path if plan.vae else plan.base.path
    with well_formed(where):
        config = defaults(family, "vae") | _own(part) | vae_config(part.shapes)
    if not (isinstance(config["scaling_factor"], int | float) and config["scaling_factor"] > 0):
        raise ModelError(f"The VAE of {where} has no scaling_factor in its config.json: copy or download it again.")
    if plan.vae and not part.config:
        known = _recognise(plan.vae, digests)
        if known and known.name == "vae-sdxl":
            config["force_upcast"] = False  # what it was made for
    return build(AutoencoderKL, config, part, device, dtype, f"The VAE of {where}")


def _control(plan: ControlPlan, unet: Any, device: torch.device, dtype: torch.dtype) -> Control:
    """A ControlNet, which has the base's configuration where its tensors and its own do not say."""
    network = ControlNetUnionModel if plan.modes else ControlNetModel
    shared = {key: value for key, value in unet.config.items() if key in _BASE_KEYS}
    with well_formed(plan.weights.path):
        config = shared | _own(plan.part) | controlnet_config(plan.part.shapes)
    model = build(network, config, plan.part, device, dtype, f"The ControlNet {plan.weights.path}")
    return Control(model, plan.roles, dict(plan.modes), plan.scale)


_BASE_KEYS = (
    "flip_sin_to_cos", "freq_shift", "downsample_padding", "mid_block_scale_factor", "act_fn", "norm_num_groups",
    "norm_eps", "attention_head_dim", "addition_embed_type", "addition_time_embed_dim",
)  # fmt: skip


def _few_steps(plan: StockPlan, digests: dict[Path, str]) -> FewSteps | None:
    """How a distilled set among the files wants to be sampled; the last LoRA that is one has the word."""
    for lora in reversed(plan.loras):
        if (known := _recognise(lora.weights, digests)) and known.few_steps:
            return known.few_steps
    base = plan.base
    if base.architecture.consistency or (base.scheduler or {}).get("_class_name") == "LCMScheduler":
        return LCM
    known = recognise(base.files[0], digests[base.files[0]]) if len(base.files) == 1 else None
    return known.few_steps if known else None


def _recognise(weights: Weights, digests: dict[Path, str]) -> KnownModel | None:
    path = weights.paths[0]
    return recognise(path, digests[path])


def _scheduler(base: BaseSource, few: FewSteps | None) -> Any:
    """The scheduler for a base model: UniPC, or what a distilled set wants, with the model's own noise.

    Raises:
        ModelError: where the model's noise is none that HandDiff paints with.
    """
    config = defaults(base.architecture.family, "scheduler") | {
        key: value for key, value in (base.scheduler or {}).items() if key in _NOISE
    }
    if str((base.scheduler or {}).get("_class_name", "")).startswith("EDM"):
        raise ModelError(
            f"The model {base.path} wants EDM's noise, which HandDiff does not paint with: choose another."
        )
    if base.architecture.v_prediction:
        config["prediction_type"] = "v_prediction"
    if base.architecture.zero_terminal_snr:
        config["rescale_betas_zero_snr"] = True
    if few and few.trailing:
        config["timestep_spacing"] = "trailing"
    name = few.scheduler if few else "UniPCMultistepScheduler"
    try:
        if config["prediction_type"] not in ("epsilon", "v_prediction", "sample"):
            raise ValueError(f"prediction_type {config['prediction_type']!r}")
        return getattr(diffusers, name).from_config(config)
    except Exception as error:  # the classes check little, and torch stumbles over the rest
        raise ModelError(
            f"The scheduler's configuration of {base.path} makes no scheduler ({first_line(error)}): "
            "copy or download it again."
        ) from error


_NOISE = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type",
    "rescale_betas_zero_snr", "steps_offset",
)  # fmt: skip
"""What a scheduler's configuration says of the model, and not of the way of sampling"""


def _identity(plan: StockPlan, digests: dict[Path, str], merged: list[dict[str, int]]) -> dict[str, Any]:
    """What ``report.json`` says of the weights."""
    base = plan.base
    root = base.path if base.path.is_dir() else base.path.parent
    identity: dict[str, Any] = {
        "name": source_name(base.path),
        "architecture": base.architecture.title,
        "parameters": sum(torch.Size(shape).numel() for part in base.parts.values() for shape in part.shapes.values()),
        "sha256": {path.relative_to(root).as_posix(): digests[path] for path in base.files},
    }
    if plan.vae:
        identity["vae"] = _report(plan.vae, digests)
    if plan.hands:
        identity["hand_model"] = _report(plan.hands.weights, digests)
    if plan.reference:
        seen = {name: _report(getattr(plan.reference, name), digests) for name in ("adapter", "encoder")}
        identity["reference"] = {**seen, "sha256": plan.reference.sha256, "scale": plan.reference.scale}
    if plan.controls:
        identity["controlnets"] = [
            {**_report(control.weights, digests), "roles": list(control.roles), "scale": control.scale}
            for control in plan.controls
        ]
    if plan.loras:
        identity["loras"] = [
            {**_report(lora.weights, digests), "weight": lora.scale, **counts}
            for lora, counts in zip(plan.loras, merged)
        ]
    return identity


def _report(weights: Weights, digests: dict[Path, str]) -> dict[str, Any]:
    return {"name": source_name(weights.path), "sha256": {path.name: digests[path] for path in weights.paths}}
