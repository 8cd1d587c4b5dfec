"""The weights that Kuo et al. 2019 released -> members. Runs in a worker with torch, as `export` does."""

import re
from pathlib import Path

import numpy as np
import onnx
import torch

from .data import DataError, halves, load_crops, read_truth
from .export import CALIBRATION_CROPS, check_int8, quantise, to_onnx
from .network import Network, fold_batch_norm
from .runs import RELEASED, ImportJob
from .store import write_whole
from .weights import read_weights

STEM = re.compile(r"(.*?)conv1\.weight")


def load_network(path: Path) -> Network:
    """Reads a state dict of torch 0.2 or later. Errors: no such file, another network, a weight that is none."""
    state, network = read_weights(path).state, Network.of(RELEASED)
    wanted = network.state_dict()
    network.load_state_dict(_trunk(path, state, wanted) | _head(path, state, wanted))
    return network.eval()


def _trunk(path: Path, state: dict, wanted: dict) -> dict:
    """ResNet-101's own weights, by torchvision's names behind whatever the authors' module was called."""
    stem = wanted["conv1.weight"].shape
    prefixes = [match[1] for key, value in state.items() if (match := STEM.fullmatch(key)) and value.shape == stem]
    if len(prefixes) != 1:
        raise DataError(f"{path}: holds no ResNet")
    found = {}
    for key, value in wanted.items():
        if key.startswith("head."):
            continue
        if key.endswith("num_batches_tracked"):
            # Torch 0.2 had none, and nothing reads it once training is over.
            found[key] = value
            continue
        given = state.get(prefixes[0] + key)
        if given is None or given.shape != value.shape:
            raise DataError(f"{path}: {prefixes[0] + key} is missing or of another shape: this is no ResNet-101")
        found[key] = given
    return found


def _head(path: Path, state: dict, wanted: dict) -> dict:
    """The four full layers, each of a shape of its own, whatever they are called."""
    found = {}
    for key in [key for key in wanted if key.startswith("head.") and key.endswith(".weight")]:
        given = [name for name, value in state.items() if value.shape == wanted[key].shape]
        if len(given) != 1:
            shape = " x ".join(map(str, wanted[key].shape))
            raise DataError(f"{path}: holds {len(given)} layers of {shape}, and the authors' network has one")
        bias = given[0].removesuffix("weight") + "bias"
        if bias not in state or state[bias].shape != wanted[key.removesuffix("weight") + "bias"].shape:
            raise DataError(f"{path}: {bias} is missing or of another shape")
        found |= {key: state[given[0]], key.removesuffix("weight") + "bias": state[bias]}
    return found


def import_member(job: ImportJob) -> str:
    """Writes the member's two ONNX files, the one that ships last, and returns a line about them."""
    torch.set_num_threads(1)
    network = fold_batch_norm(load_network(job.weights))
    truth = read_truth(job.data)
    crops = load_crops(truth, RELEASED.size, job.run.cache)
    float_file, int8_file = job.run.float_network(job.member), job.run.network(job.member)
    write_whole(float_file, lambda draft: onnx.save(to_onnx(network, RELEASED.size), draft))
    patients, _ = halves(truth.patient_count, job.settings.seed)
    pictures = np.flatnonzero(np.isin(truth.patient, patients))[:CALIBRATION_CROPS]
    write_whole(int8_file, lambda draft: quantise(float_file, draft, crops[pictures], None))
    check_int8(onnx.load(int8_file))
    return f"{int8_file.name}: {int8_file.stat().st_size / 1e6:.1f} MB from {job.weights.name}"
