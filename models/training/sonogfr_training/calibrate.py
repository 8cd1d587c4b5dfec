"""Out-of-bag predictions -> the bundle's rules. Numbers in, numbers out.

A patient's out-of-bag prediction is the mean of the members that never drew the patient: one or two of ten as a
rule. It is thus rougher than the mean of ten that the board shows, and the intervals are rather too wide than too
narrow.
"""

from dataclasses import dataclass

import numpy as np

from .data import DataError

COVERAGE = 0.9
# Upper ends of the interval table's rows in mL/min/1.73 m2, joined where too few patients fall between.
# Source: KDIGO's categories, G1 and G2 once more divided.
BAND_EDGES = (15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 105.0)
BAND_COUNT_MIN = 100
# Percentiles of the predictions between which a number is shown; beyond, too few truths support one.
REPORTABLE_PERCENTILES = (1.0, 99.0)
REPORTABLE_STEP, REPORTABLE_MIN = 5.0, 5.0
# A length outside these percentiles of the data's is refused: a wrong scale, or a kidney unlike those that were learnt.
LENGTH_PERCENTILES = (0.1, 99.9)
# "Likely" is to be right this often among the patients it is said of, "unlikely" likewise.
PREDICTIVE_VALUE = 0.9
WORD_COUNT_MIN = 30
# Between them "uncertain" is always left some room.
LIKELY_MIN, UNLIKELY_MAX = 0.55, 0.45
# Most members saw each training patient, so they agree on these better than on a stranger: their 99.9th percentile is
# taken half as large again.
SPREAD_PERCENTILE, SPREAD_MARGIN = 99.9, 1.5
# A picture further from the training's than this percentile of patients' left-out pictures is refused: so are then
# about 0.5% of pictures like the training's.
DISTANCE_PERCENTILE = 99.5
# Fewer patients, or patients of one class, tell nothing of how right a probability is.
FIT_COUNT_MIN = 50


@dataclass(frozen=True)
class OutOfBag:
    """One picture of each of n patients whom at least one member never drew."""

    egfr: np.ndarray
    """[n] mean of those members, mL/min/1.73 m2."""
    p_ckd: np.ndarray
    """[n] mean of their probabilities of eGFR < 60."""
    truth: np.ndarray
    """[n] mL/min/1.73 m2."""
    ckd: np.ndarray
    """[n] 1 where the truth is below 60."""
    distance: np.ndarray | None = None
    """[n] mean distance from those members' training pictures, see likeness.py."""


def reportable(predicted: np.ndarray) -> list[float]:
    """[low, high] in mL/min/1.73 m2, rounded outward."""
    low, high = np.percentile(predicted, REPORTABLE_PERCENTILES)
    low = max(np.floor(low / REPORTABLE_STEP) * REPORTABLE_STEP, REPORTABLE_MIN)
    return [float(low), float(max(np.ceil(high / REPORTABLE_STEP) * REPORTABLE_STEP, low + REPORTABLE_STEP))]


def offsets(residuals: np.ndarray, coverage: float) -> tuple[float, float]:
    """The two offsets between which a new truth - prediction falls with probability `coverage` or more.

    Split-conformal, (1 - coverage) / 2 on each side. Errors: too few residuals for any offset to promise that.
    Source: Vovk, Gammerman, Shafer 2005; the rank (n + 1) * alpha makes the promise exact for finite n.
    """
    ordered, count = np.sort(residuals), len(residuals)
    # The small number keeps a whole rank whole in binary arithmetic.
    rank = int(np.floor((count + 1) * (1 - coverage) / 2 + 1e-9))
    if rank < 1:
        raise DataError(f"{count} patients are too few for intervals of coverage {coverage}")
    return min(float(ordered[rank - 1]), 0.0), max(float(ordered[count - rank]), 0.0)


def interval_table(oob: OutOfBag, high: float) -> list[dict]:
    """Rows of `IntervalBand` in src/estimate.rs, by rising "up_to", the last one reaching `high`."""
    edges = [*[edge for edge in BAND_EDGES if edge < high], high]
    groups, start = [], -np.inf
    for edge in edges:
        inside = (oob.egfr > start) & (oob.egfr <= edge)
        if inside.sum() >= BAND_COUNT_MIN:
            groups.append((start, edge))
            start = edge
    # What is left above the last full row joins it.
    first = groups.pop()[0] if groups else -np.inf
    groups.append((first, high))
    rows = []
    for low, up_to in groups:
        inside = (oob.egfr > low) & (oob.egfr <= up_to)
        below, above = offsets((oob.truth - oob.egfr)[inside], COVERAGE)
        rows.append({"up_to": up_to, "below": round(below, 2), "above": round(above, 2), "count": int(inside.sum())})
    return rows


