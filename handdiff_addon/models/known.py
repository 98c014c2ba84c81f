# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of known models: what can be downloaded, under which licence, and what a file with a known sha256 is.

Sizes are those of the repositories when this was written; a download asks the server anew.  A sha256 is given where one
is published; other files are verified against the one that the server publishes beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..request import ControlRole
from .architecture import Family
from .hub_cache import repository_of

ORIGIN_SUFFIX = ".origin.json"
"""Of the note that a download leaves beside its file"""

UNION_MODES: dict[ControlRole, int] = {"openpose": 0, "depth": 1, "normal": 4, "inpaint": 7}
"""Control modes of xinsir's SDXL union models; the last only in the ProMax variant, which has eight"""


@dataclass(frozen=True)
class FewSteps:
    """How a distilled set wants to be sampled."""

    scheduler: str
    """One of diffusers' classes"""
    steps: int
    guidance_scale: float
    trailing: bool = False
    """Timesteps are spaced from the last one back."""


LCM = FewSteps("LCMScheduler", 6, 1.5)


@dataclass(frozen=True)
class KnownFile:
    """One file of a repository."""

    path: str
    """In the repository, with forward slashes"""
    bytes: int
    """About, where it is round"""
    sha256: str = ""


@dataclass(frozen=True)
class KnownModel:
    """A model that HandDiff knows how to use."""

    name: str
    """Short, for the command line"""
    title: str
    family: Family
    repository: str
    """On Hugging Face"""
    licence: str
    files: tuple[KnownFile, ...]
    roles: tuple[ControlRole, ...] = ()
    few_steps: FewSteps | None = None

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def _hyper(family: Family, steps: int, cfg: bool, megabytes: int, sha256: str) -> KnownModel:
    number = {"sd15": "SD15", "sdxl": "SDXL"}[family]
    kind = f"{steps}step{'s' if steps > 1 else ''}{'-CFG' if cfg else ''}"
    few = FewSteps("DDIMScheduler", steps, 5.0 if cfg else 1.0, trailing=True)
    if steps == 1:
        few = FewSteps("TCDScheduler", 1, 1.0)
    return KnownModel(
        f"hyper-{family}-{kind.lower()}",
        f"Hyper-SD LoRA, {steps} step{'s' if steps > 1 else ''}{', keeps guidance' if cfg else ''}",
        family,
        "ByteDance/Hyper-SD",
        "openrail++",
        (KnownFile(f"Hyper-{number}-{kind}-lora.safetensors", megabytes * 1_000_000, sha256),),
        few_steps=few,
    )


def _lightning(steps: int, sha256: str = "") -> KnownModel:
    return KnownModel(
        f"lightning-sdxl-{steps}steps",
        f"SDXL-Lightning LoRA, {steps} steps",
        "sdxl",
        "ByteDance/SDXL-Lightning",
        "openrail++",
        (KnownFile(f"sdxl_lightning_{steps}step_lora.safetensors", 394_000_000, sha256),),
        few_steps=FewSteps("EulerDiscreteScheduler", steps, 1.0, trailing=True),
    )


def _controlnet(
    name: str, title: str, family: Family, repository: str, licence: str, file: KnownFile, *roles: ControlRole
) -> KnownModel:
    return KnownModel(name, title, family, repository, licence, (file,), roles)


_V11 = "comfyanonymous/ControlNet-v1-1_fp16_safetensors"
_WEIGHTS = "diffusion_pytorch_model.safetensors"

