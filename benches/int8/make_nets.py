"""Makes the int8 networks that the engines are timed and compared on: QDQ ONNX files with seeded random weights.

    pip install onnx onnxruntime
    python3 benches/int8/make_nets.py OUT [--nets resnet18 resnet50 resnet101] [--size 224] [--head kuo|small]
    python3 benches/int8/make_nets.py OUT --nets resnet101 --members 10     and then: sonogfr bundle build OUT/bundle -o FILE

Each has the shape of a member: input "crop" [1,3,S,S], outputs "egfr" [1,1] and "features" [1,C]; torchvision's ResNet without
its batch normalisations, which a member has folded in. The head is Kuo's (1000, 512 and 256 wide, 11 MB in float), or the small
one that models/training makes. Convolutions, additions, ReLU and max-pooling are quantised (u8 activations, s8 weights for each
channel), pooling and what follows stay float. Weights are random, so the numbers mean nothing; the last convolution of each
block is small, as with random ones as large as the others sums would double from block to block. For each net a picture and
onnxruntime's answer lie beside it as raw f32 (NET.input, NET.features, NET.egfr).
"""

import argparse
import json
import logging
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

QUANTISED = ["Conv", "Add", "MaxPool", "Relu"]
CALIBRATION = 4
OPSET, IR_VERSION = 17, 8
# How many blocks each stage has, and whether a block is a bottleneck, whose output is four times as wide.
BLOCKS = {
    "resnet18": ([2, 2, 2, 2], False),
    "resnet34": ([3, 4, 6, 3], False),
    "resnet50": ([3, 4, 6, 3], True),
    "resnet101": ([3, 4, 23, 3], True),
    "resnet152": ([3, 8, 36, 3], True),
}
HEADS = {"kuo": [1000, 512, 256, 1], "small": [32, 1]}
# Standard deviation of a block's last convolution, in parts of the others'.
LAST = 0.3


class Graph:
    """Collects nodes and weights; each call returns the name of its output."""

    def __init__(self, seed):
        self.nodes, self.weights, self.dice = [], [], np.random.default_rng(seed)

    def weight(self, name, shape, spread):
        values = self.dice.normal(0, spread, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x, name, inputs, outputs, size, stride=1, scale=1.0):
        spread = scale * (2 / (inputs * size * size)) ** 0.5
        inputs = [x, self.weight(f"{name}.weight", (outputs, inputs, size, size), spread),
                  self.weight(f"{name}.bias", (outputs,), 0.05)]
        return self.node("Conv", inputs, name, kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4)

    def relu(self, x):
        return self.node("Relu", [x], f"{x}.relu")

    def block(self, x, name, inputs, width, stride, bottleneck):
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            y = self.relu(self.conv(x, f"{name}.conv1", inputs, width, 1))
            y = self.relu(self.conv(y, f"{name}.conv2", width, width, 3, stride))
            y = self.conv(y, f"{name}.conv3", width, outputs, 1, scale=LAST)
        else:
            y = self.relu(self.conv(x, f"{name}.conv1", inputs, width, 3, stride))
            y = self.conv(y, f"{name}.conv2", width, outputs, 3, scale=LAST)
        if stride != 1 or inputs != outputs:
            x = self.conv(x, f"{name}.shortcut", inputs, outputs, 1, stride)
        return self.relu(self.node("Add", [y, x], f"{name}.add")), outputs


def member(name, size, head, seed):
    blocks, bottleneck = BLOCKS[name]
    graph = Graph(seed)
    x = graph.relu(graph.conv("crop", "conv1", 3, 64, 7, 2))
    x = graph.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, count in enumerate(blocks):
        for index in range(count):
            stride = 2 if stage and not index else 1
            x, channels = graph.block(x, f"layer{stage + 1}.{index}", channels, 64 << stage, stride, bottleneck)
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "features", axis=1)
    inputs = channels
    for layer, outputs in enumerate(HEADS[head]):
        last = outputs == 1
        weights = [graph.weight(f"head.{layer}.weight", (outputs, inputs), (20 if last else 1) * (2 / inputs) ** 0.5)]
        weights.append(graph.weight(f"head.{layer}.bias", (outputs,), 0.1))
        x = graph.node("Gemm", [x, *weights], "egfr" if last else f"head.{layer}", transB=1)
        x, inputs = x if last else graph.relu(x), outputs
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    outputs = [value("egfr", [1, 1]), value("features", [1, channels])]
    proto = helper.make_graph(graph.nodes, name, [value("crop", [1, 3, size, size])], outputs, graph.weights)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return onnx.shape_inference.infer_shapes(model), channels