def word_limit(p: np.ndarray, right: np.ndarray, start: float) -> float:
    """The smallest p >= `start` above which patients are `right` by at least `PREDICTIVE_VALUE` in the mean.

    1 where there is none: the word is then never said but at certainty.
    """
    order = np.argsort(-p)
    ordered, count = p[order], np.arange(1, len(p) + 1)
    value = np.cumsum(right[order]) / count
    # Patients of the same p stand or fall together.
    last_of_tie = np.append(ordered[1:] < ordered[:-1], True)
    good = last_of_tie & (value >= PREDICTIVE_VALUE) & (count >= WORD_COUNT_MIN) & (ordered >= start)
    return float(ordered[good].min()) if good.any() else 1.0


def fit_probability(p: np.ndarray, ckd: np.ndarray) -> dict | None:
    """The manifest's "probability": slope and intercept that make log-odds right; none where `p` must stay as it is,
    because patients are too few or the fit would not rise.

    Source: Platt 1999, with his targets, which keep few patients from making it certain; Newton's method after Lin,
    Lin, Weng 2007, Mach Learn 68:267.
    """
    ones, count = ckd.sum(), len(ckd)
    if count < FIT_COUNT_MIN or ones in (0, count):
        return None
    target = np.where(ckd > 0, (ones + 1) / (ones + 2), 1 / (count - ones + 2))
    x = np.stack([log_odds(p), np.ones(count)], axis=1)
    loss = lambda w: np.logaddexp(0, x @ w).sum() - (target * (x @ w)).sum()  # noqa: E731
    found = np.array([1.0, 0.0])
    for _ in range(100):
        said = 1 / (1 + np.exp(-(x @ found)))
        slope = x.T @ (said - target)
        step = np.linalg.solve((x * (said * (1 - said))[:, None]).T @ x + 1e-9 * np.eye(2), slope)
        size = 1.0
        while loss(found - size * step) > loss(found) and size > 1e-6:
            size /= 2
        found = found - size * step
        if np.abs(step).max() < 1e-9:
            break
    if not found[0] > 0:
        return None
    return {"slope": round(float(found[0]), 5), "intercept": round(float(found[1]), 5), "count": count}


def log_odds(p: np.ndarray) -> np.ndarray:
    """Of probabilities, those of 0 and 1 taken as float32's nearest."""
    p = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def fitted(fit: dict | None, p: np.ndarray) -> np.ndarray:
    """What `Rules::probability` makes of mean probabilities."""
    return p if fit is None else 1 / (1 + np.exp(-(fit["slope"] * log_odds(p) + fit["intercept"])))


def proven_lengths(length_cm: np.ndarray) -> list[float]:
    """[low, high] in cm: all lengths of the data but the outermost, rounded outward to a tenth."""
    low, high = np.percentile(length_cm, LENGTH_PERCENTILES)
    return [float(np.floor(low * 10) / 10), float(np.ceil(high * 10) / 10)]


def rules(oob: OutOfBag, spread: np.ndarray, length_cm: np.ndarray | None) -> dict:
    """The manifest's "rules"; `spread` [k] is the deviation of all members' eGFR on each of k pictures, and
    `length_cm` [k] are these pictures' lengths where the members take them."""
    low, high = reportable(oob.egfr)
    fit = fit_probability(oob.p_ckd, oob.ckd)
    # The words stand on what is shown.
    p_ckd = fitted(fit, oob.p_ckd)
    # A limit sought among single outcomes finds the luckiest: set so on 250 phantoms, "unlikely" was right in 88.5% of
    # others, 3.6% to either side; set by the probability made right, in 90.8%, 1.9% to either side (150 draws).
    right = oob.ckd if fit is None else p_ckd
    # Rounded away from the middle, so that the promise made of the limit still holds.
    likely = np.ceil(word_limit(p_ckd, right, LIKELY_MIN) * 1000) / 1000
    unlikely = np.floor((1 - word_limit(1 - p_ckd, 1 - right, 1 - UNLIKELY_MAX)) * 1000) / 1000
    # Absent where it says nothing: a program that does not know it still reads the bundle.
    optional = {} if length_cm is None else {"length_cm": proven_lengths(length_cm)}
    if fit is not None:
        optional["probability"] = fit
    if oob.distance is not None:
        optional["distance_limit"] = round(float(np.percentile(oob.distance, DISTANCE_PERCENTILE)), 3)
    return {
        "coverage": COVERAGE,
        "intervals": interval_table(oob, high),
        "reportable": [low, high],
        "likely_from": float(min(likely, 1.0)),
        "unlikely_to": float(max(unlikely, 0.0)),
        "spread_limit": round(float(np.percentile(spread, SPREAD_PERCENTILE)) * SPREAD_MARGIN, 2),
    } | optional  # fmt: skip
