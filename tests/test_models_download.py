# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads against a server of our own: size first, resumed, verified, cancelled, and never unasked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from handdiff_addon import cli, model_runs
from handdiff_addon.errors import Cancelled, ModelError, OutputError
from handdiff_addon.models import download as downloads
from handdiff_addon.models.download import ask, download
from handdiff_addon.models.folders import remembered
from handdiff_addon.models.known import KNOWN, KnownFile, known_model, recognise

DATA = save({"x": np.random.default_rng(0).integers(0, 255, 2_800_000, np.uint8)})
SHA = hashlib.sha256(DATA).hexdigest()
MODEL = replace(known_model("depth-sd15"), files=(KnownFile("dir/depth.safetensors", 1),))


@dataclass
class Hub:
    """What the server does and has seen."""

    url: str = ""
    data: bytes = DATA
    etag: str = SHA
    ranges: bool = True
    stop_after: int | None = None
    redirect: bool = True
    moved: str = ""
    """New beginning of the addresses, as of a renamed repository"""
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            state.seen.append(("HEAD", self.path, None))
            self.answer(False)

        def do_GET(self) -> None:
            state.seen.append(("GET", self.path, self.headers.get("Range")))
            self.answer(True)

        def answer(self, body: bool) -> None:
            if "/absent" in self.path:
                self.send_error(404)
                return
            if state.moved and not self.path.startswith((state.moved, "/blob")):
                told = b"Temporary Redirect. Redirecting to " + state.moved.encode()
                self.send_response(307)
                self.send_header("Location", state.moved + self.path)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                if body:
                    self.wfile.write(told)
                return
            if state.redirect and "resolve" in self.path:
                self.send_response(302)
                self.send_header("Location", "/blob")
                self.send_header("X-Linked-Size", str(len(state.data)))
                self.send_header("X-Linked-Etag", f'"{state.etag}"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            begin = 0
            if state.ranges and (wanted := self.headers.get("Range")):
                begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(state.data) - 1}/{len(state.data)}")
            else:
                self.send_response(200)
            self.send_header("ETag", f'"{state.etag}"')
            self.send_header("Content-Length", str(len(state.data) - begin))
            self.end_headers()
            if body:
                end = len(state.data) if state.stop_after is None else begin + state.stop_after
                self.wfile.write(state.data[begin:end])
                if end < len(state.data):
                    self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("redirect", [True, False])
def test_size_first_then_the_whole_file(hub: Hub, tmp_path: Path, redirect: bool) -> None:
    hub.redirect = redirect
    remote = ask(MODEL, online=False, hub=hub.url)
    assert (remote.bytes, remote.sha256) == (len(DATA), SHA)
    assert hub.seen == [("HEAD", f"/{MODEL.repository}/resolve/main/dir/depth.safetensors", None)]
    heard: list[tuple[int, int]] = []
    path = download(remote, tmp_path / "new", online=False, told=lambda done, size: heard.append((done, size)))
    assert path == tmp_path / "new" / "depth-sd15.safetensors" and path.read_bytes() == DATA
    assert heard[0][0] == 0 and heard[-1][0] == len(DATA) and {size for _, size in heard} == {len(DATA)}
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, f"{path.name}.origin.json"]
    count = len(hub.seen)
    assert download(remote, tmp_path / "new", online=False) == path and len(hub.seen) == count


@pytest.mark.parametrize("redirect", [True, False])
def test_a_renamed_repository_is_followed_to_its_file(hub: Hub, tmp_path: Path, redirect: bool) -> None:
    hub.redirect, hub.moved = redirect, "/renamed"
    remote = ask(MODEL, online=False, hub=hub.url)
    assert (remote.bytes, remote.sha256) == (len(DATA), SHA)
    assert [method for method, _, _ in hub.seen] == ["HEAD", "HEAD"]
    assert download(remote, tmp_path, online=False).read_bytes() == DATA
    hub.moved = hub.url.replace("127.0.0.1", "localhost")  # another server, and nothing told of the file
    with pytest.raises(ModelError, match="cannot be had"):
        ask(MODEL, online=False, hub=hub.url)


