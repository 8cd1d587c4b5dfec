"""A trained network -> a float ONNX file and an int8 one. Runs in a worker with torch.

The graph is written node by node: torch's exporters leave Identity or ReduceMean and Reshape nodes behind, and paths of
the machine that ran them. What is written is what an inference engine on a board must support, and nothing else.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from torch import nn

from .data import DataError, draw_bag, inputs, load_crops, read_truth, rng_of
from .network import Block, Bottleneck, Network, fold_batch_norm
from .runs import MemberJob, Settings
from .store import write_whole

OPSET, IR_VERSION = 17, 8
FLOAT_OPS = {"Conv", "Relu", "Add", "MaxPool", "GlobalAveragePool", "Flatten", "Concat", "Gemm"}
# A head in int8 made eGFR a byte in steps of 0.5; pooling and head cost nothing in float.
INT8_OPS = ["Conv", "Add", "MaxPool", "Relu"]
# Ranges seen on 200 crops clipped rare ones and moved them by up to 7.9 mL/min/1.73 m2; on 4,000 by 0.9.
CALIBRATION_CROPS = 4000


class _Graph:
    """Collects nodes and weights; each call returns the name of its output."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name: str, tensor: torch.Tensor) -> str:
        self.weights.append(numpy_helper.from_array(tensor.detach().numpy().copy(), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, conv: nn.Conv2d, name: str) -> str:
        inputs = [x, self.weight(f"{name}.weight", conv.weight), self.weight(f"{name}.bias", conv.bias)]
        shape = {"kernel_shape": list(conv.kernel_size), "strides": list(conv.stride), "pads": list(conv.padding) * 2}
        return self.node("Conv", inputs, name, **shape)

    def gemm(self, x: str, linear: nn.Linear, name: str, output: str) -> str:
        inputs = [x, self.weight(f"{name}.weight", linear.weight), self.weight(f"{name}.bias", linear.bias)]
        return self.node("Gemm", inputs, output, transB=1)

    def block(self, x: str, block: Block | Bottleneck, name: str) -> str:
        convs = [block.conv1, block.conv2] + ([block.conv3] if isinstance(block, Bottleneck) else [])
        y, last = x, len(convs)
        for number, conv in enumerate(convs, 1):
            y = self.conv(y, conv, f"{name}.conv{number}")
            y = self.node("Relu", [y], f"{name}.relu{number}") if number < last else y
        shortcut = x if block.downsample is None else self.conv(x, block.downsample[0], f"{name}.shortcut")
        return self.node("Relu", [self.node("Add", [y, shortcut], f"{name}.add")], f"{name}.relu{last}")

    def head(self, x: str, head: nn.Sequential) -> None:
        """Layers and activations in their order, the last one giving "egfr"; dropout is for training."""
        layers = [(f"head.{index}", layer) for index, layer in enumerate(head) if not isinstance(layer, nn.Dropout)]
        for name, layer in layers:
            output = "egfr" if name == layers[-1][0] else f"{name}.out"
            x = self.node("Relu", [x], output) if isinstance(layer, nn.ReLU) else self.gemm(x, layer, name, output)


def to_onnx(network: Network, size: int) -> onnx.ModelProto:
    """Writes `network`, whose batch normalisations and units are folded, as a plain graph.

    Shape: "crop" [1, 3, size, size], and where it takes the length "length_cm" [1, 1] -> "egfr" [1, 1],
    mL/min/1.73 m2, and "features" [1, feature_count]; all float32.
    """
    graph = _Graph()
    x = graph.node("Relu", [graph.conv("crop", network.conv1, "conv1")], "relu1")
    x = graph.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage in range(1, 5):
        for index, block in enumerate(getattr(network, f"layer{stage}")):
            x = graph.block(x, block, f"layer{stage}.{index}")
    features = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "features", axis=1)
    known = graph.node("Concat", [features, "length_cm"], "known", axis=1) if network.length_input else features
    graph.head(known, network.head)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    outputs = [value("egfr", [1, 1]), value("features", [1, network.feature_count])]
    inputs = [value("crop", [1, 3, size, size])] + [value("length_cm", [1, 1])] * network.length_input
    proto = helper.make_graph(graph.nodes, "sonogfr", inputs, outputs, graph.weights)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="sonogfr-training")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return onnx.shape_inference.infer_shapes(model)


class _Crops(CalibrationDataReader):
    def __init__(self, pictures: Iterator[dict[str, np.ndarray]]):
        self.left = pictures

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.left, None)


