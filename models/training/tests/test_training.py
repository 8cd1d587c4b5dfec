"""Given these patients, predictions or files, expect that."""

import datetime
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import standin
import torch

from sonogfr_training import bundle, calibrate, cli, export, likeness, metrics, trees, workers
from sonogfr_training.bundle import figures_of, gather
from sonogfr_training.data import DataError, draw_bag, load_crops, normalise, read_truth
from sonogfr_training.network import Network, fold_batch_norm, scale_length
from sonogfr_training.runs import Run, Settings, TrainJob
from sonogfr_training.train import Chance, augment, train_one


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return standin.write(tmp_path_factory.mktemp("data") / "standin", patients=24, size=32, seed=1)


def test_given_a_bag_expect_no_left_out_patient_in_training(data):
    truth = read_truth(data)
    for member in range(10):
        bag = draw_bag(truth.patient_count, seed=3, member=member)
        trained = set(truth.patient[bag.epoch(truth, np.random.default_rng(0))])
        assert trained == set(bag.drawn)
        assert trained.isdisjoint(bag.left_out)
        assert trained | set(bag.left_out) == set(range(truth.patient_count))
        assert set(truth.patient[trees.weights(truth, bag.drawn) > 0]) == trained


def test_given_many_patients_expect_a_seventh_left_out_and_bags_that_differ_and_repeat():
    bags = [draw_bag(4000, seed=1, member=member) for member in (0, 1, 0)]
    assert len(bags[0].drawn) == 8000
    assert len(bags[0].left_out) / 4000 == pytest.approx(np.exp(-2), abs=0.02)
    assert not np.array_equal(bags[0].drawn, bags[1].drawn)
    assert np.array_equal(bags[0].drawn, bags[2].drawn)


def test_given_several_pictures_expect_the_longest_kidney_to_validate(data):
    truth = read_truth(data)
    for patient, picture in enumerate(truth.longest):
        own = truth.patient == patient
        assert own[picture] and truth.length_cm[picture] == truth.length_cm[own].max()


@pytest.mark.parametrize("row", ["{", "[]", '{"crop":"a"}', '{"crop":"a","patient":"P","egfr":NaN,"length_cm":9}', ""])
def test_given_a_broken_truth_expect_a_clear_error(tmp_path, row):
    (tmp_path / "truth.jsonl").write_text(row + "\n")
    with pytest.raises(DataError, match="truth.jsonl"):
        read_truth(tmp_path)


def test_given_crops_of_another_size_expect_an_error_and_no_resize(data):
    with pytest.raises(DataError, match="32 x 32, not 64 x 64"):
        load_crops(read_truth(data), 64)


def test_given_augmented_crops_expect_markers_still_yellow():
    crops = np.zeros((8, 32, 32, 3), np.uint8)
    crops[:, 8:24, 8:24] = (255, 255, 0)
    grey = augment(torch.from_numpy(crops), Chance(torch.device("cpu"), 1))
    grey *= torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    grey += torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    assert grey.shape == (8, 3, 32, 32)
    red, green, blue = grey[:, :, 10:22, 10:22].mean(dim=(0, 2, 3)).tolist()
    assert red == pytest.approx(green, abs=1e-4) and red - blue > 0.7


def test_given_low_egfr_expect_a_high_probability_and_never_the_reverse(tmp_path):
    rng = np.random.default_rng(5)
    egfr = rng.uniform(5, 115, 900)
    features = rng.normal(size=(900, 70)).astype(np.float32)
    features[:, 7] = egfr / 30 + rng.normal(size=900) / 3
    label = (egfr < 60).astype(np.float32)
    booster = trees.grow((features[:600], label[:600], np.ones(600)), (features[600:750], label[600:750]), seed=1)
    booster.save_model(tmp_path / "0.json")
    p = trees.probabilities(trees.load_trees(tmp_path / "0.json"), features[750:])
    assert p[egfr[750:] < 30].min() > 0.8 and p[egfr[750:] > 95].max() < 0.2
    saved = json.loads((tmp_path / "0.json").read_text())["learner"]
    assert len(saved["feature_names"]) == trees.FEATURES_KEPT and "f7" in saved["feature_names"]
    # Every tree of the file counts, and their sum starts at log-odds 0.
    logit = booster.inplace_predict(features[750:, [int(n[1:]) for n in saved["feature_names"]]], predict_type="margin")
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(p, abs=1e-6)
    assert len(saved["gradient_booster"]["model"]["trees"]) == booster.num_boosted_rounds() < trees.ROUNDS_MAX
    assert float(saved["learner_model_param"]["base_score"].strip("[]")) == 0.5