def test_where_a_file_came_from_makes_it_known(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_model("depth-sd15")
    path = download(ask(known, online=False, hub=hub.url), tmp_path, online=False)
    assert recognise(path, SHA) is known
    assert recognise(path, "0" * 64) is None  # changed since
    assert recognise(path.rename(tmp_path / "other.safetensors"), SHA) is None


def test_a_lost_connection_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    remote = ask(MODEL, online=False, hub=hub.url)
    hub.stop_after = 1_200_000
    with pytest.raises(ModelError, match="goes on"):
        download(remote, tmp_path, online=False)
    assert not remote.target(tmp_path).exists()
    hub.stop_after = None
    assert download(remote, tmp_path, online=False).read_bytes() == DATA
    assert hub.seen[-1] == ("GET", "/blob", "bytes=1200000-")


def test_a_server_without_ranges_starts_anew(hub: Hub, tmp_path: Path) -> None:
    remote = ask(MODEL, online=False, hub=hub.url)
    hub.stop_after, hub.ranges = 1_000_000, False
    with pytest.raises(ModelError):
        download(remote, tmp_path, online=False)
    hub.stop_after = None
    assert download(remote, tmp_path, online=False).read_bytes() == DATA


def test_cancelling_keeps_what_is_there(hub: Hub, tmp_path: Path) -> None:
    remote = ask(MODEL, online=False, hub=hub.url)
    asked = iter([False, False, True])
    with pytest.raises(Cancelled, match="goes on"):
        download(remote, tmp_path, online=False, cancelled=lambda: next(asked))
    (part,) = tmp_path.iterdir()
    assert 0 < part.stat().st_size < len(DATA)
    assert download(remote, tmp_path, online=False).read_bytes() == DATA
    assert [entry.name for entry in tmp_path.glob("*.part")] == []


def test_an_altered_file_is_refused_and_taken_away(hub: Hub, tmp_path: Path) -> None:
    remote = ask(MODEL, online=False, hub=hub.url)
    hub.data = DATA[:-1] + b"\x01"
    with pytest.raises(ModelError, match="altered"):
        download(remote, tmp_path, online=False)
    hub.data = b"<html>" + b" " * (len(DATA) - 6)
    with pytest.raises(ModelError, match="damaged"):
        download(replace(remote, sha256=""), tmp_path, online=False)
    hub.data = DATA + b"more"
    with pytest.raises(ModelError, match="altered"):
        download(remote, tmp_path, online=False)
    assert list(tmp_path.iterdir()) == []


def test_another_file_than_the_catalogue_s_is_not_fetched(hub: Hub) -> None:
    model = replace(MODEL, files=(KnownFile("a.safetensors", 1, "0" * 64),))
    with pytest.raises(ModelError, match="not the file that the catalogue knows"):
        ask(model, online=False, hub=hub.url)


def test_refusals_of_the_server_and_the_network(hub: Hub, tmp_path: Path) -> None:
    absent = replace(MODEL, repository="absent/absent")
    with pytest.raises(ModelError, match="404"):
        ask(absent, online=False, hub=hub.url)
    with pytest.raises(ModelError, match="cannot be fetched"):
        ask(MODEL, online=False, hub="http://127.0.0.1:9")
    with pytest.raises(ModelError, match="Online access is off"):
        ask(MODEL, online=False)
    with pytest.raises(ModelError, match="https"):
        ask(MODEL, online=True, hub="http://example.org")


def test_no_space_and_no_folder(hub: Hub, tmp_path: Path) -> None:
    remote = ask(MODEL, online=False, hub=hub.url)
    with pytest.raises(OutputError, match="no space"):
        download(replace(remote, bytes=1 << 60, sha256=""), tmp_path, online=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        download(remote, tmp_path / "file", online=False)


def test_the_command_says_the_size_and_waits_for_a_yes(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr(downloads, "HUB", hub.url)
    assert cli.main(["models", "download"]) == 0
    text = capfd.readouterr().out
    assert all(model.name in text and model.licence in text for model in KNOWN) and hub.seen == []
    command = ["models", "download", "depth-sd15", "-o", str(tmp_path / "new")]
    assert cli.main(command) == 0
    text = capfd.readouterr().out
    assert "2.8 MB" in text and "openrail" in text and "--yes" in text
    assert not (tmp_path / "new").exists() and remembered() == []
    assert cli.main([*command, "--yes"]) == 0
    assert (tmp_path / "new" / "depth-sd15.safetensors").read_bytes() == DATA
    assert remembered() == [tmp_path / "new"]
    assert cli.main(["models", "download", "depth-sd15"]) == 2
    assert cli.main(["models", "download", "nothing", "-o", str(tmp_path)]) == 2
    assert model_runs.known_model("nothing") is None