def extremes(float_file: Path, crops: np.ndarray, length_cm: np.ndarray | None) -> np.ndarray:
    """The pictures on which some tensor of the network is smallest or largest: the ranges over them are those over all.

    onnxruntime's own calibrator, given all crops, took 119 s where both steps took 36 s (member 0, shared cores).
    """
    model, options = onnx.load(float_file), onnxruntime.SessionOptions()
    names = [name for node in model.graph.node if node.op_type in INT8_OPS for name in node.output]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ranges = []
    for picture in inputs(crops, length_cm):
        tensors = [picture["crop"], *session.run(names, picture)]
        ranges.append([(tensor.min(), -tensor.max()) for tensor in tensors])
    return np.unique(np.argmin(ranges, axis=0))


def quantise(float_file: Path, int8_file: Path, crops: np.ndarray, length_cm: np.ndarray | None) -> None:
    """Static QDQ: per-channel s8 weights, u8 activations with the range seen on `crops` (MinMax).

    MinMax because percentiles moved single cases far (6.65 mL/min/1.73 m2 where MinMax moved them by 0.73 at most).
    """
    few = extremes(float_file, crops, length_cm)
    pictures = inputs(crops[few], None if length_cm is None else length_cm[few])
    # The quantiser advises an optimisation pass first; folded and shaped as the graph is, that would change nothing.
    logging.disable(logging.WARNING)
    try:
        # Given the file's name, it would write beside it.
        quantize_static(
            onnx.load(float_file), int8_file, _Crops(pictures), quant_format=QuantFormat.QDQ,
            op_types_to_quantize=INT8_OPS, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
    except DecodeError as error:
        # It reads back what it wrote, without looking whether all of it is there.
        raise DataError(f"{tempfile.gettempdir()}: has no room for a copy of {float_file.name}") from error
    finally:
        logging.disable(logging.NOTSET)
    check_int8(onnx.load(int8_file))


def check_int8(model: onnx.ModelProto) -> Counter:
    """Counts the operations of a quantised graph. Errors: one too many, or an input that is (not) quantised and should
    not (should) be."""
    onnx.checker.check_model(model, full_check=True)
    producer = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type not in FLOAT_OPS | {"QuantizeLinear", "DequantizeLinear"}:
            raise ValueError(f"{node.name} is a {node.op_type}, which the program does not run")
        # A ReLU after a convolution or sum is folded into that one's range and then stands on floats.
        sources = [producer[name].op_type for name in node.input if name in producer]
        if node.op_type in ("Conv", "Add", "MaxPool") and set(sources) != {"DequantizeLinear"}:
            raise ValueError(f"{node.name} is not quantised")
        if node.op_type == "Gemm" and "DequantizeLinear" in sources:
            raise ValueError(f"{node.name} is quantised and should not be")
    return Counter(node.op_type for node in model.graph.node)


def load_trained(path: Path) -> tuple[Network, int]:
    """The network of a result file, ready to export, and its input size."""
    saved = torch.load(path, weights_only=True)
    settings = Settings.of(saved["settings"])
    network = Network.of(settings)
    network.load_state_dict(saved["state"])
    network.fold_units(saved["mean"], saved["std"])
    return fold_batch_norm(network.eval()), settings.size


def export_member(job: MemberJob) -> str:
    """Writes the member's two ONNX files, the one that ships last, and returns a line about them."""
    torch.set_num_threads(1)
    float_file, int8_file, seed = job.run.float_network(job.member), job.run.network(job.member), job.settings.seed
    network, size = load_trained(job.run.trained(job.member))
    truth = read_truth(job.data)
    crops = load_crops(truth, size, job.run.cache)
    bag = draw_bag(truth.patient_count, seed, job.member)
    model = to_onnx(network, size)
    write_whole(float_file, lambda draft: onnx.save(model, draft))
    drawn = bag.epoch(truth, rng_of(seed, job.member, "calibration"))
    pictures = np.unique(drawn[:CALIBRATION_CROPS])
    length = truth.length_cm[pictures] if network.length_input else None
    write_whole(int8_file, lambda draft: quantise(float_file, draft, crops[pictures], length))
    counts = ", ".join(f"{count} {op}" for op, count in sorted(check_int8(onnx.load(int8_file)).items()))
    return f"{int8_file.name}: {int8_file.stat().st_size / 1e6:.2f} MB; {counts}"
