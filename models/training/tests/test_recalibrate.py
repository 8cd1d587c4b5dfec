"""Given a built bundle and pictures that its members never saw, expect its members with rules from these."""

import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import standin
import torch

from sonogfr_training import cli, cli_recalibrate, export, tables, trees, workers
from sonogfr_training.data import DataError, halves, load_crops, normalise, read_truth
from sonogfr_training.network import Network, fold_batch_norm, scale_length
from sonogfr_training.runs import Run

PROGRAM = os.environ.get("SONOGFR")
MEMBERS, SIZE = 2, 32


def table(features: int, margin: float, *sides: tuple[int, float, bool]) -> bytes:
    """Trees of one split each, (feature, threshold, whether a missing value goes right), with the leaves -1 and 1."""
    nodes = b"".join(
        struct.pack("<fHHfHHfHH", threshold, 1, feature | (0x8000 if right else 0), -1.0, 0, 0, 1.0, 0, 0)
        for feature, threshold, right in sides
    )
    sizes = struct.pack(f"<{len(sides)}I", *[3] * len(sides))
    return struct.pack("<4sHHfI", b"SGTT", 1, features, margin, len(sides)) + sizes + nodes


def test_given_a_table_expect_its_leaves_added_and_missing_values_where_they_go():
    held = tables.Table.read("0.trees", table(2, 0.25, (0, 5.0, False), (1, 2.0, True)))
    features = np.array([[5, 1], [4.9, 2], [np.nan, np.nan], [9, 9]], np.float32)
    log_odds = np.array([1 - 1, -1 + 1, -1 + 1, 2]) + 0.25
    assert held.probabilities(features) == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-6)


@pytest.mark.parametrize("broken", [b"", b"SGTT", table(2, 0.0, (0, 1.0, False))[:-1], b"X" + table(2, 0.0)[1:]])
def test_given_a_broken_table_expect_a_line(broken):
    with pytest.raises(DataError, match="0.trees: is "):
        tables.Table.read("0.trees", broken)
    looping = bytearray(table(2, 0.0, (0, 1.0, False)))
    looping[20 + 12 : 20 + 14] = struct.pack("<H", 1)
    with pytest.raises(DataError, match="is no table of trees"):
        tables.Table.read("0.trees", bytes(looping))


def network(seed: int, truth, crops) -> tuple[onnx.ModelProto, int]:
    """A float network whose answers rise with the data's eGFR as far as its features tell."""
    torch.manual_seed(seed)
    net, length = Network(18, "small", 0.125, True), scale_length(torch.from_numpy(truth.length_cm))
    net(torch.from_numpy(normalise(crops)), length)
    net.eval().fold_units(60.0, 25.0)
    return export.to_onnx(fold_batch_norm(net), SIZE), net.feature_count


