"""Given this ResNet and this file of weights, expect it begun from them, or a line that says what does not fit."""

from dataclasses import asdict
from urllib.error import URLError

import numpy as np
import pytest
import standin
import torch

from sonogfr_training import cli, train, weights, workers
from sonogfr_training.data import DataError, draw_bag, read_truth
from sonogfr_training.network import Network
from sonogfr_training.runs import Run, Settings, TrainJob
from sonogfr_training.weights import begin_with, read_weights

# Source: torchvision's documentation, parameters of each model, less those of its layer of 1000.
TRUNKS = {18: 11_689_512 - 513_000, 34: 21_797_672 - 513_000, 50: 25_557_032 - 2_049_000, 101: 44_549_160 - 2_049_000}
TINY = Settings(size=32, depth=50, head="kuo2019", width=0.125, epochs=1, batch=16)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("depth", TRUNKS)
def test_given_a_depth_expect_torchvisions_trunk_with_the_authors_head(depth):
    with torch.device("meta"):
        network = Network.of(Settings(depth=depth))
        small = Network(depth, "small", 0.5, True)
    features = network.feature_count
    assert features == Settings(depth=depth).feature_count == (2048 if depth >= 50 else 512)
    assert count(network) - count(network.head) == TRUNKS[depth]
    shapes = [tuple(layer.weight.shape) for layer in network.head if isinstance(layer, torch.nn.Linear)]
    assert shapes == [(1000, features), (512, 1000), (256, 512), (1, 256)]
    assert small.length_input and not network.length_input
    assert small.feature_count == Settings(depth=depth, width=0.5).feature_count == features // 2


def test_given_no_choice_expect_the_papers_network_begun_from_imagenet():
    args = cli.arguments().parse_args(["train", "data", "out"])
    assert (args.size, args.depth, args.head, args.width, args.length_input) == (224, 101, "kuo2019", 1.0, False)
    assert args.init_weights == "torchvision" and args.members == 10
    # Files from before there was a choice.
    old = Settings.of({"size": 128, "width": 0.5})
    assert (old.depth, old.head, old.feature_count) == (18, "small", 256)


def saved(path, network, change=lambda state: None, prefix="", wrap=lambda state: state):
    """`network` in a file as torchvision names it: with a layer of 1000 and no head."""
    state = {key: value for key, value in network.state_dict().items() if not key.startswith("head.")}
    state |= {"fc.weight": torch.ones(1000, network.feature_count), "fc.bias": torch.full((1000,), 2.0)}
    change(state)
    torch.save(wrap({prefix + key: value for key, value in state.items()}), path)
    return path


def same_trunk(one, other):
    theirs = other.state_dict()
    trunk = [key for key in theirs if not key.startswith("head.") and not key.endswith("num_batches_tracked")]
    return all(torch.equal(one.state_dict()[key], theirs[key]) for key in trunk)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_given_torchvisions_names_expect_the_trunk_and_the_layer_of_1000(tmp_path, prefix):
    given, begun = Network.of(TINY), Network.of(TINY)
    drop = lambda state: [state.pop(key) for key in list(state) if key.endswith("num_batches_tracked")]  # noqa: E731
    file = saved(tmp_path / "resnet.pth", given, drop, prefix)
    assert not begin_with(begun, read_weights(file)) and same_trunk(begun, given)
    assert (begun.head[0].weight == 1).all() and (begun.head[0].bias == 2).all()
    # The length makes the layer one wider; a small head has no such layer.
    for other in (Network(50, "kuo2019", 0.125, True), Network(50, "small", 0.125, False)):
        first = other.head[0].weight.clone()
        assert not begin_with(other, read_weights(file))
        assert same_trunk(other, given) and torch.equal(other.head[0].weight, first)


@pytest.mark.parametrize("width, depth, change, words", [
    (0.25, 50, lambda s: None, "conv1.weight is 8 x 3 x 7 x 7, and in this network it is 16 x 3 x 7 x 7"),
    (0.125, 101, lambda s: None, "layer3.6.conv1.weight is missing, and in this network it is 32 x 128 x 1 x 1"),
    (0.125, 50, lambda s: s.update({"layer5.0.conv1.weight": torch.ones(2, 2)}),
     "layer5.0.conv1.weight is 2 x 2, and in this network it is missing"),
    (0.125, 50, lambda s: s.pop("bn1.running_var"), "bn1.running_var is missing, and in this network it is 8"),
    (0.125, 50, lambda s: s.update({"bn1.bias": torch.full((8,), torch.inf)}), "bn1.bias holds numbers that are none"),
    (0.125, 50, lambda s: s.update({"fc.weight": "text"}), "holds no state dict"),
])  # fmt: skip
def test_given_weights_that_do_not_fit_expect_one_line_with_key_and_shapes(tmp_path, width, depth, change, words):
    file = saved(tmp_path / "resnet.pth", Network.of(TINY), change)
    with pytest.raises(DataError) as raised:
        begin_with(Network(depth, "kuo2019", width, False), read_weights(file))
    assert str(raised.value) == f"{file}: {words}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return standin.write(tmp_path_factory.mktemp("data") / "standin", patients=24, size=32, seed=1)


