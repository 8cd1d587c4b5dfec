"""A booster that XGBoost 0.72 pickled -> XGBoost's JSON of today, which XGBoost 3 and `sonogfr bundle build` read.

XGBoost itself gave up that binary form in 3.1, and a version that reads it runs on no Python of today. The pickle is
never executed: of all it might call, only what such a file holds is known here, and the booster's class is a bare one.
Always holds: the JSON predicts what XGBoost 0.72 did with all trees, or, turned, one minus that.

Source: XGBoost v0.72.1, src/learner.cc (`LearnerImpl::Load`), src/gbm/gbtree.cc and gbtree_model.h, include/xgboost/
tree_model.h (`RegTree::Load`), python-package/xgboost/core.py (`Booster.__getstate__`).
"""

import codecs
import io
import json
import pickle
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .data import DataError

FILE_BYTES_MAX = 64 << 20
OBJECTIVE, GBM = "binary:logistic", "gbtree"
# base_score, num_feature, num_class, contain_extra_attrs, contain_eval_metrics, reserved.
LEARNER = struct.Struct("<fIiii116x")
# num_trees, num_roots, num_feature, padding, num_pbuffer, num_output_group, size_leaf_vector, reserved.
FOREST = struct.Struct("<iiiiqii128x")
# num_roots, num_nodes, num_deleted, max_depth, num_feature, size_leaf_vector, reserved.
TREE = struct.Struct("<iiiiii124x")
NODE = np.dtype([("parent", "<i4"), ("left", "<i4"), ("right", "<i4"), ("split", "<u4"), ("value", "<f4")])
STATISTICS_BYTES = 16
DEFAULT_LEFT = 1 << 31
# As NumPy or pandas name columns: "f12", "12", "feature_12".
NAME = re.compile(r"[A-Za-z_]*?(\d+)")


class _Booster:
    """Stands in for XGBoost's class: it holds what was pickled and can do nothing."""


