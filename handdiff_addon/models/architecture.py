# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of weights is, told from its tensors' names and shapes, never from the file's name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from . import original_names as original
from .safetensors_header import TensorInfo

Tensors = Mapping[str, TensorInfo]
T = TypeVar("T")
Kind = Literal[
    "checkpoint", "unet", "controlnet", "union", "lora", "vae", "text_encoder", "ip_adapter", "control_lora",
    "lycoris", "hand_generator", "image_encoder", "handdiff", "unknown",
]  # fmt: skip
Family = Literal["sd15", "sdxl", "sd2", "sdxl_refiner", "sd3", "flux", ""]
"""Empty where the tensors do not tell, or where both take it"""

FAMILIES: dict[Family, str] = {
    "sd15": "Stable Diffusion 1.5",
    "sdxl": "SDXL",
    "sd2": "Stable Diffusion 2",
    "sdxl_refiner": "SDXL refiner",
    "sd3": "Stable Diffusion 3",
    "flux": "Flux",
    "": "unknown family",
}
PAINTABLE: tuple[Family, ...] = ("sd15", "sdxl")
_KINDS: dict[Kind, str] = {
    "checkpoint": "checkpoint",
    "unet": "U-Net alone",
    "controlnet": "ControlNet",
    "union": "union ControlNet",
    "lora": "LoRA",
    "vae": "VAE",
    "text_encoder": "text encoder",
    "ip_adapter": "IP-Adapter",
    "control_lora": "Control-LoRA",
    "lycoris": "LyCORIS network",
    "hand_generator": "hand generator",
    "image_encoder": "image encoder",
    "handdiff": "model of HandDiff's own kind",
    "unknown": "unknown weights",
}
_PRECISIONS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "F8_E4M3": "fp8", "F8_E5M2": "fp8"}
_BY_CROSS_ATTENTION: dict[int, Family] = {768: "sd15", 1024: "sd2", 1280: "sdxl_refiner", 2048: "sdxl"}
_LORA_MARKS = re.compile(
    r"\.lora_(down|up|A|B)\.|\.lora\.(down|up)\.|_lora\.(down|up)\.|lora_linear_layer\.(down|up)\."
)
_LYCORIS_MARKS = (".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".oft_blocks", ".oft_diag")


@dataclass(frozen=True)
class Architecture:
    """What a file of weights is."""

    kind: Kind
    family: Family = ""
    in_channels: int = 0
    """Of the U-Net: 4, or 9 in an inpainting variant"""
    control_types: int = 0
    """Of a union ControlNet: 6, or 8 in the ProMax variant"""
    rank: int = 0
    """Of a LoRA: the most frequent one"""
    parts: tuple[str, ...] = ()
    """Of a checkpoint, by diffusers' names"""
    dtype: str = ""
    """The type of most elements, as the format names it"""
    consistency: bool = False
    """A latent consistency model: its U-Net takes the guidance as an input"""
    v_prediction: bool = False
    zero_terminal_snr: bool = False

    @property
    def inpainting(self) -> bool:
        return self.in_channels == 9

    @property
    def title(self) -> str:
        """For a list: such as "SDXL union ControlNet, 8 types, fp16"."""
        words = [FAMILIES[self.family] if self.family else "", "inpainting" if self.inpainting else ""]
        words += ["latent consistency" if self.consistency else "", _KINDS[self.kind]]
        notes = [" ".join(word for word in words if word)]
        if self.control_types:
            notes.append(f"{self.control_types} types")
        if self.rank:
            notes.append(f"rank {self.rank}")
        if self.v_prediction:
            notes.append("v-prediction")
        missing = [part for part in ("vae", "text_encoder") if self.kind == "checkpoint" and part not in self.parts]
        notes += [f"without {part.replace('_', ' ')}" for part in missing]
        return ", ".join([*notes, _PRECISIONS.get(self.dtype, self.dtype)] if self.dtype else notes)


def identify(tensors: Tensors) -> Architecture:
    """What a file with these tensors is; ``unknown`` where it is nothing that HandDiff knows of."""
    elements: Counter[str] = Counter()
    for info in tensors.values():
        elements[info.dtype] += info.elements
    dtype = elements.most_common(1)[0][0] if elements else ""
    kind, details = _identify(tensors)
    return Architecture(kind, dtype=dtype, **details)


def _identify(tensors: Tensors) -> tuple[Kind, dict]:
    if "lora_controlnet" in tensors:
        return "control_lora", {}
    if any(name.startswith("mask_head.") for name in tensors) and any(name.startswith("unet.") for name in tensors):
        width = _width(tensors, r"attn2\.to_k\.weight$")
        return "hand_generator", {"family": _BY_CROSS_ATTENTION.get(width, "")}
    if any(name.endswith(_LYCORIS_MARKS) for name in tensors):
        return "lycoris", {}
    if any(_LORA_MARKS.search(name) for name in tensors):
        return "lora", _lora(tensors)
    if any(name.startswith("image_proj.") for name in tensors) and any(n.startswith("ip_adapter.") for n in tensors):
        return "ip_adapter", {"family": _BY_CROSS_ATTENTION.get(_width(tensors, r"to_k_ip\.weight$"), "")}
    for prefix in (original.CONTROLNET, ""):
        if f"{prefix}input_hint_block.0.weight" in tensors:
            return "controlnet", {"family": _unet_family(below(tensors, prefix))}
    if "controlnet_cond_embedding.conv_in.weight" in tensors:
        types = _axis(tensors, "task_embedding", 0)
        return "union" if types else "controlnet", {"family": _unet_family(tensors), "control_types": types}
    for prefix in (original.UNET, ""):
        if f"{prefix}input_blocks.0.0.weight" in tensors:
            parts = _checkpoint_parts(tensors) if prefix else ("unet",)
            details = _unet(below(tensors, prefix), f"{prefix}input_blocks.0.0.weight", tensors)
            return "checkpoint" if len(parts) > 1 else "unet", {**details, "parts": parts}
    if "conv_in.weight" in tensors and any(name.startswith("up_blocks.") for name in tensors):
        return "unet", _unet(tensors, "conv_in.weight", tensors)
    vae = below(tensors, original.VAE) or tensors
    if "encoder.conv_in.weight" in vae and "decoder.conv_in.weight" in vae:
        four = _axis(vae, "decoder.conv_in.weight", 1) == 4
        return "vae" if four else "unknown", {}
    if any(name.endswith("text_model.embeddings.token_embedding.weight") for name in tensors):
        return "text_encoder", {}
    if "vision_model.embeddings.patch_embedding.weight" in tensors and "visual_projection.weight" in tensors:
        return "image_encoder", {}
    for mark, family in (
        ("double_blocks.0.", "flux"),
        ("joint_blocks.0.", "sd3"),
        ("single_transformer_blocks.0.", "flux"),
    ):
        if any(mark in name for name in tensors):
            return "unknown", {"family": family}
    return "unknown", {}


def below(tensors: Mapping[str, T], prefix: str) -> dict[str, T]:
    """The tensors whose names begin with ``prefix``, which is taken off."""
    return {name.removeprefix(prefix): info for name, info in tensors.items() if name.startswith(prefix)}


def _unet(unet: Tensors, first: str, tensors: Tensors) -> dict:
    return {
        "family": _unet_family(unet),
        "in_channels": _axis(tensors, first, 1),
        "consistency": any(name.endswith("cond_proj.weight") for name in unet),
        # The webuis' own marks beside the weights
        "v_prediction": "v_pred" in tensors,
        "zero_terminal_snr": "ztsnr" in tensors,
    }


def _unet_family(tensors: Tensors) -> Family:
    """Family of a U-Net or ControlNet, in either layout."""
    width = _width(tensors, r"attn2\.to_k\.weight$")
    if "label_emb.0.0.weight" in tensors or "add_embedding.linear_1.weight" in tensors:
        return "sdxl_refiner" if width == 1280 else "sdxl"
    projections = [info for name, info in tensors.items() if name.endswith(".proj_in.weight")]
    if not width or not projections:
        return ""
    # SD 1.x projects by a 1 x 1 convolution, SD 2 and SDXL by a matrix.
    return "sd15" if len(projections[0].shape) == 4 else "sd2"


def _checkpoint_parts(tensors: Tensors) -> tuple[str, ...]:
    prefixes = {
        "unet": (original.UNET,),
        "vae": (original.VAE,),
        "text_encoder": original.TEXT,
        "text_encoder_2": (original.OPEN_TEXT,),
    }
    return tuple(part for part, starts in prefixes.items() if any(name.startswith(starts) for name in tensors))


def _lora(tensors: Tensors) -> dict:
    downs = [(name, info.shape) for name, info in tensors.items() if re.search(r"(lora_down|lora_A|\bdown)\.", name)]
    ranks = Counter(shape[0] for _, shape in downs if len(shape) >= 2)
    return {"family": _lora_family(tensors, downs), "rank": ranks.most_common(1)[0][0] if ranks else 0}


def _lora_family(tensors: Tensors, downs: list[tuple[str, tuple[int, ...]]]) -> Family:
    """By the text's width where a cross-attention is trained, else by what only one of the families has."""
    if any("double_blocks" in name or "single_transformer_blocks" in name for name in tensors):
        return "flux"
    for name, shape in downs:
        if re.search(r"attn2[._](processor\.)?to_k", name) and len(shape) >= 2 and shape[1] in _BY_CROSS_ATTENTION:
            return _BY_CROSS_ATTENTION[shape[1]]
    if any(name.startswith(("lora_te1_", "lora_te2_", "text_encoder_2.")) for name in tensors):
        return "sdxl"
    if any(re.search(r"transformer_blocks[._][1-9]", name) for name in tensors):
        return "sdxl"
    projections = [shape for name, shape in downs if re.search(r"proj_in\b", name.replace("_lora", ".lora"))]
    if projections:
        return "sd15" if len(projections[0]) == 4 else "sdxl"
    return ""


def _axis(tensors: Tensors, name: str, axis: int) -> int:
    """Length of one axis of a tensor; 0 where there is none."""
    shape = tensors[name].shape if name in tensors else ()
    return shape[axis] if axis < len(shape) else 0


def _width(tensors: Tensors, pattern: str) -> int:
    """Length of the second axis of the first matrix whose name fits; 0 where there is none."""
    found = (info.shape for name, info in tensors.items() if re.search(pattern, name))
    return next((shape[1] for shape in found if len(shape) == 2), 0)