def begin(data, tmp_path, file, **more):
    """What member 0 begins with."""
    run, truth = Run(tmp_path / "out"), read_truth(data)
    settings = Settings(**(asdict(TINY) | more))
    job = TrainJob(data, run.cache, run.trained(0), settings, 0, file, 1, "cpu", 0)
    return train.start(job, truth, draw_bag(truth.patient_count, 1, 0))


def test_given_what_pretrain_wrote_expect_its_scale_only_with_its_head(data, tmp_path):
    given = Network.of(TINY)
    file = tmp_path / "start.pt"
    torch.save({"state": given.state_dict(), "mean": 33.0, "std": 11.0, "settings": asdict(TINY)}, file)
    network, mean, std, begun = begin(data, tmp_path, file)
    assert same_trunk(network, given) and torch.equal(network.head[7].weight, given.head[7].weight)
    assert (mean, std, begun) == (33.0, 11.0, "start.pt")
    network, mean, _, begun = begin(data, tmp_path, file, length_input=True)
    assert same_trunk(network, given) and begun == "start.pt, but not all of the head"
    # Its last layer fits, but speaks of what its first one no longer says.
    assert mean != 33.0 and not torch.equal(network.head[7].weight, given.head[7].weight)


def test_given_torchvision_expect_torchs_own_copy_or_a_line_that_says_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_):
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    place = tmp_path / "hub/checkpoints/resnet50-0676ba61.pth"
    with pytest.raises(DataError) as raised:
        weights.find(Settings(depth=50, init_weights="torchvision"))
    words = f"put https://download.pytorch.org/models/{place.name} at {place}, or say --init-weights FILE, or none"
    assert str(raised.value).endswith(words) and "\n" not in str(raised.value)
    place.write_bytes(b"cut sho")
    with pytest.raises(DataError, match=r"resnet50-0676ba61.pth: is cut short, or is not https"):
        weights.find(Settings(depth=50, init_weights="torchvision"))
    saved(place, Network.of(TINY))
    monkeypatch.setattr(weights, "PUBLISHED", {50: weights.digest_of(place)[:8]})
    place = place.rename(place.with_name(f"resnet50-{weights.PUBLISHED[50]}.pth"))
    found = weights.find(Settings(depth=50, width=0.125, init_weights="torchvision"))
    assert found == (place, weights.digest_of(place))


def test_given_a_run_expect_its_network_and_weights_kept_and_others_refused(data, tmp_path, monkeypatch):
    def in_process(function, jobs, _workers, _threads=1):
        yield from [workers.call(function, job) for job in jobs]

    monkeypatch.setattr(cli, "run_jobs", in_process)
    file, other = (saved(tmp_path / name, Network.of(TINY)) for name in ("a.pth", "b.pth"))
    out = tmp_path / "out"
    tiny = ["train", data, out, "--size=32", "--depth=50", "--width=0.125", "--epochs=1", "--batch=16", "--members=1"]
    tiny += ["--length-input", "--device=cpu", "--slurm=off", "--precision=float32"]

    def call(*more):
        args = cli.arguments().parse_args([str(one) for one in [*tiny, *more]])
        args.function(args)

    with pytest.raises(DataError, match="conv1.weight is 8 x 3 x 7 x 7"):
        call("--width=0.25", f"--init-weights={file}")
    # What did not fit has settled nothing.
    call(f"--init-weights={file}")
    state = torch.load(Run(out).trained(0), weights_only=True)
    assert state["begun"] == "a.pth, but not all of the head" and Settings.of(state["settings"]).depth == 50
    assert state["settings"]["init_weights"] == weights.digest_of(file)
    assert np.isfinite(state["history"][-1]["loss"])
    call(f"--init-weights={file}")
    refused = [([f"--init-weights={other}"], "init_weights"), (["--init-weights=none"], "init_weights")]
    refused += [([f"--init-weights={file}", "--head=small"], "head")]
    for more, name in refused:
        with pytest.raises(DataError, match=f"begun with other {name}: go on as then"):
            call(*more)