def test_given_new_patients_expect_the_intervals_to_hold_nine_tenths():
    rng = np.random.default_rng(2)

    def draw(count):
        egfr = rng.uniform(0, 120, count)
        return egfr, np.maximum(egfr + rng.gamma(2, 3 + egfr / 12) - 10, 1)

    predicted, truth = draw(3000)
    oob = calibrate.OutOfBag(predicted, np.full(3000, 0.5), truth, truth < 60)
    table = calibrate.interval_table(oob, high=120.0)
    predicted, truth = draw(20000)
    row = np.searchsorted([band["up_to"] for band in table], predicted)
    for index, band in enumerate(table):
        error = (truth - predicted)[row == index]
        assert ((error >= band["below"]) & (error <= band["above"])).mean() == pytest.approx(0.9, abs=0.035)


def test_given_few_patients_in_a_band_expect_it_joined_with_the_next():
    predicted = np.concatenate([np.full(50, 10.0), np.full(60, 20.0), np.full(150, 50.0), np.full(20, 100.0)])
    oob = calibrate.OutOfBag(predicted, predicted * 0, predicted, predicted < 60)
    rows = [(band["up_to"], band["count"]) for band in calibrate.interval_table(oob, high=110.0)]
    assert rows == [(30.0, 110), (110.0, 170)]
    with pytest.raises(DataError, match="too few"):
        calibrate.offsets(np.zeros(18), 0.9)
    assert calibrate.offsets(np.arange(19) - 9.0, 0.9) == (-9.0, 9.0)


def test_given_probabilities_expect_words_that_are_right_nine_times_in_ten():
    rng = np.random.default_rng(4)
    p = rng.uniform(size=5000)
    ckd = (rng.uniform(size=5000) < p).astype(float)
    oob = calibrate.OutOfBag(60 + p, p, np.full(5000, 60.0), ckd)
    rules = calibrate.rules(oob, np.full(9, 4.0), np.arange(7.0, 14.0))
    shown = calibrate.fitted(rules["probability"], p)
    likely, unlikely = shown >= rules["likely_from"], shown <= rules["unlikely_to"]
    assert ckd[likely].mean() >= 0.9 and ckd[unlikely].mean() <= 0.1
    assert 0.75 < rules["likely_from"] < 0.85 and 0.15 < rules["unlikely_to"] < 0.25
    # The program's own check, `Rules::check` in src/estimate.rs.
    assert rules["intervals"][-1]["up_to"] >= rules["reportable"][1] > rules["reportable"][0]
    assert all(band["below"] <= 0 <= band["above"] for band in rules["intervals"])
    assert rules["length_cm"] == [7.0, 13.0]
    assert rules["spread_limit"] == 6.0 and rules["reportable"] == [60.0, 65.0]
    # Where no probability carries the word, it is kept for certainty.
    assert calibrate.word_limit(p, np.zeros(5000), 0.55) == 1.0


def test_given_probabilities_that_are_too_sure_expect_a_fit_that_makes_them_right_and_keeps_their_order():
    rng = np.random.default_rng(3)
    log_odds = rng.normal(0.3, 1.5, 4000)
    ckd = (rng.uniform(size=4000) < 1 / (1 + np.exp(-log_odds))).astype(float)
    sure = 1 / (1 + np.exp(-(2 * log_odds - 1)))
    fit = calibrate.fit_probability(sure, ckd)
    assert fit["slope"] == pytest.approx(0.5, abs=0.04) and fit["intercept"] == pytest.approx(0.5, abs=0.1)
    assert fit["count"] == 4000
    right = calibrate.fitted(fit, sure)
    for row in metrics.calibration(right, ckd):
        assert row["said"] == pytest.approx(row["was"], abs=0.04)
    assert metrics.auc(ckd, right) == pytest.approx(metrics.auc(ckd, sure))
    assert calibrate.fitted(None, sure) is sure
    # Patients too few, of one class, or told the wrong way round: as it is said.
    assert calibrate.fit_probability(sure[:40], ckd[:40]) is None
    assert calibrate.fit_probability(sure, np.ones(4000)) is None
    assert calibrate.fit_probability(1 - sure, ckd) is None
    # As the program computes it: `ProbabilityFit::of` in src/estimate.rs and its test.
    by_hand = calibrate.fitted({"slope": 2.0, "intercept": -0.5, "count": 90}, np.array([0.8]))
    assert by_hand == pytest.approx(0.906581, abs=1e-6)


