"""How good predictions are, by the measures of the eGFR field. Numbers in, numbers out."""

import numpy as np

# Source: KDIGO 2012, chapter 1: lower ends of G4, G3b, G3a, G2, G1.
STAGE_EDGES = (15.0, 30.0, 45.0, 60.0, 90.0)


def auc(label: np.ndarray, score: np.ndarray) -> float | None:
    """Area under the ROC curve: how often a 1 scores above a 0, ties half; none where one of the two is missing."""
    ones, zeros = score[label > 0], np.sort(score[label == 0])
    if len(ones) == 0 or len(zeros) == 0:
        return None
    below = np.searchsorted(zeros, ones, "left") + np.searchsorted(zeros, ones, "right")
    return float(below.mean() / 2 / len(zeros))


def agreement(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """r, slope, and the rest in mL/min/1.73 m2 or as shares; bias and IQR are those of predicted - true."""
    error = predicted.astype(np.float64) - truth
    quarter, three_quarters = np.percentile(error, [25, 75])
    stage = lambda egfr: np.digitize(egfr, STAGE_EDGES)  # noqa: E731
    return {
        "r": float(np.corrcoef(predicted, truth)[0, 1]),
        "mae": float(np.abs(error).mean()),
        "bias": float(np.median(error)),
        "iqr": float(three_quarters - quarter),
        "p30": float((np.abs(error) <= 0.3 * truth).mean()),
        "p10": float((np.abs(error) <= 0.1 * truth).mean()),
        "stage": float((stage(predicted) == stage(truth)).mean()),
        "slope": float(np.polyfit(truth, predicted, 1)[0]),
    }


def calibration(p: np.ndarray, label: np.ndarray, bins: int = 5) -> list[dict[str, float]]:
    """By equal bins of probability: mean probability, share of ones and count; empty bins are left out."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    return [
        {"said": float(p[which == b].mean()), "was": float(label[which == b].mean()), "count": int((which == b).sum())}
        for b in range(bins)
        if (which == b).any()
    ]
