"""Makes the int8 networks that the engines are timed and compared on: QDQ ONNX files with seeded random weights.

    pip install torch torchvision onnx onnxruntime
    python3 benches/int8/make_nets.py OUT [--nets resnet18 resnet50 resnet101] [--size 224]

Each has the shape of a member: input [1,3,S,S], outputs "egfr" [1,1] and "features" [1,C]; torchvision's ResNet, its 1000-way
layer, then 512 - 256 - 1. Convolutions, additions, ReLU and max-pooling are quantised (u8 activations, s8 weights for each
channel), pooling and what follows stay float. Weights are random, so the numbers mean nothing; batch normalisation has the
statistics of a few batches, so that no activation vanishes. For each net a picture and onnxruntime's answer lie beside it as
raw f32 (NET.input, NET.features, NET.egfr).
"""

import argparse
import pathlib
import shutil
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

QUANTISED = ["Conv", "Add", "MaxPool", "Relu"]
# How many batches set the statistics of batch normalisation, and how many pictures calibrate.
BATCHES = 3
CALIBRATION = 4
OPSET = 17


class Member(torch.nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.classes = trunk.fc
        self.trunk = trunk
        self.trunk.fc = torch.nn.Identity()
        self.head = torch.nn.Sequential(
            torch.nn.ReLU(), torch.nn.Linear(1000, 512), torch.nn.ReLU(), torch.nn.Linear(512, 256), torch.nn.ReLU(),
            torch.nn.Linear(256, 1))
        # An addition or product in the head would be quantised like those of the trunk.
        with torch.no_grad():
            self.head[-1].weight.mul_(20)
            self.head[-1].bias.fill_(50)

    def forward(self, picture):
        features = self.trunk(picture)
        return self.head(self.classes(features)), features


def pictures(count, size, seed):
    """Smooth blobs with speckle, normalised: not noise alone, which averages out in deep layers."""
    dice = torch.Generator().manual_seed(seed)
    coarse = torch.nn.functional.interpolate(
        torch.randn(count, 3, 7, 7, generator=dice), size=(size, size), mode="bicubic", align_corners=False)
    return coarse + 0.5 * torch.randn(count, 3, size, size, generator=dice)


class Calibration(CalibrationDataReader):
    def __init__(self, size):
        self.rows = iter([{"picture": p[None].numpy()} for p in pictures(CALIBRATION, size, 2)])

    def get_next(self):
        return next(self.rows, None)


def make(name, size, out):
    torch.manual_seed(7)
    net = Member(getattr(torchvision.models, name)(weights=None))
    net.train()
    for batch in range(BATCHES):
        with torch.no_grad():
            net(pictures(4, size, 10 + batch))
    net.eval()
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = f"{folder}/float.onnx", f"{folder}/ready.onnx"
        torch.onnx.export(net, (pictures(1, size, 1),), plain, input_names=["picture"], output_names=["egfr", "features"],
                          opset_version=OPSET, dynamo=False)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        path = out / f"{name}.onnx"
        quantize_static(ready, path, Calibration(size), quant_format=QuantFormat.QDQ, op_types_to_quantize=QUANTISED,
                        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        shutil.copy(ready, out / f"{name}-float.onnx")
    picture = pictures(1, size, 3).numpy()
    egfr, features = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"picture": picture})
    for suffix, values in (("input", picture), ("egfr", egfr), ("features", features)):
        (out / f"{name}.{suffix}").write_bytes(np.ascontiguousarray(values, np.float32).tobytes())
    kinds = sorted({node.op_type for node in onnx.load(path).graph.node})
    print(name, path.stat().st_size, "bytes", kinds, "features from", features.min(), "to", features.max(), "egfr", egfr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--nets", nargs="+", default=["resnet18", "resnet50", "resnet101"])
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.nets:
        make(name, arguments.size, arguments.out)


if __name__ == "__main__":
    main()