def pictures(count, size, seed):
    """Smooth blobs with speckle, normalised: not noise alone, which averages out in deep layers."""
    dice = np.random.default_rng(seed)
    coarse = dice.normal(size=(count, 3, 8, 8))
    at = np.linspace(0, 7, size)
    low = np.minimum(at.astype(int), 6)
    part = at - low
    rows = coarse[:, :, low] * (1 - part)[:, None] + coarse[:, :, low + 1] * part[:, None]
    smooth = rows[..., low] * (1 - part) + rows[..., low + 1] * part
    return (smooth + 0.5 * dice.normal(size=(count, 3, size, size))).astype(np.float32)


class Calibration(CalibrationDataReader):
    def __init__(self, size):
        self.rows = iter([{"crop": p[None]} for p in pictures(CALIBRATION, size, 2)])

    def get_next(self):
        return next(self.rows, None)


def make(name, size, head, seed, path):
    """Writes one network; gives how many features it has."""
    model, features = member(name, size, head, seed)
    with tempfile.TemporaryDirectory() as folder:
        plain = f"{folder}/float.onnx"
        onnx.save(model, plain)
        # The quantiser advises an optimisation pass first; as the graph is, that would change nothing.
        logging.disable(logging.WARNING)
        quantize_static(plain, path, Calibration(size), quant_format=QuantFormat.QDQ, op_types_to_quantize=QUANTISED,
                        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        logging.disable(logging.NOTSET)
    picture = pictures(1, size, 3)
    egfr, values = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"crop": picture})
    for suffix, numbers in (("input", picture), ("egfr", egfr), ("features", values)):
        path.with_suffix(f".{suffix}").write_bytes(np.ascontiguousarray(numbers, np.float32).tobytes())
    print(path, path.stat().st_size, "bytes, features from", values.min(), "to", values.max(), "egfr", egfr, flush=True)
    return features


def write_bundle(folder, members, size, features):
    """Writes what `sonogfr bundle build` wants beside the networks: a manifest, and trees of one leaf each."""
    leaf = {"default_left": [0], "left_children": [-1], "right_children": [-1], "split_conditions": [0.1],
            "split_indices": [0], "split_type": [0], "tree_param": {"size_leaf_vector": "1"}}
    trees = {"learner": {
        "attributes": {}, "feature_names": [],
        "gradient_booster": {"name": "gbtree", "model": {
            "gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"}, "iteration_indptr": [0, 1],
            "tree_info": [0], "trees": [leaf]}},
        "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": str(features), "num_target": "1"},
        "objective": {"name": "binary:logistic"}}, "version": [3, 0, 0]}
    for number in range(members):
        (folder / f"{number}.json").write_text(json.dumps(trees))
    manifest = {
        "format": 1, "name": "bench", "purpose": "Times the program; its numbers mean nothing.", "demonstration": True,
        "card": "Random weights.", "input": {"size": size, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "feature_count": features,
        "members": [{"network": f"{number}.onnx", "trees": f"{number}.json"} for number in range(members)],
        "rules": {"coverage": 0.9, "intervals": [{"up_to": 1e6, "below": -1.0, "above": 1.0, "count": 1}],
                  "reportable": [0.0, 1e6], "likely_from": 0.8, "unlikely_to": 0.2, "spread_limit": 1e6}}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--nets", nargs="+", default=["resnet18", "resnet50", "resnet101"], choices=BLOCKS)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--head", default="kuo", choices=HEADS)
    parser.add_argument("--members", type=int, help="write so many of the one network as a bundle's folder")
    arguments = parser.parse_args()
    if arguments.members:
        (name,), folder = arguments.nets, arguments.out / "bundle"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(arguments.members):
            path = folder / f"{number}.onnx"
            features = make(name, arguments.size, arguments.head, 100 + number, path)
        write_bundle(folder, arguments.members, arguments.size, features)
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.nets:
        make(name, arguments.size, arguments.head, 7, arguments.out / f"{name}.onnx")


if __name__ == "__main__":
    main()