KNOWN: tuple[KnownModel, ...] = (
    KnownModel(
        "sd15", "Stable Diffusion 1.5", "sd15",
        "stable-diffusion-v1-5/stable-diffusion-v1-5", "creativeml-openrail-m",
        (KnownFile("v1-5-pruned-emaonly.safetensors", 4_265_146_304,
                   "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa"),),
    ),
    KnownModel(
        "dreamshaper", "DreamShaper 8 (SD 1.5)", "sd15", "Lykon/DreamShaper", "creativeml-openrail-m",
        (KnownFile("DreamShaper_8_pruned.safetensors", 2_130_000_000,
                   "879db523c30d3b9017143d56705015e15a2cb5628762c11d086fed9538abd7fd"),),
    ),
    KnownModel(
        "sdxl", "SDXL 1.0", "sdxl", "stabilityai/stable-diffusion-xl-base-1.0", "openrail++",
        (KnownFile("sd_xl_base_1.0.safetensors", 6_938_078_334,
                   "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b"),),
    ),
    KnownModel(
        "realvis", "RealVisXL 5.0 (SDXL)", "sdxl", "SG161222/RealVisXL_V5.0", "openrail++",
        (KnownFile("RealVisXL_V5.0_fp16.safetensors", 6_940_000_000,
                   "6a35a7855770ae9820a3c931d4964c3817b6d9e3c6f9c4dabb5b3a94e5643b80"),),
    ),
    _controlnet(
        "openpose-sd15", "ControlNet 1.1 openpose", "sd15", _V11, "openrail",
        KnownFile("control_v11p_sd15_openpose_fp16.safetensors", 722_601_100,
                  "4003c1da17b0e4ba444e02140e1c0d83bb24b79e4dcfd613c3a554d38f0f89c7"), "openpose",
    ),
    _controlnet(
        "depth-sd15", "ControlNet 1.1 depth", "sd15", _V11, "openrail",
        KnownFile("control_v11f1p_sd15_depth_fp16.safetensors", 722_601_100), "depth",
    ),
    _controlnet(
        "inpaint-sd15", "ControlNet 1.1 inpaint", "sd15", _V11, "openrail",
        KnownFile("control_v11p_sd15_inpaint_fp16.safetensors", 722_601_100,
                  "677a4fe351edecd40cd0d7cc210a8686b59d4e55207317f12319ef746a7a5a89"), "inpaint",
    ),
    _controlnet(
        "normal-sd15", "ControlNet 1.1 normalbae", "sd15", _V11, "openrail",
        KnownFile("control_v11p_sd15_normalbae_fp16.safetensors", 722_601_100), "normal",
    ),
    _controlnet(
        "hand-depth-sd15", "HandRefiner's hand depth", "sd15", "hr16/ControlNet-HandRefiner-pruned", "apache-2.0",
        KnownFile("control_sd15_inpaint_depth_hand_fp16.safetensors", 723_000_000), "hand_depth",
    ),
    _controlnet(
        "openpose-sdxl", "xinsir's openpose", "sdxl", "xinsir/controlnet-openpose-sdxl-1.0", "apache-2.0",
        KnownFile(_WEIGHTS, 2_502_139_104,
                  "b8524e557a7df60d081f5d4a0eb109967d107df217943bf88c2d99b9ebcc06c5"), "openpose",
    ),
    _controlnet(
        "depth-sdxl", "xinsir's depth", "sdxl", "xinsir/controlnet-depth-sdxl-1.0", "apache-2.0",
        KnownFile(_WEIGHTS, 2_500_000_000), "depth",
    ),
    _controlnet(
        "union-sdxl", "xinsir's union, ProMax", "sdxl", "xinsir/controlnet-union-sdxl-1.0", "apache-2.0",
        KnownFile("diffusion_pytorch_model_promax.safetensors", 2_510_000_000,
                  "9fae2e50cb431bfcbe05822b59ec2228df545ef27f711dea8949e9f4ed9f7cdc"),
        "openpose", "depth", "normal", "inpaint",
    ),
    KnownModel(
        "vae-sd15", "Autoencoder fine-tuned by MSE", "sd15", "stabilityai/sd-vae-ft-mse-original", "mit",
        (KnownFile("vae-ft-mse-840000-ema-pruned.safetensors", 334_641_190,
                   "735e4c3a447a3255760d7f86845f09f937809baa529c17370d83e4c3758f3c75"),),
    ),
    KnownModel(
        "vae-sdxl", "Autoencoder that holds in half precision", "sdxl", "madebyollin/sdxl-vae-fp16-fix", "mit",
        (KnownFile("sdxl_vae.safetensors", 335_000_000),),
    ),
    KnownModel(
        "lcm-sd15", "LCM-LoRA", "sd15", "latent-consistency/lcm-lora-sdv1-5", "openrail++",
        (KnownFile("pytorch_lora_weights.safetensors", 134_621_556,
                   "8f90d840e075ff588a58e22c6586e2ae9a6f7922996ee6649a7f01072333afe4"),),
        few_steps=LCM,
    ),
    KnownModel(
        "lcm-sdxl", "LCM-LoRA", "sdxl", "latent-consistency/lcm-lora-sdxl", "openrail++",
        (KnownFile("pytorch_lora_weights.safetensors", 394_000_000,
                   "a764e6859b6e04047cd761c08ff0cee96413a8e004c9f07707530cd776b19141"),),
        few_steps=LCM,
    ),
    _hyper("sd15", 1, False, 269, "a04fd9a535c1e56d38f7590ee72a13fd5ca0409853b4fff021e5a9482cf1ca3b"),
    _hyper("sd15", 2, False, 269, "2f26dcc1d883feb07557a552315baae2ca2a04ac08556b08a355a244547e8c3a"),
    _hyper("sd15", 4, False, 269, "c5dd058616461ed5053e2b14eec4dbe3fa0eea3b13688642f6d6c80ea2ba5958"),
    _hyper("sd15", 8, False, 269, "91fc3186236e956d64dbb4357f2e120c69b968b78af7d2db9884a5ca74d3cd13"),
    _hyper("sd15", 8, True, 269, "f6123d5b950d5250ab6c33600e27f4dcf71b3099ebf888685e01e9e8117ce482"),
    _hyper("sd15", 12, True, 269, "64b98437383537cd968fda6f87a05c33160ece9c79ff4757949a1e212ff78361"),
    _hyper("sdxl", 1, False, 787, "c912df184c5116792d2c604d26c6bc2aa916685f4a793755255cda1c43a3c78a"),
    _hyper("sdxl", 2, False, 787, "69b25c0187ced301c3603c599c0bc509ac99b8ac34db89a2aecc3d5f77a35187"),
    _hyper("sdxl", 4, False, 787, "12f81a27d00a751a40d68fd15597091896c5a90f3bd632fb6c475607cbdad76e"),
    _hyper("sdxl", 8, False, 787, "ca689190e8c46038550384b5675488526cfe5a40d35f82b27acb75c100f417c1"),
    _hyper("sdxl", 8, True, 787, "55b51334c85061afff5eff7c550b61963c8b8607a5868bbe4f26db49374719b1"),
    _hyper("sdxl", 12, True, 787, "0b97f447b5878323a28fbe7c51ba7acebd21f4d77552ba77b04b11c8911825b6"),
    _lightning(2),
    _lightning(4, "bf56cf2657efb15e465d81402ed481d1e11c4677e4bcce1bc11fe71ad8506b79"),
    _lightning(8),
)  # fmt: skip

