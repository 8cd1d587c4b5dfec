"""Given boosters that XGBoost 0.72.1 pickled, expect its own predictions; given other pickles, nothing executed."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from sonogfr_training import boosters, trees
from sonogfr_training.data import DataError

FIXTURES = Path(__file__).parent / "fixtures"
FEATURES = 2048


def said(member: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [64, 2048] and what XGBoost 0.72.1 said of them; `make_boosters.py` wrote both."""
    stored = np.load(FIXTURES / "boosters_said.npz")
    features = np.zeros((64, FEATURES), np.float32)
    features[:, stored[f"columns_{member}"]] = stored[f"features_{member}"]
    return features, stored[f"p_{member}"]


@pytest.mark.parametrize("member", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_given_a_pickled_booster_expect_the_probabilities_that_the_old_xgboost_gave(tmp_path, member, turned):
    booster = boosters.read_booster(FIXTURES / f"xgb_{member}.pickle.dat", FEATURES)
    (tmp_path / "trees.json").write_text(boosters.to_json(booster, turned))
    features, p = said(member)
    now = trees.probabilities(trees.load_trees(tmp_path / "trees.json"), features)
    assert now == pytest.approx(1 - p if turned else p, abs=1e-6)
    assert p.min() < 0.1 and p.max() > 0.9


def pickled(**state) -> bytes:
    """A pickle of XGBoost's class with the fixture's state but for `state`."""
    return b"\x80\x02cxgboost.core\nBooster\n)\x81" + pickle.dumps(looked_into().__dict__ | state, 2)[2:-1] + b"b."


def looked_into() -> "Held":
    """The fixture's state, without XGBoost."""
    whole = (FIXTURES / "xgb_0.pickle.dat").read_bytes()
    return pickle.loads(whole.replace(b"xgboost.core\nBooster", b"test_boosters\nHeld"))


class Held:
    """Takes the class's place while a test looks into a pickle."""


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def model(change) -> bytes:
    """A pickle whose model's bytes are changed."""
    return pickled(handle=bytearray(change(bytes(looked_into().handle))))


BAD = [
    (lambda: b"", "is no pickled booster, or is cut off"),
    (lambda: b"no pickle", "is no pickled booster, or is cut off"),
    (lambda: (FIXTURES / "xgb_0.pickle.dat").read_bytes()[:4000], "is no pickled booster, or is cut off"),
    (lambda: pickle.dumps({"handle": b"x"}), "is no pickled booster"),
    (lambda: pickle.dumps(Evil()), "asks for posix.system, which no booster needs"),
    (lambda: pickled(handle=None), "is no pickled booster"),
    (lambda: pickled(feature_names=None), "names no features"),
    (lambda: pickled(feature_names=["age"] * 12), "takes 'age', which names no pooled feature"),
    (
        lambda: pickled(feature_names=[f"f{n}" for n in range(2037, 2049)]),
        "takes 'f2048', and the network has 0 to 2047",
    ),
    (lambda: pickled(feature_names=["f7"] * 12), "names a feature twice"),
    (lambda: pickled(feature_names=["f7"]), "has 12 columns and names 1"),
    (lambda: model(lambda raw: raw[:1000]), "its model is cut off"),
    (
        lambda: model(lambda raw: raw.replace(b"binary:logistic", b"reg:linear\0\0\0\0\0")),
        "not 'binary:logistic' by 'gbtree'",
    ),
    (lambda: model(lambda raw: b"\0\0\xc0\x7f" + raw[4:]), "its base score is no number"),
]


@pytest.mark.parametrize("make, words", BAD)
def test_given_another_file_expect_it_refused_in_a_line_and_nothing_executed(tmp_path, monkeypatch, make, words):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "xgb_0.pickle.dat"
    file.write_bytes(make())
    with pytest.raises(DataError) as raised:
        boosters.read_booster(file, FEATURES)
    assert words in str(raised.value) and "\n" not in str(raised.value)
    assert os.listdir(tmp_path) == [file.name]


def test_given_any_byte_of_the_model_changed_expect_a_booster_or_a_clear_error():
    whole = looked_into().handle
    rng = np.random.default_rng(1)
    for _ in range(300):
        raw = bytearray(whole)
        raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
        try:
            booster = boosters._parsed(bytes(raw), list(range(12)))
        except DataError:
            continue
        assert json.loads(boosters.to_json(booster, False))["learner"]["feature_names"]
