"""Given files in the form that Kuo et al. 2019 released theirs, expect a bundle that says what plain torch and XGBoost
say of them. The weights are random: the form is what is tested."""

import json
import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import standin
import torch
from PIL import Image

from sonogfr_training import cli, cli_import, compare, kuo2019, stages, trees
from sonogfr_training.data import DataError, halves, load_crops, normalise, read_truth
from sonogfr_training.network import Bottleneck, Network
from sonogfr_training.runs import RELEASED, Run

FIXTURES = Path(__file__).parent / "fixtures"
MEMBERS, PATIENTS, SIZE = 2, 40, 224
OLD_XGBOOST = os.environ.get("SONOGFR_XGBOOST_072")
"""Folder where XGBoost 0.72.1 is installed, for comparison with itself; `make test-training` makes one."""


class OldTensor:
    """Pickles as a tensor of torch 0.2 did, before `_rebuild_tensor_v2`."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor.contiguous()

    def __reduce__(self):
        t = self.tensor
        return torch._utils._rebuild_tensor, (t.storage(), t.storage_offset(), tuple(t.size()), t.stride())


def stand_in(seed: int, crops: np.ndarray) -> Network:
    """The authors' network with random weights that behaves as a trained one does: its blocks change little, and its
    eGFR, 8 mL/min/1.73 m2 of deviation, falls along what its features differ most in. A wild one would say of noise,
    int8's as well, what it says of pictures."""
    torch.manual_seed(seed)
    network, x = Network.of(RELEASED), torch.from_numpy(normalise(crops))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
        if isinstance(module, Bottleneck):
            torch.nn.init.constant_(module.bn3.weight, 0.2)
    with torch.no_grad():
        network.train()
        network(x)
        features = network.eval()(x)[1]
        mean = features.mean(dim=0)
        _, size, axes = torch.linalg.svd(features - mean, full_matrices=False)
        along = axes[0] * -axes[0].sum().sign() / size[0] * len(crops) ** 0.5
        for index in (0, 1, 4, 7):
            network.head[index].weight.mul_(0.01)
            network.head[index].bias.zero_()
        network.head[0].weight[0], network.head[0].bias[0] = along, -(mean @ along)
        for row, sign in ((0, 1.0), (1, -1.0)):
            network.head[1].weight[row, 0], network.head[4].weight[row, row] = sign, 1.0
            network.head[7].weight[0, row] = 8 * sign
        network.head[7].bias[0] = 60
    return network


def release(network: Network, path: Path) -> None:
    """Saves it as torch 0.2 saved a DataParallel's state dict, with names of its own for the head."""
    heads = {"head.0.": "resnet.fc.", "head.1.": "fc1.", "head.4.": "fc2.", "head.7.": "out."}
    state = OrderedDict()
    for key, value in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        (new,) = [new + key.removeprefix(old) for old, new in heads.items() if key.startswith(old)] or ["resnet." + key]
        state["module." + new] = OldTensor(value)
    torch.save(state, path, _use_new_zipfile_serialization=False)


