# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of catalogued models: asked for, size first, resumed, verified, cancelled between chunks.

Nothing here decides to go online: the caller says whether the user allows it.  Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import Cancelled, ModelError, OutputError
from ..files import write_json
from .discovery import human_size
from .known import ORIGIN_SUFFIX, KnownModel
from .safetensors_header import read_header
from .weights import digest

HUB = "https://huggingface.co"
CHUNK = 1 << 20
TIMEOUT = 30.0
"""Seconds without an answer after which a connection counts as lost"""
OnBytes = Callable[[int, int], None]
"""Called with the bytes that are there and the size of the whole"""


@dataclass(frozen=True)
class Remote:
    """A catalogued model's file as the server has it now."""

    model: KnownModel
    url: str
    bytes: int
    sha256: str
    """Empty where neither the catalogue nor the server tells it"""

    def target(self, folder: Path) -> Path:
        """Where it comes to lie: ``NAME.safetensors``, which is then a name that ``--model`` and its like take."""
        return folder / f"{self.model.name}.safetensors"


def ask(model: KnownModel, *, online: bool, hub: str = "") -> Remote:
    """Size and sha256 of a model's file, before anything of it is fetched.

    Args:
        online: whether the user allows the network.
        hub: address of the server (default: ``HF_ENDPOINT`` or Hugging Face).

    Raises:
        ModelError: where the network is not allowed, the server does not answer, or it has another file than the
            catalogue knows.
    """
    file = model.files[0]
    hub = hub or os.environ.get("HF_ENDPOINT", "") or HUB
    url = f"{hub.rstrip('/')}/{model.repository}/resolve/main/{quote(file.path)}"
    _check_allowed(url, online)
    headers: Any
    try:
        with _OPENER.open(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        if "X-Linked-Size" not in error.headers:
            raise ModelError(
                f"{url} cannot be had (the server says {error.code}): look whether the model still exists there."
            ) from error
        headers = error.headers  # the hub tells size and sha256 before it sends on to where the bytes are
    except (OSError, HTTPException) as error:
        raise _lost(url, error) from error
    size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
    tag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").strip('"').lower()
    sha256 = tag if re.fullmatch(r"[0-9a-f]{64}", tag) else ""
    if not size.isdecimal():
        raise ModelError(f"{url} does not tell its size: download the file by hand and point HandDiff at its folder.")
    if file.sha256 and sha256 and sha256 != file.sha256:
        raise ModelError(
            f"{url} is not the file that the catalogue knows (its sha256 is another): "
            "look at the model's page, and download it by hand if you trust it."
        )
    return Remote(model, url, int(size), file.sha256 or sha256)


def download(
    remote: Remote,
    folder: Path,
    *,
    online: bool,
    told: OnBytes = lambda done, size: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Fetch a file into a folder; what was fetched before goes on where it stopped.

    Returns:
        the whole, verified file.

    Raises:
        Cancelled: where ``cancelled`` said so; run again, it goes on.
        ModelError: where the network is not allowed or is lost, or the bytes are not those announced.
        OutputError: where the folder cannot be written or has no space.
    """
    target = remote.target(folder)
    if target.exists() and target.stat().st_size == remote.bytes and remote.sha256 in ("", digest(target)):
        _finish(remote, target)
        return target
    _check_allowed(remote.url, online)
    part = target.with_name(f".{target.name}.{remote.sha256[:12] or remote.bytes}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        begun = part.stat().st_size if part.exists() else 0
        if shutil.disk_usage(folder).free < remote.bytes - begun:
            raise OutputError(
                f"{folder} has no space for {human_size(remote.bytes - begun)}: make space or choose another folder."
            )
        if begun < remote.bytes:
            _fetch(remote, part, begun, told, cancelled)
        _verify(remote, part)
        os.replace(part, target)
        _finish(remote, target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror}): choose a folder that you may write to, with space left."
        ) from error
    return target


def _fetch(remote: Remote, part: Path, begun: int, told: OnBytes, cancelled: Callable[[], bool]) -> None:
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except (OSError, HTTPException) as error:
        raise _lost(remote.url, error) from error
    with answer:
        _check_allowed(answer.url, True)
        goes_on = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {begun}-")
        done = begun if goes_on else 0
        with part.open("ab" if goes_on else "wb") as file:
            while True:
                if cancelled():
                    raise Cancelled(f"The download was stopped at {human_size(done)}: run it again, it goes on there.")
                told(done, remote.bytes)
                try:
                    chunk = answer.read(CHUNK)
                except (OSError, HTTPException) as error:
                    raise _lost(remote.url, error) from error
                if not chunk:
                    break
                file.write(chunk)
                done += len(chunk)
                if done > remote.bytes:
                    break  # not what was announced, as the check will say
    if done < remote.bytes:
        raise _lost(remote.url, f"it ended at {human_size(done)} of {human_size(remote.bytes)}")


def _verify(remote: Remote, part: Path) -> None:
    """Refuse, and take away, a file that is not what was announced."""
    size, sha256 = part.stat().st_size, digest(part)
    try:
        if size != remote.bytes or remote.sha256 not in ("", sha256):
            raise ModelError(f"What came from {remote.url} was altered on the way: download it again.")
        read_header(part)
    except ModelError:
        part.unlink()
        raise


def _finish(remote: Remote, target: Path) -> None:
    """Note where a file came from, so that it is known for what it is where no sha256 of it is published."""
    origin = {
        "repository": remote.model.repository,
        "path": remote.model.files[0].path,
        "licence": remote.model.licence,
        "sha256": remote.sha256 or digest(target),
    }
    write_json(target.with_name(target.name + ORIGIN_SUFFIX), origin)


def _check_allowed(url: str, online: bool) -> None:
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not loopback:
        raise ModelError(f"{url} is not fetched over a connection that cannot be listened to: use an https address.")
    if not online and not loopback:
        raise ModelError(
            "Online access is off: allow it in Blender's preferences (System, Network), or download "
            f"{url} elsewhere and point HandDiff at its folder."
        )


def _lost(url: str, error: object) -> ModelError:
    reason = getattr(error, "reason", None) or error
    return ModelError(
        f"{url} cannot be fetched ({str(reason)[:200]}): look at the connection and run it again, it goes on."
    )


class _StayOnServer(urllib.request.HTTPRedirectHandler):
    """Follows the new address of a renamed repository.

    A redirection that tells size and sha256, or leads to another server, comes as an ``HTTPError`` with its headers.
    """

    def redirect_request(
        self, request: urllib.request.Request, _file: Any, _code: int, _message: str, headers: Any, url: str
    ) -> urllib.request.Request | None:
        if "X-Linked-Size" in headers or urlsplit(url)[:2] != urlsplit(request.full_url)[:2]:
            return None
        return urllib.request.Request(url, method="HEAD")


_OPENER = urllib.request.build_opener(_StayOnServer)
