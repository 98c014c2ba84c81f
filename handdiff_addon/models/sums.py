# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells the models of one request from those of another: the sha256 of every weight file, told without torch."""

from __future__ import annotations

from ..request import GenerationRequest
from .catalogue import check_model, find_model, is_own
from .digests import checked
from .stock_plan import plan_request


def weight_sums(request: GenerationRequest) -> dict[str, str]:
    """sha256 of every weight file that a request names, wherever it lies.

    Raises:
        ModelError: where one is missing or damaged.
    """
    if is_own(request.model):
        folders = {"model": request.model, **({"hand_model": request.hand_model} if request.hand_model else {})}
        return {
            f"{role}/{file.path}": file.sha256
            for role, name in folders.items()
            for file in check_model(find_model(name)).files
        }
    plan = plan_request(request)
    sums = {f"{number}/{path.name}": checked(path) for number, path in enumerate(plan.files)}
    return sums | ({"reference": plan.reference.sha256} if plan.reference else {})