_MORE_ROLES: dict[str, tuple[ControlRole, ...]] = {
    "lllyasviel/control_v11p_sd15_openpose": ("openpose",),
    "lllyasviel/control_v11f1p_sd15_depth": ("depth",),
    "lllyasviel/control_v11p_sd15_inpaint": ("inpaint",),
    "lllyasviel/control_v11p_sd15_normalbae": ("normal",),
    "gxkok/control_sd15_depth_hand": ("hand_depth",),
    "thibaud/controlnet-openpose-sdxl-1.0": ("openpose",),
    "diffusers/controlnet-depth-sdxl-1.0": ("depth",),
    "diffusers/controlnet-depth-sdxl-1.0-mid": ("depth",),
    "diffusers/controlnet-depth-sdxl-1.0-small": ("depth",),
    "diffusers/controlnet-zoe-depth-sdxl-1.0": ("depth",),
}
"""Repositories with one ControlNet as a folder, by id"""


def known_model(name: str) -> KnownModel | None:
    """The catalogue's model of a short name."""
    return next((model for model in KNOWN if model.name == name), None)


def recognise(path: Path, sha256: str) -> KnownModel | None:
    """The catalogue's model that a file is: by its sha256, else by where it was downloaded from.

    A file in the place of one whose sha256 is published, but with another one, is not it.
    """
    origin = _origin(path, sha256)
    for model in KNOWN:
        for file in model.files:
            if file.sha256 == sha256 or (not file.sha256 and (model.repository, file.path) == origin):
                return model
    return None


def roles_of(path: Path, sha256: str) -> tuple[ControlRole, ...]:
    """What a ControlNet takes, where the catalogue knows it; empty elsewhere."""
    model = recognise(path, sha256)
    return model.roles if model else _MORE_ROLES.get(_origin(path, sha256)[0], ())


def _origin(path: Path, sha256: str) -> tuple[str, str]:
    """Repository of a file and its path there: by the Hugging Face cache, or by what our own download noted."""
    if repository := repository_of(path):
        return repository, path.name
    try:
        note = json.loads(path.with_name(path.name + ORIGIN_SUFFIX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return "", ""
    if not isinstance(note, dict) or note.get("sha256") != sha256:
        return "", ""
    return str(note.get("repository", "")), str(note.get("path", ""))
