"""Runs a member in float and in int8 on the same pictures. Runs in a worker without torch."""

from pathlib import Path

import numpy as np
import onnx

from .data import load_crops, read_truth
from .runs import PicturesJob
from .store import write_whole
from .trees import run_network


def egfr_of(job: PicturesJob, network: Path | bytes) -> np.ndarray:
    """[k] float32, mL/min/1.73 m2, what `network` says of the job's pictures."""
    truth = read_truth(job.data)
    crops = load_crops(truth, job.settings.size, job.run.cache)[job.pictures]
    length_cm = truth.length_cm[job.pictures] if job.settings.length_input else None
    return run_network(network, crops, length_cm, job.line)[0]


def say_float(job: PicturesJob) -> str:
    """Writes what the float network says of the job's pictures and returns a line about it."""
    egfr, file = egfr_of(job, job.run.float_network(job.member)), job.run.float_outputs(job.member)
    write_whole(file, lambda draft: np.savez(draft, egfr=egfr, pictures=job.pictures))
    return f"{file.parent.name}/{file.name}: float on {len(job.pictures)} pictures of patients left out"


def without(model: onnx.ModelProto, quantise: onnx.NodeProto) -> onnx.ModelProto:
    """The network with one tensor left in float that `quantise` makes bytes of."""
    changed, (source, _, zero) = onnx.ModelProto(), quantise.input
    changed.CopyFrom(model)
    graph = changed.graph
    place = [node.output[0] for node in graph.node].index(quantise.output[0])
    pair = [node for node in graph.node if quantise.output[0] in (*node.input, *node.output)]
    back = {output for node in pair if node.op_type == "DequantizeLinear" for output in node.output}
    for node in pair:
        graph.node.remove(node)
    # Bytes that begin at 0 are the ReLU after a convolution or sum, whose own node the quantiser took away.
    (begin,) = [constant for constant in graph.initializer if constant.name == zero]
    kept = source
    if onnx.numpy_helper.to_array(begin) == 0:
        kept = f"{source}.kept"
        graph.node.insert(place, onnx.helper.make_node("Relu", [source], [kept], name=kept))
    for node in graph.node:
        node.input[:] = [kept if name in back else name for name in node.input]
    used = {name for node in graph.node for name in node.input}
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)
    return changed


def worst_layer(job: PicturesJob) -> str:
    """The tensor whose bytes do most of the change on the job's pictures: left in float, the least remains."""
    whole = egfr_of(job, job.run.float_network(job.member))
    moved = float(np.abs(egfr_of(job, job.run.network(job.member)) - whole).max())
    model = onnx.load(job.run.network(job.member))
    constants = {constant.name for constant in model.graph.initializer}
    remains = {}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in constants:
            said = egfr_of(job, without(model, node).SerializeToString())
            remains[node.input[0]] = float(np.abs(said - whole).max())
    layer = min(remains, key=remains.get)
    return (
        f"member {job.member}, which moves them by up to {moved:.2f}, there {layer}, without whose bytes "
        f"{remains[layer]:.2f} would remain"
    )
