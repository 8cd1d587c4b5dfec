"""A finished ensemble on data that it never saw, beside the best answers that the data allows.
Numbers in, numbers out."""

import numpy as np

from .calibrate import fitted
from .data import Truth
from .metrics import agreement, auc, calibration


def answer(
    rules: dict, egfr: np.ndarray, p_ckd: np.ndarray, distance: np.ndarray, length_cm: np.ndarray
) -> dict[str, np.ndarray]:
    """What the program would show for members' eGFR, probabilities and distances, [members, n] each, and n
    lengths; as `Rules::length` and `Rules::estimate`."""
    mean, p, spread = egfr.mean(axis=0), fitted(rules.get("probability"), p_ckd.mean(axis=0)), egfr.std(axis=0)
    low, high = rules["reportable"]
    shortest, longest = rules.get("length_cm", (-np.inf, np.inf))
    row = np.searchsorted([band["up_to"] for band in rules["intervals"]], mean)
    row = np.minimum(row, len(rules["intervals"]) - 1)
    offset = lambda side: np.array([band[side] for band in rules["intervals"]])[row]  # noqa: E731
    return {
        "egfr": mean, "p_ckd": p, "disagree": spread > rules["spread_limit"], "outside": (mean < low) | (mean > high),
        "unlike": distance.mean(axis=0) > rules.get("distance_limit", np.inf),
        "length_outside": (length_cm < shortest) | (length_cm > longest),
        "interval": np.stack([np.maximum(mean + offset("below"), 0), mean + offset("above")]),
        "likely": p >= rules["likely_from"], "unlikely": p <= rules["unlikely_to"],
    }  # fmt: skip


def _share(which: np.ndarray) -> float | None:
    return float(which.mean()) if which.size else None


def shown(said: dict[str, np.ndarray], truth: Truth, pictures: np.ndarray) -> dict:
    """How the answers that are shown hold: interval coverage and predictive values among these, and what is refused."""
    refused = said["disagree"] | said["outside"] | said["length_outside"] | said["unlike"]
    kept = pictures[~refused[pictures]]
    low, high = said["interval"][:, kept]
    inside = (truth.egfr[kept] >= low) & (truth.egfr[kept] <= high)
    likely, unlikely = kept[said["likely"][kept]], kept[said["unlikely"][kept]]
    return {
        "refused_disagree": _share(said["disagree"][pictures]), "refused_outside": _share(said["outside"][pictures]),
        "refused_length": _share(said["length_outside"][pictures]),
        "refused_unlike": _share(said["unlike"][pictures]),
        "coverage": _share(inside), "interval_width": float(np.median(high - low)) if kept.size else None,
        "said_likely": _share(said["likely"][kept]), "likely_right": _share(truth.ckd[likely]),
        "said_unlikely": _share(said["unlikely"][kept]), "unlikely_right": _share(1 - truth.ckd[unlikely]),
    }  # fmt: skip


def report(truth: Truth, rules: dict, outputs: dict[str, tuple[np.ndarray, ...]]) -> dict:
    """Figures of the oracle and of the ensembles in `outputs` (kind -> eGFR, probabilities, distances, [members, n]).

    "longest" takes each patient's picture with the longest kidney, as the paper did; "all" takes every picture.
    """
    said = {kind: answer(rules, *said, truth.length_cm) for kind, said in outputs.items()}
    answers = {kind: (one["egfr"], one["p_ckd"]) for kind, one in said.items()}
    if truth.oracle:
        answers["oracle"] = (truth.oracle["egfr"], truth.oracle["p_ckd"])
        answers["oracle_without_scale"] = (truth.oracle["egfr_without_scale"], truth.oracle["p_ckd_without_scale"])
    result: dict = {"patients": truth.patient_count, "pictures": len(truth.crop)}
    for subset, pictures in (("longest", truth.longest), ("all", np.arange(len(truth.crop)))):
        result[subset] = {
            who: agreement(egfr[pictures], truth.egfr[pictures]) | {"auc": auc(truth.ckd[pictures], p[pictures])}
            for who, (egfr, p) in answers.items()
        }
        result[subset]["shown"] = shown(said["int8"], truth, pictures)
    result["calibration"] = calibration(said["int8"]["p_ckd"], truth.ckd)
    if "float" in outputs:
        int8, whole = outputs["int8"], outputs["float"]
        result["int8_minus_float"] = {
            "egfr_largest": float(np.abs(said["int8"]["egfr"] - said["float"]["egfr"]).max()),
            "egfr_mean": float(np.abs(said["int8"]["egfr"] - said["float"]["egfr"]).mean()),
            "egfr_member_largest": float(np.abs(int8[0] - whole[0]).max()),
            "p_ckd_largest": float(np.abs(said["int8"]["p_ckd"] - said["float"]["p_ckd"]).max()),
        }
    return result


def rows(truth: Truth, rules: dict, outputs: tuple[np.ndarray, ...]) -> str:
    """What is shown of each picture beside its truth, as CSV for `sonogfr evaluate`; refused pictures are left out."""
    said = answer(rules, *outputs, truth.length_cm)
    kept = np.flatnonzero(~(said["disagree"] | said["outside"] | said["length_outside"] | said["unlike"]))
    low, high = said["interval"]
    line = lambda i: (  # noqa: E731
        f"{truth.egfr[i]:.3f},{said['egfr'][i]:.3f},{said['p_ckd'][i]:.5f},{low[i]:.3f},{high[i]:.3f},"
        f"{truth.names[truth.patient[i]]}"
    )
    return "\n".join(["true_egfr,pred_egfr,p_ckd,lo,hi,patient", *map(line, kept)]) + "\n"


def table(result: dict) -> str:
    """The report for a person to read."""
    lines = [f"{result['pictures']} pictures of {result['patients']} patients; eGFR in mL/min/1.73 m2"]
    columns = ["r", "mae", "bias", "iqr", "p30", "p10", "stage", "slope", "auc"]
    number = lambda value: "    none" if value is None else f"{value:8.3f}"  # noqa: E731
    for subset in ("longest", "all"):
        lines.append(f"\n{subset:>22}" + "".join(f"{column:>8}" for column in columns))
        for who, figures in result[subset].items():
            if who != "shown":
                lines.append(f"{who:>22}" + "".join(number(figures[column]) for column in columns))
        lines += [f"{key:>22}{number(value)}" for key, value in result[subset]["shown"].items()]
    lines.append("\nprobability of eGFR < 60: said, was, pictures")
    lines += [f"{row['said']:8.3f}{row['was']:8.3f}{row['count']:8d}" for row in result["calibration"]]
    lines += ["\nint8 - float"] if "int8_minus_float" in result else []
    lines += [f"{key:>22}{number(value)}" for key, value in result.get("int8_minus_float", {}).items()]
    return "\n".join(lines)