def old_probabilities(booster: Path, features: np.ndarray) -> np.ndarray:
    """What XGBoost 0.72.1 itself says; where it is not at hand, what this XGBoost says of the translated trees, which
    test_boosters.py holds against 0.72.1's recorded answers."""
    if OLD_XGBOOST is None:
        model = trees.xgboost.Booster()
        model.load_model(bytearray(trees.to_json(trees.read_booster(booster, 2048), turned=False).encode()))
        return trees.probabilities(model, features)
    script = (
        "import collections, collections.abc, pickle, sys; collections.Mapping = collections.abc.Mapping\n"
        "import numpy as np, xgboost; assert xgboost.__version__ == '0.72.1'\n"
        "b = pickle.load(open(sys.argv[1], 'rb')); f = np.load(sys.argv[2])\n"
        "f = f[:, [int(n[1:]) for n in b.feature_names]]\n"
        "np.save(sys.argv[3], b.predict(xgboost.DMatrix(f, feature_names=b.feature_names)))"
    )
    given, said = booster.with_suffix(".features.npy"), booster.with_suffix(".said.npy")
    np.save(given, features)
    environment = os.environ | {"PYTHONPATH": OLD_XGBOOST}
    subprocess.run([sys.executable, "-c", script, booster, given, said], check=True, env=environment)
    return np.load(said)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """DIR with two members, DATA whose eGFR follows what they say, and what plain torch and XGBoost say of DATA."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("released")
    (folder / "dir/models").mkdir(parents=True)
    rng = np.random.default_rng(4)
    crops = np.stack([standin.crop(egfr, SIZE, rng) for egfr in np.linspace(8, 115, PATIENTS)])
    egfr, p = [], []
    for member in range(MEMBERS):
        network = stand_in(member, crops[::8])
        release(network, folder / f"dir/models/model_{member}.pkl")
        booster = folder / f"dir/models/xgb_{member}.pickle.dat"
        shutil.copy(FIXTURES / booster.name, booster)
        with torch.no_grad():
            said = [network(torch.from_numpy(normalise(crop[None]))) for crop in crops]
        egfr.append(np.concatenate([one[0][:, 0].numpy() for one in said]))
        p.append(old_probabilities(booster, np.concatenate([one[1].numpy() for one in said])))
    egfr, p = np.stack(egfr), np.stack(p)
    mean = p.mean(axis=0)
    truth = np.where(mean > np.median(mean), 40.0, 85.0) + (egfr.mean(axis=0) - 60)
    (folder / "data/crops").mkdir(parents=True)
    rows = []
    for index, crop in enumerate(crops):
        Image.fromarray(crop).save(folder / f"data/crops/{index}.png")
        row = {"crop": f"crops/{index}.png", "patient": f"P{index:03d}", "egfr": float(truth[index]), "length_cm": 10.0}
        rows.append(json.dumps(row))
    (folder / "data/truth.jsonl").write_text("\n".join(rows) + "\n")
    return SimpleNamespace(dir=folder / "dir", data=folder / "data", out=folder / "out", egfr=egfr, p=p)


def in_process(function, jobs, _workers, _threads=1):
    """Torch's work here, and XGBoost's: neither hangs with one thread."""
    torch.set_num_threads(1)
    modules = {"kuo2019": kuo2019, "trees": trees, "compare": compare}
    module, name = function.removeprefix("sonogfr_training.").split(":")
    for job in jobs:
        yield getattr(modules[module], name)(job)


def run_import(released, monkeypatch, *more, out=None):
    monkeypatch.setattr(stages, "run_jobs", in_process)
    monkeypatch.setattr(cli_import, "run_jobs", in_process)
    paths = [str(released.dir), str(released.data), str(out or released.out)]
    args = cli.arguments().parse_args(["import-kuo2019", *paths, f"--members={MEMBERS}", "--workers=1", *more])
    args.function(args)


def test_given_released_files_expect_what_plain_torch_and_xgboost_say_and_int8_within_the_gate(released, monkeypatch):
    run_import(released, monkeypatch)
    run, truth = Run(released.out), read_truth(released.data)
    crops = load_crops(truth, SIZE)
    for member in range(MEMBERS):
        egfr, features = trees.run_network(run.float_network(member), crops[:12], None)
        assert egfr == pytest.approx(released.egfr[member][:12], abs=1e-3)
        p = trees.probabilities(trees.load_trees(run.trees(member)), features)
        assert p == pytest.approx(released.p[member][:12], abs=1e-3)
    int8 = np.mean([np.load(run.outputs(n))["egfr"] for n in range(MEMBERS)], axis=0)
    _, judges = halves(PATIENTS, 1)
    assert np.abs(int8 - released.egfr.mean(axis=0))[judges].max() <= 1.0
    manifest = json.loads((run.bundle / "manifest.json").read_text())
    assert manifest["demonstration"] and manifest["input"]["size"] == SIZE and manifest["feature_count"] == 2048
    assert "was left so" in manifest["card"] and manifest["rules"]["intervals"][0]["count"] == 20
    assert set(manifest["model_card"]["hashes"]) == {
        "truth.jsonl", "model_0.pkl", "model_1.pkl", "xgb_0.pickle.dat", "xgb_1.pickle.dat",
    }  # fmt: skip
    assert all(member["likeness"]["count"] == 20 for member in manifest["members"])


def test_given_a_finished_import_expect_nothing_made_again_and_other_data_refused(released, monkeypatch, tmp_path):
    run = Run(released.out)
    if not run.outputs(0).exists():
        run_import(released, monkeypatch)
    before = run.network(0).stat().st_mtime_ns
    run_import(released, monkeypatch)
    assert run.network(0).stat().st_mtime_ns == before
    with pytest.raises(DataError, match="was begun from other data, weights or settings"):
        run_import(released, monkeypatch, "--seed=2")
    with pytest.raises(DataError, match="was imported, not trained"):
        args = cli.arguments().parse_args(["export", str(released.data), str(released.out)])
        args.function(args)


def settled(tmp_path, p, egfr):
    """Settles 40 patients by what one member is made to say."""
    run = Run(tmp_path / "run")
    run.raw_outputs(0).parent.mkdir(parents=True, exist_ok=True)
    np.savez(run.raw_outputs(0), egfr=np.asarray(egfr), p=np.asarray(p), distance=np.ones(40))
    truth = SimpleNamespace(egfr=np.linspace(20, 100, 40), ckd=(np.linspace(20, 100, 40) < 60).astype(float))
    turned = cli_import.settle(run, truth, np.arange(40), [(None, FIXTURES / "xgb_0.pickle.dat")])
    return turned, np.load(run.outputs(0))["p_ckd"], run


def test_given_probabilities_that_point_at_the_healthy_expect_them_turned(tmp_path):
    rise, egfr = np.linspace(0.1, 0.9, 40), np.linspace(30, 90, 40)
    turned, p, run = settled(tmp_path, rise, egfr)
    assert turned and p == pytest.approx(1 - rise)
    features = np.load(FIXTURES / "boosters_said.npz")
    wide = np.zeros((64, 2048), np.float32)
    wide[:, features["columns_0"]] = features["features_0"]
    said = trees.probabilities(trees.load_trees(run.trees(0)), wide)
    assert said == pytest.approx(1 - features["p_0"], abs=1e-6)
    turned, p, _ = settled(tmp_path, rise[::-1], egfr)
    assert not turned and p == pytest.approx(rise[::-1])


def test_given_data_that_does_not_tell_expect_a_refusal_and_no_guess(tmp_path):
    egfr = np.linspace(30, 90, 40)
    with pytest.raises(DataError, match="does not tell which way"):
        settled(tmp_path, np.tile([0.2, 0.8], 20), egfr)
    with pytest.raises(DataError, match="does not rise with the data's"):
        settled(tmp_path, np.linspace(0.1, 0.9, 40), egfr[::-1])


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


@pytest.fixture(scope="module")
def shapes():
    return {"module." + key: value.shape for key, value in Network.of(RELEASED).state_dict().items()}


BAD = [
    (lambda s: s.pop("module.layer3.22.conv3.weight"), "layer3.22.conv3.weight is missing or of another shape"),
    (lambda s: s.pop("module.conv1.weight"), "holds no ResNet"),
    (lambda s: s.pop("module.head.4.weight"), "holds 0 layers of 256 x 512, and the authors' network has one"),
    (lambda s: s.pop("module.head.4.bias"), "head.4.bias is missing or of another shape"),
    (
        lambda s: s.update({"module.bn1.weight": torch.full((64,), float("nan"))}),
        "bn1.weight holds numbers that are none",
    ),
    (lambda s: s.update({"epoch": 3}), "holds no state dict"),
    (lambda s: s.update({"epoch": Evil()}), "is no file of torch weights, or asks for more than weights"),
]


@pytest.mark.parametrize("change, words", BAD)
def test_given_other_weights_expect_a_clear_line_and_nothing_executed(tmp_path, monkeypatch, shapes, change, words):
    monkeypatch.chdir(tmp_path)
    state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
    change(state)
    torch.save(state, tmp_path / "model_0.pkl", _use_new_zipfile_serialization=False)
    with pytest.raises(DataError) as raised:
        kuo2019.load_network(tmp_path / "model_0.pkl")
    assert words in str(raised.value) and "\n" not in str(raised.value)
    assert os.listdir(tmp_path) == ["model_0.pkl"]


def test_given_a_folder_that_lacks_files_expect_them_named(released, monkeypatch, tmp_path):
    (tmp_path / "dir").mkdir()
    with pytest.raises(DataError, match="lacks model_0.pkl and 3 more"):
        run_import(SimpleNamespace(dir=tmp_path / "dir", data=released.data, out=tmp_path / "out"), monkeypatch)
    (tmp_path / "cut").write_bytes(b"\x80\x02cut")
    with pytest.raises(DataError, match="is no file of torch weights"):
        kuo2019.load_network(tmp_path / "cut")
    assert not (tmp_path / "out").exists()
