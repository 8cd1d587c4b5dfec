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
# "Likely" must have been right this often among the patients it was said of, "unlikely" likewise.
PREDICTIVE_VALUE = 0.9
WORD_COUNT_MIN = 30
# Between them "uncertain" is always left some room.
LIKELY_MIN, UNLIKELY_MAX = 0.55, 0.45
# Most members saw each training patient, so they agree on these better than on a stranger: their 99.9th percentile is
# taken half as large again.
SPREAD_PERCENTILE, SPREAD_MARGIN = 99.9, 1.5


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
    """The smallest p >= `start` from which on at least `PREDICTIVE_VALUE` of the patients above are `right`.

    1 where there is none: the word is then never said but at certainty.
    """
    order = np.argsort(-p)
    ordered, count = p[order], np.arange(1, len(p) + 1)
    value = np.cumsum(right[order]) / count
    # Patients of the same p stand or fall together.
    last_of_tie = np.append(ordered[1:] < ordered[:-1], True)
    good = last_of_tie & (value >= PREDICTIVE_VALUE) & (count >= WORD_COUNT_MIN) & (ordered >= start)
    return float(ordered[good].min()) if good.any() else 1.0


def proven_lengths(length_cm: np.ndarray) -> list[float]:
    """[low, high] in cm: all lengths of the data but the outermost, rounded outward to a tenth."""
    low, high = np.percentile(length_cm, LENGTH_PERCENTILES)
    return [float(np.floor(low * 10) / 10), float(np.ceil(high * 10) / 10)]


def rules(oob: OutOfBag, spread: np.ndarray, length_cm: np.ndarray | None) -> dict:
    """The manifest's "rules"; `spread` [k] is the deviation of all members' eGFR on each of k pictures, and
    `length_cm` [k] are these pictures' lengths where the members take them."""
    low, high = reportable(oob.egfr)
    # Rounded away from the middle, so that the promise made of the limit still holds.
    likely = np.ceil(word_limit(oob.p_ckd, oob.ckd, LIKELY_MIN) * 1000) / 1000
    unlikely = np.floor((1 - word_limit(1 - oob.p_ckd, 1 - oob.ckd, 1 - UNLIKELY_MAX)) * 1000) / 1000
    return {
        "coverage": COVERAGE,
        "intervals": interval_table(oob, high),
        "reportable": [low, high],
        "likely_from": float(min(likely, 1.0)),
        "unlikely_to": float(max(unlikely, 0.0)),
        "spread_limit": round(float(np.percentile(spread, SPREAD_PERCENTILE)) * SPREAD_MARGIN, 2),
    } | ({} if length_cm is None else {"length_cm": proven_lengths(length_cm)})