def test_given_foreign_features_expect_them_further_than_the_training_pictures():
    rng = np.random.default_rng(6)
    plane = rng.normal(size=(5, 40)).astype(np.float32)
    draw = lambda count: rng.normal(size=(count, 5)).astype(np.float32) @ plane * 3 + 2  # noqa: E731
    blur = lambda x: x + rng.normal(scale=0.1, size=x.shape).astype(np.float32)  # noqa: E731
    like = likeness.learn(blur(draw(400)), np.ones(400))
    near, far = likeness.distances(like, blur(draw(300))), likeness.distances(like, rng.normal(size=(300, 40)))
    assert near.mean() == pytest.approx(1, abs=0.1) and far.min() > 5 * near.max()
    axes = np.array(like["axes"])
    # The program's own check, `Likeness::fits` in src/likeness.rs.
    assert np.abs(axes @ axes.T - np.eye(len(axes))).max() < 1e-3 and like["rest"] > 0 and like["count"] == 400
    few = likeness.learn(blur(draw(4)), np.ones(4))
    assert len(few["axes"]) == 1 and np.isfinite(likeness.distances(few, blur(draw(9)))).all()


def test_given_distances_expect_a_limit_that_a_two_hundredth_of_such_pictures_is_beyond():
    distance = np.linspace(0.5, 1.5, 1001)
    oob = calibrate.OutOfBag(
        np.linspace(10, 110, 1001), distance / 2, np.linspace(10, 110, 1001), distance > 1, distance
    )
    rules = calibrate.rules(oob, np.full(9, 4.0), None)
    assert rules["distance_limit"] == 1.495 and "length_cm" not in rules


def test_given_ties_expect_half_of_each_in_the_auc():
    assert metrics.auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.5, 0.9])) == pytest.approx(0.875)
    assert metrics.auc(np.ones(3), np.ones(3)) is None


@pytest.mark.parametrize(
    "depth, head, length_input, convolutions",
    [(18, "small", False, 20), (18, "small", True, 20), (34, "kuo2019", False, 36), (50, "kuo2019", True, 53)],
)
def test_given_a_network_expect_the_same_numbers_from_plain_onnx_and_only_trunk_ops_in_int8(
    data, tmp_path, depth, head, length_input, convolutions
):
    torch.manual_seed(1)
    network, truth = Network(depth, head, 0.125, length_input), read_truth(data)
    crops, length = load_crops(truth, 32), truth.length_cm if length_input else None
    x = torch.from_numpy(normalise(crops)), None if length is None else scale_length(torch.from_numpy(length))
    # One pass in training mode gives the normalisations something to fold.
    network(*x)
    network.eval()
    plain, features = network(*x)
    network.fold_units(60.0, 25.0)
    model = export.to_onnx(fold_batch_norm(network), 32)
    assert {node.op_type for node in model.graph.node} == export.FLOAT_OPS - (set() if length_input else {"Concat"})
    onnx.save(model, tmp_path / "float.onnx")
    egfr, pooled = trees.run_network(tmp_path / "float.onnx", crops, length)
    assert egfr == pytest.approx(plain[:, 0].detach().numpy() * 25 + 60, abs=1e-2)
    assert pooled[:, : network.feature_count] == pytest.approx(features.detach().numpy(), abs=1e-3)
    if length_input:
        assert np.array_equal(pooled[:, network.feature_count :], truth.length_cm[:, None])
        longer, _ = trees.run_network(tmp_path / "float.onnx", crops, length + 2)
        assert np.abs(longer - egfr).min() > 0
    export.quantise(tmp_path / "float.onnx", tmp_path / "int8.onnx", crops[:20], length)
    quantised = onnx.load(tmp_path / "int8.onnx")
    assert export.check_int8(quantised)["Conv"] == convolutions
    weights = [
        onnx.numpy_helper.to_array(w) for w in quantised.graph.initializer if w.data_type == onnx.TensorProto.INT8
    ]
    assert (
        len([w for w in weights if w.ndim == 4]) == convolutions
        and min(w[w != 0].min() for w in weights if w.ndim == 4) >= -127
    )
    assert np.abs(trees.run_network(tmp_path / "int8.onnx", crops, length)[0] - egfr).max() < 5.0
    with pytest.raises(ValueError, match="not quantised"):
        export.check_int8(model)


def train_job(data, run, member):
    settings = Settings(size=32, depth=18, head="small", width=0.125, epochs=1, batch=16)
    return TrainJob(data, run.cache, run.trained(member), settings, member, None, 1, "cpu", 0)


