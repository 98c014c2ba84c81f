# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting on a local Ray cluster of two workers: the same bytes, and a dead worker costs its frame alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.errors import Cancelled, ModelError, UsageError
from handdiff_addon.jobs.batch import BatchFolder, paint_frames
from handdiff_addon.jobs.farm import WorkerPlan, plan_workers, ray_painters
from handdiff_addon.jobs.manifest import read_manifest
from handdiff_addon.models.sums import weight_sums
from handdiff_addon.request import GenerationRequest
from tests.batches import drive, person_frame


@pytest.mark.parametrize(
    ("resources", "machines", "workers", "threads", "plan"),
    [
        ({"CPU": 8.0}, 1, None, None, WorkerPlan(1, 1.0, 0.0, 8)),
        ({"CPU": 8.0}, 1, 2, None, WorkerPlan(2, 1.0, 0.0, 4)),
        ({"CPU": 8.0}, 1, 2, 1, WorkerPlan(2, 1.0, 0.0, 1)),
        ({"CPU": 10.0}, 2, None, None, WorkerPlan(2, 1.0, 0.0, 5)),
        ({"CPU": 2.0}, 1, 4, None, WorkerPlan(4, 0.5, 0.0, 1)),
        ({"CPU": 64.0, "GPU": 8.0}, 2, None, None, WorkerPlan(8, 1.0, 1.0, 8)),
        ({"CPU": 16.0, "GPU": 1.0}, 1, 2, None, WorkerPlan(2, 1.0, 0.5, 8)),
    ],
)
def test_a_cluster_is_shared_out(resources, machines, workers, threads, plan) -> None:
    assert plan_workers(resources, machines, workers, threads) == plan


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ray")
    from tests.tiny_embedded import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def request_of(model: Path, **more: object) -> GenerationRequest:
    return GenerationRequest("a person in a red shirt", model=str(model), steps=1, hand_steps=1, **more)


def workers() -> list[int]:
    """Process ids of this process's Ray workers that hold a model: Ray names them so, two generations below."""

    def status(pid: str) -> tuple[str, int]:
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        return title, int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])

    found = []
    for pid in (path.name for path in Path("/proc").iterdir() if path.name.isdigit()):
        try:
            if status(pid)[0].startswith("ray::RayPainter"):
                parent = status(pid)[1]
                if status(str(parent))[1] == os.getpid():
                    found.append(int(pid))
        except OSError:  # it has just ended
            continue
    return found


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "image").iterdir())}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers in /proc")
def test_a_farm_paints_the_same_bytes_and_a_killed_worker_costs_its_frame_alone(model: Path, tmp_path: Path) -> None:
    import torch

    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    request, stop = request_of(model), threading.Event()
    frames = range(1, 9)

    def wanted() -> Iterator[tuple[GenerationRequest, Conditioning]]:
        return ((request, person_frame(number)) for number in frames)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pipeline = TwoStagePipeline.load(str(model), device="cpu")
        with BatchFolder(tmp_path / "alone") as batch:
            batch.begin({})
            drive(paint_frames(batch, wanted(), pipeline.generate))
    finally:
        torch.set_num_threads(threads)

    killed: list[int] = []
    with (
        ray_painters(request, weight_sums(request_of(model)), "local", 2, stop) as (paint, count),
        BatchFolder(tmp_path / "farm") as batch,
    ):
        assert count == 2
        crew = workers()
        assert len(crew) == 2

        def kill_one() -> None:
            while batch.saved < 2:
                time.sleep(0.01)
            os.kill(crew[0], signal.SIGKILL)
            killed.append(crew[0])

        killer = threading.Thread(target=kill_one)
        killer.start()
        batch.begin({})
        drive(paint_frames(batch, wanted(), paint, workers=count, stop=stop))
        killer.join(20)
        assert killed and crew[1] in workers(), "a worker that did nothing wrong was lost, too"
    assert set(read_manifest(tmp_path / "farm" / "manifest.jsonl")) == set(frames)
    assert pictures(tmp_path / "farm") == pictures(tmp_path / "alone")


def test_a_worker_with_another_model_is_refused(model: Path) -> None:
    stop = threading.Event()
    with (
        pytest.raises(ModelError, match="is another one"),
        ray_painters(request_of(model), {"model/unet": "0"}, "local", 1, stop),
    ):
        pass


def test_a_stopped_batch_does_not_wait_for_its_workers(model: Path) -> None:
    stop = threading.Event()
    slow = GenerationRequest("a person", model=str(model), steps=500, hand_steps=500)
    with ray_painters(slow, weight_sums(request_of(model)), "local", 1, stop) as (paint, _):
        threading.Timer(1.0, stop.set).start()
        with pytest.raises(Cancelled):
            paint(slow, person_frame(1))


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999999"])
def test_a_cluster_that_is_not_there_is_one_sentence(model: Path, address: str) -> None:
    stop = threading.Event()
    with (
        pytest.raises(UsageError, match=f"No Ray cluster can be used at {address}"),
        ray_painters(request_of(model), {}, address, 1, stop),
    ):
        pass


def test_a_local_cluster_that_does_not_come_up_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def too_slow(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen because ..\nand more")

    monkeypatch.setattr(ray, "init", too_slow)
    with (
        pytest.raises(UsageError, match=r"Ray does not start on this machine .*: try again when it is less busy"),
        ray_painters(GenerationRequest("a person"), {}, "local", 1, threading.Event()),
    ):
        pass
