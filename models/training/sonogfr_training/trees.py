"""Boosted trees on a member's pooled features: the probability of eGFR < 60. Runs in a worker without torch.

The features are those of the int8 network, which is what the board runs.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import xgboost
from tqdm import tqdm

from . import likeness
from .boosters import read_booster, to_json
from .data import DataError, Truth, draw_bag, halves, inputs, load_crops, read_truth
from .metrics import auc
from .runs import ImportJob, MemberJob
from .store import read_json, write_json, write_whole
from .tables import Table

FEATURES_KEPT = 48
ROUNDS_MAX = 200
EARLY_STOPPING = 30
PARAMETERS = {
    "objective": "binary:logistic", "eval_metric": "logloss", "eta": 0.08, "max_depth": 3, "min_child_weight": 10,
    "subsample": 0.7, "colsample_bytree": 0.5, "lambda": 2.0, "nthread": 1,
    # The log-odds from which the trees' sum starts are 0, so that no engine has to know about them.
    "base_score": 0.5,
}  # fmt: skip


def run_network(
    network: Path | bytes, crops: np.ndarray, length_cm: np.ndarray | None, line: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """eGFR [n] float32 in mL/min/1.73 m2, and what the trees see of n crops: pooled features [n, feature_count]
    float32 with the length, where the network takes it, as one more column."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    name = "/".join(network.parts[-2:]) if isinstance(network, Path) else "changed network"
    bar = tqdm(inputs(crops, length_cm), name, len(crops), unit="picture", position=line, leave=False)
    egfr, features = zip(*[session.run(["egfr", "features"], picture) for picture in bar])
    known = [np.concatenate(features)] + ([] if length_cm is None else [length_cm[:, None]])
    return np.concatenate(egfr)[:, 0], np.concatenate(known, axis=1)


def run_member(job: MemberJob, network: Path, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """`run_network` on all pictures of `truth`."""
    crops = load_crops(truth, job.settings.size, job.run.cache)
    return run_network(network, crops, truth.length_cm if job.settings.length_input else None, job.line)


def _matrix(features: np.ndarray, columns: np.ndarray, **more) -> xgboost.DMatrix:
    return xgboost.DMatrix(features[:, columns], feature_names=[f"f{column}" for column in columns], **more)


def grow(
    training: tuple[np.ndarray, np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], seed: int
) -> xgboost.Booster:
    """Grows trees on (features [n, f], label [n], weight [n]), stopped early by (features [m, f], label [m]).

    The label is 1 where eGFR < 60. First on all features, then on the `FEATURES_KEPT` of the largest gain; every
    tree in the result counts.
    """
    columns = np.arange(training[0].shape[1])
    for _ in range(2):
        train = _matrix(training[0], columns, label=training[1], weight=training[2])
        stop = _matrix(validation[0], columns, label=validation[1])
        booster = xgboost.train(
            PARAMETERS | {"seed": seed}, train, ROUNDS_MAX, evals=[(stop, "stop")],
            early_stopping_rounds=EARLY_STOPPING, verbose_eval=False,
        )  # fmt: skip
        gain = booster.get_score(importance_type="total_gain")
        columns = np.sort([int(name[1:]) for name in sorted(gain, key=gain.get, reverse=True)[:FEATURES_KEPT]])
        if len(columns) == 0:
            raise DataError("no feature tells eGFR < 60 from the rest: too few patients, or nothing learnt")
    return booster[: booster.best_iteration + 1]


def probabilities(booster: xgboost.Booster, features: np.ndarray) -> np.ndarray:
    """[n] float32, probability of eGFR < 60."""
    return booster.predict(_matrix(features, np.array([int(name[1:]) for name in booster.feature_names])))


def load_trees(path: Path) -> xgboost.Booster:
    """Reads what `grow_member` wrote."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    return booster


def weights(truth: Truth, drawn: np.ndarray) -> np.ndarray:
    """[n] how often each picture's patient was drawn, shared among the patient's pictures."""
    times = np.bincount(drawn, minlength=truth.patient_count)
    share = np.array([len(own) for own in truth.pictures])
    return (times / share)[truth.patient]


def grow_member(job: MemberJob) -> str:
    """Runs the int8 network over all crops, grows its trees, and writes the trees and what both said of every crop."""
    truth, seed = read_truth(job.data), job.settings.seed
    egfr, features = run_member(job, job.run.network(job.member), truth)
    bag = draw_bag(truth.patient_count, seed, job.member)
    weight = weights(truth, bag.drawn)
    training, stop = np.flatnonzero(weight), truth.longest[bag.left_out]
    booster = grow(
        (features[training], truth.ckd[training], weight[training]), (features[stop], truth.ckd[stop]),
        seed * 1000 + job.member,
    )  # fmt: skip
    p_ckd = probabilities(booster, features)
    write_whole(job.run.trees(job.member), lambda draft: booster.save_model(draft))
    own = pooled(features, job)
    like = likeness.learn(own[training], weight[training])
    write_json(job.run.likeness(job.member), like)
    distance = likeness.distances(like, own)
    # Last: where it stands, all of the member does.
    write_whole(job.run.outputs(job.member), lambda draft: np.savez(draft, egfr=egfr, p_ckd=p_ckd, distance=distance))
    label = truth.ckd[stop]
    return (
        f"{job.member}.json: {booster.num_boosted_rounds()} trees on {len(booster.feature_names)} features; left-out "
        f"patients AUC {auc(label, p_ckd[stop]) or float('nan'):.3f}, mean probability {p_ckd[stop].mean():.3f} where "
        f"the share is {label.mean():.3f}"
    )


def pooled(features: np.ndarray, job: MemberJob) -> np.ndarray:
    """The pooled features alone, without the length that the trees see beside them."""
    return features[:, :-1] if job.settings.length_input else features


def say_raw(job: ImportJob) -> str:
    """Runs an imported member over all crops and keeps what network and booster say of each, and how far it is from
    the pictures that gave int8's ranges."""
    truth = read_truth(job.data)
    egfr, features = run_member(job, job.run.network(job.member), truth)
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(to_json(read_booster(job.booster, features.shape[1]), turned=False).encode()))
    patients, _ = halves(truth.patient_count, job.settings.seed)
    known = features[np.isin(truth.patient, patients)]
    like = likeness.learn(known, np.ones(len(known)))
    write_json(job.run.likeness(job.member), like)
    said = {"egfr": egfr, "p": probabilities(booster, features), "distance": likeness.distances(like, features)}
    write_whole(job.run.raw_outputs(job.member), lambda draft: np.savez(draft, **said))
    return f"{job.booster.name}: {booster.num_boosted_rounds()} trees on {len(booster.feature_names)} features"


def evaluate_member(job: MemberJob) -> tuple[str, int, np.ndarray, np.ndarray, np.ndarray]:
    """(kind, member, eGFR [n], probability of eGFR < 60 [n], distance from the training pictures [n])."""
    network = job.run.network(job.member) if job.kind == "int8" else job.run.float_network(job.member)
    egfr, features = run_member(job, network, read_truth(job.data))
    table = job.run.table(job.member)
    if table.exists():
        p_ckd = Table.read(table.name, table.read_bytes()).probabilities(features)
    else:
        p_ckd = probabilities(load_trees(job.run.trees(job.member)), features)
    distance = likeness.distances(read_json(job.run.likeness(job.member)), pooled(features, job))
    return job.kind, job.member, egfr, p_ckd, distance
