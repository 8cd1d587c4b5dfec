"""The compiled tree tables of a built bundle -> what they say. Numbers in, numbers out.

As `src/trees.rs`, which says what the table is.
"""

import struct
from dataclasses import dataclass

import numpy as np

from .data import DataError

MAGIC, VERSION = b"SGTT", 1
MISSING_RIGHT = 1 << 15
NODE = np.dtype([("number", "<f4"), ("child", "<u2"), ("feature", "<u2")])


@dataclass(frozen=True)
class Table:
    """The trees of one member."""

    margin: np.float32
    """What is added to the leaves' sum, log-odds."""
    trees: list[np.ndarray]
    """The nodes of each tree, of type `NODE`."""

    @classmethod
    def read(cls, name: str, table: bytes) -> "Table":
        """Errors: another version, cut short, or children that do not come after their parents within their tree."""
        try:
            magic, version, _, margin, count = struct.unpack_from("<4sHHfI", table)
            sizes = np.frombuffer(table, "<u4", count, 16).astype(int)
            nodes = np.frombuffer(table, NODE, sizes.sum(), 16 + 4 * count)
        except (struct.error, ValueError) as error:
            raise DataError(f"{name}: is cut short, or no table of trees") from error
        trees = np.split(nodes, np.cumsum(sizes)[:-1])
        if (magic, version) != (MAGIC, VERSION) or not all(map(_ends, trees)):
            raise DataError(f"{name}: is no table of trees of version {VERSION}")
        return cls(np.float32(margin), trees)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """[n] float32, probability of eGFR < 60 by features [n, f]; trees are added in the board's order."""
        log_odds = np.full(len(features), self.margin, np.float32)
        for tree in self.trees:
            log_odds += _leaves(tree, features)
        return 1 / (np.exp(np.minimum(-log_odds, np.float32(88.7))) + np.float32(1))


def _ends(tree: np.ndarray) -> bool:
    """Whether every way through `tree` reaches a leaf."""
    child, place = tree["child"].astype(int), np.arange(len(tree))
    return len(tree) > 0 and bool(((child == 0) | ((child > place) & (child + 1 < len(tree)))).all())


def _leaves(tree: np.ndarray, features: np.ndarray) -> np.ndarray:
    """[n] float32, the leaf that each row of features reaches."""
    place, rows = np.zeros(len(features), int), np.arange(len(features))
    while (inner := tree["child"][place] != 0).any():
        node = tree[place]
        value = features[rows, node["feature"] & ~np.uint16(MISSING_RIGHT)]
        right = np.where(np.isnan(value), node["feature"] >= MISSING_RIGHT, value >= node["number"])
        place = np.where(inner, node["child"].astype(int) + right, place)
    return tree["number"][place]