def pack(path, manifest: dict, entries: dict[str, bytes]):
    """A bundle as the program builds it, as far as the toolkit looks."""
    entries = {"manifest.json": json.dumps(manifest).encode()} | entries
    with tarfile.open(path, "w") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A bundle, its manifest and entries, and data that it never saw."""
    folder = tmp_path_factory.mktemp("recalibrate")
    data = standin.write(folder / "data", patients=120, size=SIZE, seed=5)
    truth, entries = read_truth(data), {}
    crops = load_crops(truth, SIZE)
    for n in range(MEMBERS):
        model, features = network(n, truth, crops)
        onnx.save(model, folder / "float.onnx")
        export.quantise(folder / "float.onnx", folder / "int8.onnx", crops[:40], truth.length_cm[:40])
        entries[f"members/{n}.onnx"] = (folder / "int8.onnx").read_bytes()
        entries[f"members/{n}.trees"] = table(features + 1, 0.1 * n, (features, 10.0, False), (3, 1.0, True))
    manifest = {
        "format": 1, "name": "old", "demonstration": True, "card": "Data: others.\nDate: 2026-01-01.",
        "input": {"size": SIZE, "length": True}, "feature_count": features,
        "members": [{"network": f"members/{n}.onnx", "trees": f"members/{n}.trees"} for n in range(MEMBERS)],
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()},
    }  # fmt: skip
    bundle = pack(folder / "old.sonogfr", manifest, entries)
    return SimpleNamespace(folder=folder, data=data, truth=truth, bundle=bundle, manifest=manifest, entries=entries)


@pytest.fixture
def call(monkeypatch):
    def in_process(function, jobs, _workers, _threads=1):
        yield from [workers.call(function, job) for job in jobs]

    monkeypatch.setattr(cli, "run_jobs", in_process)
    monkeypatch.setattr(cli_recalibrate, "run_jobs", in_process)

    def run(*arguments):
        args = cli.arguments().parse_args([str(one) for one in arguments])
        args.function(args)

    return run


def test_given_a_bundle_expect_its_members_to_the_byte_and_rules_of_the_new_data(built, call, capsys, tmp_path):
    out, run = tmp_path / "out", Run(tmp_path / "out")
    call("recalibrate", built.bundle, built.data, out, "--name=new", "--note=A new cart.")
    assert all((run.bundle / name).read_bytes() == content for name, content in built.entries.items())
    manifest = json.loads((run.bundle / "manifest.json").read_text())
    _, judged = halves(built.truth.patient_count, 1)
    assert (manifest["name"], manifest["demonstration"], manifest["feature_count"]) == ("new", True, 64)
    rules = manifest["rules"]
    assert sum(band["count"] for band in rules["intervals"]) == len(judged) == 60 and rules["distance_limit"] > 0
    known = np.isin(built.truth.patient, halves(built.truth.patient_count, 1)[0]).sum()
    assert [member["likeness"]["count"] for member in manifest["members"]] == [known] * MEMBERS
    assert [member["trees"] for member in manifest["members"]] == ["members/0.trees", "members/1.trees"]
    digest = hashlib.sha256(built.bundle.read_bytes()).hexdigest()
    assert manifest["model_card"]["hashes"] == {"bundle before": digest, "truth.jsonl": built.truth.digest}
    assert all(words in manifest["card"] for words in ("bundle old", "  Data: others.", "A new cart."))
    assert "further from those of the other half of this data's patients" in manifest["card"]
    # Nothing is said twice of what stands, and figures on others come without a float network.
    before = run.outputs(0).stat().st_mtime_ns
    call("recalibrate", built.bundle, built.data, out, "--name=new")
    assert run.outputs(0).stat().st_mtime_ns == before
    other = standin.write(tmp_path / "other", patients=20, size=SIZE, seed=6)
    call("evaluate", other, out)
    assert "longest" in capsys.readouterr().out
    assert "int8_minus_float" not in json.loads((out / "evaluation.json").read_text())
    with pytest.raises(DataError, match="was begun from another bundle, data or seed: choose another OUT"):
        call("recalibrate", built.bundle, built.data, out, "--seed=2")
    if PROGRAM:
        file = tmp_path / "new.sonogfr"
        subprocess.run([PROGRAM, "bundle", "build", run.bundle, "-o", file], check=True)
        said = subprocess.run([PROGRAM, "bundle", "info", file], check=True, capture_output=True, text=True).stdout
        assert "likeness" in said and "bundle before" in said


def test_given_a_member_expect_what_onnxruntime_and_its_table_say(built, call, tmp_path):
    call("recalibrate", built.bundle, built.data, tmp_path / "out")
    run = Run(tmp_path / "out")
    said, crops = np.load(run.outputs(1)), load_crops(built.truth, SIZE)
    egfr, features = trees.run_network(built.entries["members/1.onnx"], crops, built.truth.length_cm)
    right = lambda x, limit: np.where(x >= limit, 1.0, -1.0)  # noqa: E731
    log_odds = np.float32(0.1) + right(features[:, -1], 10.0) + right(features[:, 3], 1.0)
    assert np.array_equal(said["egfr"], egfr)
    assert said["p_ckd"] == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-6)


def test_given_what_is_no_fit_bundle_expect_one_line_and_no_other_run_touched(built, call, tmp_path):
    refused = lambda words, *more, bundle=built.bundle: _refused(call, words, bundle, built.data, *more)  # noqa: E731
    change = lambda **more: pack(tmp_path / "b", built.manifest | more, built.entries)  # noqa: E731
    refused("No such file", tmp_path / "out", bundle=tmp_path / "none")
    (tmp_path / "text").write_text("text")
    refused("is no bundle that", tmp_path / "out", bundle=tmp_path / "text")
    refused("format 2, this toolkit reads 1", tmp_path / "out", bundle=change(format=2))
    refused("rules for patients cannot come from it", tmp_path / "out", bundle=change(demonstration=False))
    card = f"SHA-256 of truth.jsonl: {built.truth.digest}."
    refused("is what .* was made from: rules from it would flatter", tmp_path / "out", bundle=change(card=card))
    wrong = built.manifest["sha256"] | {"members/1.trees": "0" * 64}
    refused("members/1.trees does not fit its hash", tmp_path / "out", bundle=change(sha256=wrong))
    trained = Run(tmp_path / "trained")
    trained.network(0).parent.mkdir(parents=True)
    trained.network(0).write_bytes(b"its own")
    trained.settings.write_text("{}")
    refused("was begun from another bundle", trained.folder)
    assert trained.network(0).read_bytes() == b"its own"


def _refused(call, words, *arguments):
    with pytest.raises(DataError, match=words) as raised:
        call("recalibrate", *arguments)
    assert "\n" not in str(raised.value)
