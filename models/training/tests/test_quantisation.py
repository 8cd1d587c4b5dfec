"""Given these networks and pictures, expect int8 ranges that hold, a gate that shuts, and the right one to blame."""

import re
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import standin
import torch

from sonogfr_training import compare, export, gate, stages
from sonogfr_training.bundle import left_out
from sonogfr_training.data import DataError, inputs, load_crops, normalise, read_truth
from sonogfr_training.network import Network, fold_batch_norm, scale_length
from sonogfr_training.runs import PicturesJob, Run, Settings


@pytest.fixture(scope="module")
def member(tmp_path_factory):
    """A run with one float member that takes the length, its data and its pictures."""
    folder = tmp_path_factory.mktemp("member")
    data = standin.write(folder / "standin", patients=20, size=32, seed=3)
    truth, run = read_truth(data), Run(folder / "out")
    crops = load_crops(truth, 32)
    torch.manual_seed(2)
    network = Network(18, "small", 0.125, True)
    # One pass in training mode gives the normalisations something to fold.
    network(torch.from_numpy(normalise(crops)), scale_length(torch.from_numpy(truth.length_cm)))
    network.eval().fold_units(60.0, 25.0)
    run.float_network(0).parent.mkdir(parents=True)
    run.network(0).parent.mkdir(parents=True)
    onnx.save(export.to_onnx(fold_batch_norm(network), 32), run.float_network(0))
    export.quantise(run.float_network(0), run.network(0), crops, truth.length_cm)
    return SimpleNamespace(data=data, truth=truth, run=run, crops=crops)


def job_of(member, pictures):
    settings = Settings(size=32, depth=18, head="small", width=0.125, length_input=True)
    return PicturesJob(member.data, member.run, settings, 0, "float", 0, pictures)


def test_given_many_pictures_expect_the_extreme_few_to_span_the_same_ranges(member):
    few = export.extremes(member.run.float_network(0), member.crops, member.truth.length_cm)
    assert 1 < len(few) < len(member.crops)
    model = onnx.load(member.run.float_network(0))
    names = [node.output[0] for node in model.graph.node if node.op_type in export.INT8_OPS]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def spans(pictures):
        said = [session.run(names, one) for one in inputs(member.crops[pictures], member.truth.length_cm[pictures])]
        return [(min(t.min() for t in tensor), max(t.max() for t in tensor)) for tensor in zip(*said)]

    assert spans(few) == spans(np.arange(len(member.crops)))


def test_given_one_far_picture_expect_the_gate_shut_and_its_member_blamed():
    whole = np.tile(np.linspace(10, 100, 500, dtype=np.float32), (3, 1))
    int8 = whole.copy()
    int8[2] += 0.2
    assert gate.change(int8, whole).passed and gate.change(int8, whole).worst_member == 2
    int8[1, 40] -= 6
    shut = gate.change(int8, whole)
    assert (shut.passed, shut.worst_member, shut.worst[0]) == (False, 1, 40)
    assert shut.largest == pytest.approx(5.8 / 3, abs=1e-3) and "up to 1.93" in str(shut)


def test_given_many_pictures_in_another_stage_expect_the_gate_shut():
    whole = np.full((2, 100), 60.1, np.float32)
    int8 = whole - np.float32(0.2) * (np.arange(100) < 2)
    shut = gate.change(int8, whole)
    assert shut.largest < 0.3 and shut.stages == 0.02 and not shut.passed
    one = gate.change(int8[:, 1:], whole[:, 1:])
    assert one.stages == pytest.approx(1 / 99) and one.passed
    assert not gate.change(int8[:, :20], whole[:, :20]).passed


def clip(file, tensor, by):
    """Makes the range of one tensor's bytes smaller: what lies beyond is cut off."""
    model = onnx.load(file)
    (node,) = [node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == tensor]
    (scale,) = [one for one in model.graph.initializer if one.name == node.input[1]]
    scale.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(scale) / np.float32(by), scale.name))
    onnx.save(model, file)


@pytest.mark.parametrize("layer", ["layer1.1.relu1", "layer3.0.relu2"])
def test_given_a_tensor_whose_range_is_too_small_expect_it_named(member, layer):
    good = member.run.network(0).read_bytes()
    try:
        clip(member.run.network(0), layer, by=6)
        said = compare.worst_layer(job_of(member, np.arange(20)))
    finally:
        member.run.network(0).write_bytes(good)
    moved, left = (float(number) for number in re.findall(r"[0-9]+\.[0-9]+", said.replace(layer, "")))
    assert said.startswith("member 0, ") and f" there {layer}, " in said and left < moved


def test_given_int8_that_moves_a_picture_too_far_expect_export_to_fail_and_no_manifest(member, monkeypatch):
    def in_process(function, jobs, _workers, _threads=1):
        for job in jobs:
            yield getattr(compare, function.split(":")[1])(job)

    monkeypatch.setattr(stages, "run_jobs", in_process)
    args = SimpleNamespace(data=member.data, workers=1)
    settings = Settings(size=32, depth=18, head="small", width=0.125, length_input=True)
    said = compare.egfr_of(job_of(member, np.arange(len(member.crops))), member.run.float_network(0))
    pictures, _ = left_out(member.truth, 1, settings.seed)
    outputs, manifest = member.run.outputs(0), member.run.bundle / "manifest.json"
    outputs.parent.mkdir(exist_ok=True)
    np.savez(outputs, egfr=said + 0.5, p_ckd=said)
    monkeypatch.setattr(gate, "STAGE_CHANGE_MAX", 1.0)
    assert stages.held(args, member.run, settings, 1, pictures).largest == pytest.approx(0.5, abs=1e-3)
    manifest.write_text("{}")
    np.savez(outputs, egfr=said + 1.5, p_ckd=said)
    with pytest.raises(DataError, match=r"up to 1\.50 .*; worst is member 0, .* there "):
        stages.held(args, member.run, settings, 1, pictures)
    assert not manifest.exists()