def test_given_the_same_seed_expect_the_same_member(data, tmp_path):
    states = []
    for name in "ab":
        run = Run(tmp_path / name)
        train_one(train_job(data, run, 0))
        states.append(torch.load(run.trained(0), weights_only=True)["state"])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_given_one_class_expect_it_said_before_anything_is_trained(data, tmp_path):
    lines = (data / "truth.jsonl").read_text().splitlines(keepends=True)
    healthy = tmp_path / "healthy"
    healthy.mkdir()
    (healthy / "crops").symlink_to(data / "crops")
    (healthy / "truth.jsonl").write_text("".join(line for line in lines if json.loads(line)["egfr"] >= 60))
    args = cli.arguments().parse_args(["train", str(healthy), str(tmp_path / "out"), "--device=cpu", "--size=32"])
    with pytest.raises(DataError, match="all patients are on one side of eGFR 60"):
        args.function(args)
    assert not Run(tmp_path / "out").settings.exists()


def test_given_a_bag_that_leaves_nobody_out_expect_it_said(tmp_path):
    few = standin.write(tmp_path / "few", patients=2, size=32, seed=1)
    member = next(n for n in range(99) if len(draw_bag(2, 1, n).left_out) == 0)
    with pytest.raises(DataError, match="its bag holds all 2 patients: too few to validate on"):
        train_one(train_job(few, Run(tmp_path / "out"), member))
    assert not Run(tmp_path / "out").trained(member).exists()


def test_given_a_trained_member_expect_its_curves_for_tensorboard(data, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = Run(tmp_path)
    train_one(train_job(data, run, 0))
    curves = EventAccumulator(str(tmp_path / "tensorboard/member-0")).Reload()
    assert {"loss", "mae", "r", "pictures_per_s"} <= set(curves.Tags()["scalars"])
    history = torch.load(run.trained(0), weights_only=True)["history"]
    assert [point.value for point in curves.Scalars("mae")] == pytest.approx([row["mae"] for row in history])


def test_given_jobs_expect_each_in_a_process_of_its_own():
    import os

    pids = list(workers.run_jobs("test_training:pid_of", [1, 2], 1))
    assert len({*pids, os.getpid()}) == 3


def pid_of(_job):
    import os

    return os.getpid()


def test_given_a_clock_that_was_never_set_expect_no_card(monkeypatch):
    assert bundle.today() >= "2026"
    clock = SimpleNamespace(date=SimpleNamespace(today=lambda: datetime.date(1970, 1, 1)))
    monkeypatch.setattr(bundle, "datetime", clock)
    with pytest.raises(DataError, match="the clock says that it is before 2026"):
        bundle.today()


def test_given_members_expect_only_those_that_never_drew_a_patient_to_speak_of_it(data, tmp_path):
    truth = read_truth(data)
    bags = [draw_bag(truth.patient_count, 1, member) for member in range(4)]
    for member, bag in enumerate(bags):
        # A member says 0 of the patients it trained on, which must not reach the mean.
        unseen = np.isin(truth.patient, bag.left_out)
        np.savez(
            tmp_path / f"{member}.npz",
            egfr=np.where(unseen, truth.egfr, 0),
            p_ckd=np.where(unseen, truth.ckd, 9),
            distance=np.where(unseen, 1, 99),
        )
    oob, spread = gather(truth, [tmp_path / f"{member}.npz" for member in range(4)], seed=1)
    assert oob.egfr == pytest.approx(oob.truth) and oob.p_ckd == pytest.approx(oob.ckd)
    assert oob.distance == pytest.approx(1)
    assert len(oob.egfr) == len(np.unique(np.concatenate([bag.left_out for bag in bags])))
    assert len(spread) == len(truth.crop)


def test_given_the_programs_own_table_expect_the_cards_figures_to_be_those_it_prints():
    fixtures = Path(__file__).parents[3] / "tests/fixtures"
    table = np.genfromtxt(fixtures / "evaluation.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    truth, said, p = (table[name] for name in ("true_egfr", "pred_egfr", "p_ckd"))
    wanted = json.loads((fixtures / "evaluation.json").read_text())["figures"]
    figures = figures_of(calibrate.OutOfBag(said, p, truth, (truth < 60).astype(float)))
    assert set(figures) == {"pearson_r", "mae", "rmse", "bias", "iqr", "p30", "p10", "r2", "slope", "ccc", "auc"}
    assert figures == pytest.approx({name: wanted[name] for name in figures}, abs=1e-4)