class _Unpickler(pickle.Unpickler):
    """Knows what a pickled booster is made of, and nothing else."""

    KNOWN = {
        ("xgboost.core", "Booster"): _Booster,
        ("builtins", "bytearray"): bytearray,
        ("__builtin__", "bytearray"): bytearray,
        ("_codecs", "encode"): codecs.encode,
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self.KNOWN:
            raise DataError(f"asks for {module}.{name}, which no booster needs: it is refused")
        return self.KNOWN[module, name]


@dataclass(frozen=True)
class Booster:
    """What a pickled booster says."""

    columns: list[int]
    """Which pooled feature each of its columns is."""
    margin: float
    """Log-odds from which the trees' sum starts."""
    trees: list[np.ndarray]
    """Of `NODE`, the root first, each node before its children."""

    @property
    def names(self) -> list[str]:
        return [f"f{column}" for column in self.columns]


def read_booster(path: Path, feature_count: int) -> Booster:
    """Reads a pickled booster. Errors: none such, cut off, another objective, features that the network has not."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise DataError(f"has more than {FILE_BYTES_MAX} bytes")
        held = _unpickled(path.read_bytes())
        columns = _columns(held.get("feature_names"), feature_count)
        return _parsed(bytes(held["handle"]), columns)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _unpickled(raw: bytes) -> dict:
    try:
        found = _Unpickler(io.BytesIO(raw)).load()
    except DataError:
        raise
    # A broken pickle may raise anything.
    except Exception as error:
        raise DataError("is no pickled booster, or is cut off") from error
    held = getattr(found, "__dict__", {})
    if not isinstance(found, _Booster) or not isinstance(held.get("handle"), (bytes, bytearray)):
        raise DataError("is no pickled booster")
    return held


def _columns(names, feature_count: int) -> list[int]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("names no features: which of the pooled ones it takes is unknown")
    found = [NAME.fullmatch(name) for name in names]
    unknown = [name for name, match in zip(names, found) if not match]
    if unknown:
        raise DataError(f"takes {unknown[0]!r}, which names no pooled feature")
    columns = [int(match[1]) for match in found]
    beyond = [name for name, column in zip(names, columns) if column >= feature_count]
    if beyond:
        raise DataError(f"takes {beyond[0]!r}, and the network has 0 to {feature_count - 1}")
    if len(set(columns)) != len(columns):
        raise DataError("names a feature twice")
    return columns


class _Bytes:
    """Reads from the front; what is missing is an error, not a zero."""

    def __init__(self, raw: bytes):
        self.left = memoryview(raw)

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self.left):
            raise DataError("its model is cut off")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def unpack(self, form: struct.Struct) -> tuple:
        return form.unpack(self.take(form.size))

    def text(self) -> str:
        (count,) = self.unpack(struct.Struct("<Q"))
        return bytes(self.take(count)).decode("ascii", "replace")


def _parsed(raw: bytes, columns: list[int]) -> Booster:
    data = _Bytes(raw)
    if raw[:4] == b"binf":
        data.take(4)
    margin, features, classes, _, _ = data.unpack(LEARNER)
    objective, gbm = data.text(), data.text()
    if (objective, gbm) != (OBJECTIVE, GBM) or classes > 1:
        raise DataError(f"is {objective!r} by {gbm!r}, not {OBJECTIVE!r} by {GBM!r}")
    count, roots, _, _, _, groups, leaf_vector = data.unpack(FOREST)
    if count < 1 or roots != 1 or groups != 1 or leaf_vector:
        raise DataError("its model is no forest with one output")
    if features > len(columns):
        raise DataError(f"has {features} columns and names {len(columns)}")
    trees = [_tree(data, len(columns)) for _ in range(count)]
    if not np.isfinite(margin):
        raise DataError("its base score is no number")
    return Booster(columns, float(margin), trees)


def _tree(data: _Bytes, columns: int) -> np.ndarray:
    """One tree, its pruned nodes left out. Errors: nodes that are no tree."""
    roots, count, _, _, _, leaf_vector = data.unpack(TREE)
    if roots != 1 or count < 1 or leaf_vector:
        raise DataError("its model holds a tree with several roots or outputs")
    nodes = np.frombuffer(data.take(count * NODE.itemsize), NODE)
    data.take(count * STATISTICS_BYTES)
    order, place = [0], {0: 0}
    for index in order:
        node = nodes[index]
        if not np.isfinite(node["value"]):
            raise DataError("its model holds a number that is none")
        if node["left"] == -1:
            continue
        if (node["split"] & ~np.uint32(DEFAULT_LEFT)) >= columns:
            raise DataError("its model splits by a column that is not named")
        for child in (int(node["left"]), int(node["right"])):
            if not 0 < child < count or child in place:
                raise DataError("its model holds nodes that are no tree")
            place[child] = len(order)
            order.append(child)
    kept = nodes[order].copy()
    split = kept["left"] != -1
    for side in ("left", "right"):
        kept[side][split] = [place[int(child)] for child in kept[side][split]]
        kept[side][~split] = -1
    return kept


def to_json(booster: Booster, turned: bool) -> str:
    """The model as XGBoost's JSON; `turned`, it gives one minus the probability: log-odds of the other sign, to the
    last bit."""
    sign = np.float32(-1 if turned else 1)
    trees = [_tree_json(index, tree, sign, len(booster.columns)) for index, tree in enumerate(booster.trees)]
    model = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(trees))},
        "iteration_indptr": list(range(len(trees) + 1)),
        "tree_info": [0] * len(trees),
        "trees": trees,
    }
    base = 1 / (1 + np.exp(-float(sign) * booster.margin))
    learner = {
        "attributes": {},
        "feature_names": booster.names,
        "feature_types": ["float"] * len(booster.columns),
        "gradient_booster": {"model": model, "name": GBM},
        "learner_model_param": {
            "base_score": repr(float(base)), "boost_from_average": "1", "num_class": "0",
            "num_feature": str(len(booster.columns)), "num_target": "1",
        },
        "objective": {"name": OBJECTIVE, "reg_loss_param": {"scale_pos_weight": "1"}},
    }  # fmt: skip
    return json.dumps({"learner": learner, "version": [3, 0, 0]}, allow_nan=False)


def _tree_json(index: int, tree: np.ndarray, sign: np.float32, columns: int) -> dict:
    count = len(tree)
    split = tree["left"] != -1
    parents = np.full(count, 2147483647)
    for side in ("left", "right"):
        parents[tree[side][split]] = np.flatnonzero(split)
    values = np.where(split, tree["value"], tree["value"] * sign)
    # float32's shortest decimal is read back as the same float32.
    numbers = [float(str(value)) for value in values]
    return {
        "base_weights": [0.0] * count, "categories": [], "categories_nodes": [], "categories_segments": [],
        "categories_sizes": [], "default_left": [int(s and n >= DEFAULT_LEFT) for s, n in zip(split, tree["split"])],
        "id": index, "left_children": tree["left"].tolist(), "loss_changes": [0.0] * count,
        "parents": parents.tolist(), "right_children": tree["right"].tolist(), "split_conditions": numbers,
        "split_indices": [int(n & ~np.uint32(DEFAULT_LEFT)) if s else 0 for s, n in zip(split, tree["split"])],
        "split_type": [0] * count, "sum_hessian": [0.0] * count,
        "tree_param": {
            "num_deleted": "0", "num_feature": str(columns), "num_nodes": str(count), "size_leaf_vector": "1",
        },
    }  # fmt: skip
