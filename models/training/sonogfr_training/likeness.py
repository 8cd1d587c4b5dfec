"""What a member's features of its training pictures are like, and how far from that others are.
Numbers in, numbers out.

As `src/likeness.rs`, which says what the distance is.
"""

import numpy as np

# Of 8, 16 and 32 axes, 16 told most foreign pictures at the same share of phantoms refused.
AXES = 16
# Enough to hold the distance to a thousandth; the manifest is text.
DIGITS = 6


def learn(features: np.ndarray, weight: np.ndarray) -> dict:
    """The manifest's "likeness" of features [k, f], each weighted [k], as a member drew them."""
    share = (weight / weight.sum())[:, None]
    mean = (features * share).sum(axis=0, dtype=np.float64)
    beyond = features - mean
    _, _, axes = np.linalg.svd(beyond * np.sqrt(share), full_matrices=False)
    # One axis fewer than there are features or pictures, so that something is left beyond them.
    axes = axes[: max(min(AXES, features.shape[1] - 1, len(features) // 2 - 1), 0)]
    beyond = beyond - (beyond @ axes.T) @ axes
    rest = np.sqrt((beyond**2 * share).sum())
    digits = lambda values: [float(f"{value:.{DIGITS}g}") for value in values]  # noqa: E731
    return {
        "mean": digits(mean), "axes": [digits(axis) for axis in axes], "rest": float(f"{max(rest, 1e-6):.{DIGITS}g}"),
        "count": len(features),
    }  # fmt: skip


def distances(likeness: dict, features: np.ndarray) -> np.ndarray:
    """[n] float32 of features [n, f]; about 1 for pictures like the training's."""
    beyond = features.astype(np.float32) - np.array(likeness["mean"], np.float32)
    if likeness["axes"]:
        axes = np.array(likeness["axes"], np.float32)
        beyond = beyond - (beyond @ axes.T) @ axes
    return np.sqrt((beyond**2).sum(axis=1)) / np.float32(likeness["rest"])
