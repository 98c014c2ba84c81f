# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of pictures for distances between sets of them, from the judge's own networks, without a download.

Two networks inside MediaPipe's wheel are read out before their heads: the last trunk layer of the person finder
(averaged over its 7 x 7 places, 192 numbers) for whole pictures, and the globally pooled layer of the hand landmarks'
network (1,152 numbers) for hand crops.  A network's file lists its outputs; a copy that lists the layer wanted instead
is run by MediaPipe's own graph.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .judge import import_mediapipe, quiet, require_judge

NETWORKS = {
    "pictures": ("modules/pose_detection/pose_detection.tflite", b"model_1/model/add_8/add", 192, (-1.0, 1.0)),
    "hands": (
        "modules/hand_landmark/hand_landmark_full.tflite",
        b"model_1/model/global_average_pooling2d/Mean",
        1152,
        (0.0, 1.0),
    ),
}
"""Kind of picture to file, layer, channels, range of the input; both take 224 x 224."""

_GRAPH = """
input_stream: "picture"
output_stream: "features"
node {{
  calculator: "ImageToTensorCalculator" input_stream: "IMAGE:picture" output_stream: "TENSORS:input"
  options {{ [mediapipe.ImageToTensorCalculatorOptions.ext] {{
    output_tensor_width: 224 output_tensor_height: 224 output_tensor_float_range {{ min: {low} max: {high} }}
  }} }}
}}
node {{
  calculator: "InferenceCalculator" input_stream: "TENSORS:input" output_stream: "TENSORS:outputs"
  options {{ [mediapipe.InferenceCalculatorOptions.ext] {{
    model_path: "{path}" delegate {{ tflite {{ }} }}
  }} }}
}}
node {{
  calculator: "SplitTensorVectorCalculator" input_stream: "outputs" output_stream: "first"
  options {{ [mediapipe.SplitVectorCalculatorOptions.ext] {{ ranges: {{ begin: 0 end: 1 }} }} }}
}}
node {{ calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:first" output_stream: "FLOATS:features" }}
"""


class Features:
    """One of :data:`NETWORKS`, ready to read pictures.  A context manager.

    Args:
        kind: ``pictures`` or ``hands``.

    Raises:
        ModelError: where MediaPipe is not installed.
    """

    def __init__(self, kind: str) -> None:
        require_judge()
        file, layer, self.channels, (low, high) = NETWORKS[kind]
        self._folder = tempfile.TemporaryDirectory(prefix="handdiff-")
        self._answers: list[np.ndarray] = []
        self._time = 0
        with quiet():
            self._mediapipe = import_mediapipe()
            root = Path(self._mediapipe.__file__).parent
            path = Path(self._folder.name) / "network.tflite"
            path.write_bytes(with_output((root / file).read_bytes(), layer))
            text = _GRAPH.format(path=path.as_posix(), low=low, high=high)
            self._graph = self._mediapipe.CalculatorGraph(graph_config=text)
            self._graph.observe_output_stream("features", self._take)
            self._graph.start_run()
            self.read([np.zeros((224, 224, 3), np.uint8)])  # what it prints, it prints at first use

    def __enter__(self) -> Features:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._graph.close()
        self._folder.cleanup()

    def read(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Features (N, C) of pictures (H, W, 3) uint8 RGB; each is squeezed into the network's square."""
        self._answers.clear()
        for picture in pictures:
            self._time += 1
            image = self._mediapipe.Image(
                image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture)
            )
            packet = self._mediapipe.packet_creator.create_image(image).at(self._time)
            self._graph.add_packet_to_input_stream("picture", packet)
            self._graph.wait_until_idle()
        return np.array(self._answers).reshape(len(pictures), self.channels)

    def _take(self, stream: str, packet: Any) -> None:
        values = np.array(self._mediapipe.packet_getter.get_float_list(packet))
        self._answers.append(values.reshape(-1, self.channels).mean(axis=0))


def with_output(network: bytes, layer: bytes) -> bytes:
    """A TensorFlow Lite file whose first output is the layer of that name; the numbers are changed in place."""
    from mediapipe.tasks.metadata import schema_py_generated as schema

    changed = bytearray(network)
    graph = schema.Model.GetRootAsModel(changed, 0).Subgraphs(0)
    index = next(i for i in range(graph.TensorsLength()) if graph.Tensors(i).Name() == layer)
    outputs = graph._tab.Vector(graph._tab.Offset(8))  # the subgraph's third field, a vector of int32
    changed[outputs : outputs + 4] = int(index).to_bytes(4, "little")
    return bytes(changed)
