"""Exported members -> rules, card and manifest of the bundle. Runs anywhere: numpy only."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .calibrate import DISTANCE_PERCENTILE, PREDICTIVE_VALUE, SPREAD_MARGIN, SPREAD_PERCENTILE, OutOfBag, rules
from .data import MEAN, STD, DataError, Truth, draw_bag, halves, rng_of
from .metrics import agreement, auc
from .runs import Run
from .store import read_json, write_json

FORMAT = 1
# No bundle is older; as src/bundle/card.rs.
YEAR_MIN = 2026
HALF = "the other half of this data's patients"
"""Whose pictures the likeness is learnt from where the members themselves never saw the data."""


def left_out(truth: Truth, members: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of the k patients whom at least one member never drew, [k], and which members did not, [members, k].

    One random picture of each patient: patients, not pictures, are what the intervals' promise counts, and the board
    is not always shown the longest kidney.
    """
    unseen = np.zeros((members, truth.patient_count), bool)
    for member in range(members):
        unseen[member, draw_bag(truth.patient_count, seed, member).left_out] = True
    rng = rng_of(seed, 0, "out of bag")
    chosen = np.array([rng.choice(own) for own in truth.pictures])
    patients = np.flatnonzero(unseen.any(axis=0))
    return chosen[patients], unseen[:, patients]


def judges(truth: Truth, members: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One random picture of each patient who judges, [k], and that all members never saw any, [members, k]."""
    _, patients = halves(truth.patient_count, seed)
    rng = rng_of(seed, 0, "judges")
    chosen = np.array([rng.choice(truth.pictures[patient]) for patient in patients])
    if truth.ckd[chosen].min() == truth.ckd[chosen].max():
        raise DataError("all patients are on one side of eGFR 60: nothing to judge by")
    return chosen, np.ones((members, len(chosen)), bool)


def gather(truth: Truth, outputs: list[Path], seed: int) -> tuple[OutOfBag, np.ndarray]:
    """The out-of-bag predictions and the members' deviation on every picture, [n], mL/min/1.73 m2."""
    chosen, unseen = left_out(truth, len(outputs), seed)
    return out_of_bag(truth, outputs, chosen, unseen)


def out_of_bag(
    truth: Truth, outputs: list[Path], chosen: np.ndarray, unseen: np.ndarray
) -> tuple[OutOfBag, np.ndarray]:
    """The same for `chosen` pictures [k], by the members that are `unseen` to each, [members, k]."""
    said = [np.load(path) for path in outputs]
    egfr, p_ckd, distance = (np.stack([one[name] for one in said]) for name in ("egfr", "p_ckd", "distance"))
    mean = lambda values: np.average(values[:, chosen], axis=0, weights=unseen)  # noqa: E731
    oob = OutOfBag(mean(egfr), mean(p_ckd), truth.egfr[chosen], truth.ckd[chosen], mean(distance))
    return oob, egfr.std(axis=0)


@dataclass(frozen=True)
class Label:
    """What its maker says of a bundle."""

    name: str
    demonstration: bool
    note: str
    """For the card; empty where there is nothing to add."""


@dataclass(frozen=True)
class Making:
    """How the members came about and what they take."""

    method: str
    figures_from: str
    """Which patients and predictions the figures come from."""
    limits: str
    size: int
    feature_count: int
    length_input: bool
    hashes: dict[str, str]
    """SHA-256 of what the bundle was made from, by name; that of truth.jsonl is added."""
    int8: str
    """What is known of int8 against float."""
    likeness_from: str
    """Whose pictures the likeness was learnt from."""


def method_of(settings: dict, members: int) -> str:
    """How `train` makes members, for the card."""
    begun = "weights of a file" if settings["init_weights"] else "random weights"
    head = "the authors' head" if settings["head"] == "kuo2019" else "a small head"
    return (
        "after Kuo et al. 2019, npj Digital Medicine 2:29: tailored crop between the markers, "
        f"{members} members bagged by patient, boosted trees on pooled features for eGFR < 60. "
        f"ResNet-{settings['depth']} of width {settings['width']:g} with {head} at {settings['size']} px, "
        f"begun from {begun}, {settings['epochs']} epochs, seed {settings['seed']}; int8, pooling and head in float."
        + (" Head and trees also see the kidney's length in cm." if settings["length_input"] else "")
    )


def flow_of(truth: Truth) -> str:
    """What `prepare` left out, if it made the data."""
    prepared = truth.folder / "prepared.json"
    if prepared.exists():
        return read_json(prepared)["flow"]
    return f"not by prepare: {len(truth.crop)} pictures of {truth.patient_count} patients, as they were given"


def labels_of(truth: Truth) -> str:
    """Where the data's eGFR comes from, if `prepare` made it."""
    prepared = truth.folder / "prepared.json"
    if not prepared.exists():
        return ""
    how = read_json(prepared)
    term = "with" if how["race_term"] else "without"
    return f" eGFR by {how['formula']} {term} race term, creatinine within {how['days_max']} days."


def data_of(truth: Truth) -> str:
    """What the data is, in a sentence."""
    kind = "SYNTHETIC pictures (phantoms)" if truth.oracle else "pictures"
    return (
        f"{len(truth.crop)} {kind} of {truth.patient_count} patients; eGFR {truth.egfr.min():.0f} to "
        f"{truth.egfr.max():.0f}, median {np.median(truth.egfr):.0f} mL/min/1.73 m2; below 60: {truth.ckd.mean():.0%}."
        + labels_of(truth)
    )


LIMITS = (
    "the number hangs toward the mean: low eGFR is overestimated, high underestimated. Pictures unlike the data are "
    "refused by their features, which does not see every difference. Words and probability hold at the data's own "
    "share of eGFR < 60."
)
STOPPED = " The trees were stopped by the patients left out, so that their out-of-bag figures are slightly too good."


def figures_of(oob: OutOfBag) -> dict[str, float]:
    """The card's figures, by the names of `sonogfr evaluate`."""
    said, truth = oob.egfr.astype(np.float64), oob.truth.astype(np.float64)
    found = agreement(said, truth)
    squares = float(((said - truth) ** 2).mean())
    figures = {
        "pearson_r": found["r"], "mae": found["mae"], "rmse": squares**0.5, "bias": found["bias"], "iqr": found["iqr"],
        "p30": found["p30"], "p10": found["p10"], "r2": 1 - squares / float(truth.var()), "slope": found["slope"],
        "ccc": 2 * float(np.cov(said, truth, bias=True)[0, 1]) / float(
            said.var() + truth.var() + (said.mean() - truth.mean()) ** 2
        ),
    }  # fmt: skip
    area = auc(oob.ckd, oob.p_ckd)
    return {name: round(value, 4) for name, value in (figures | ({} if area is None else {"auc": area})).items()}


def card(truth: Truth, oob: OutOfBag, making: Making, label: Label, rules: dict) -> str:
    """What a person must know before relying on the bundle."""
    figures, area = agreement(oob.egfr, oob.truth), auc(oob.ckd, oob.p_ckd)
    fit = rules.get("probability")
    right, by = "as the trees say it", "each was right"
    if fit is not None:
        right, by = f"made right by Platt's fit to {fit['count']} of these patients", "by it each is right"
    lines = [
        "Demonstration only: knows nothing of real kidneys and must never be used on a patient."
        if label.demonstration
        else "",
        f"Data: {data_of(truth)} SHA-256 of truth.jsonl: {truth.digest}.",
        f"Method: {making.method}",
        f"Figures ({making.figures_from}): r {figures['r']:.3f}, MAE {figures['mae']:.1f}, bias "
        f"{figures['bias']:.1f}, IQR {figures['iqr']:.1f} mL/min/1.73 m2, P30 {figures['p30']:.0%}, stage exact "
        f"{figures['stage']:.0%}, AUC of eGFR < 60 {'unknown' if area is None else f'{area:.3f}'}.",
        f"{making.int8}.",
        f'Rules: intervals split-conformal by predicted band; probability {right}; "likely" and "unlikely" from where '
        f"{by} in {PREDICTIVE_VALUE:.0%} of these patients, at the data's own share of eGFR < 60: another "
        f"share makes them wrong more or less often; spread limit {SPREAD_MARGIN:g} x the members' "
        f"{SPREAD_PERCENTILE:g}th percentile; pictures whose features are further from those of "
        f"{making.likeness_from} than {DISTANCE_PERCENTILE:g}% of these patients' are refused.",
        f"Limits: {making.limits}",
        label.note,
        f"Date: {today()}.",
    ]
    return "\n".join(line for line in lines if line)


def today() -> str:
    """The card's date. Errors: a clock that was never set."""
    day = datetime.date.today()
    if day.year < YEAR_MIN:
        raise DataError(f"the clock says that it is before {YEAR_MIN}; set it, as the card would tell a wrong date")
    return day.isoformat()


def write_manifest(run: Run, truth: Truth, oob: OutOfBag, spread: np.ndarray, making: Making, label: Label) -> None:
    """Writes the bundle's manifest.json. Errors: too little data; a clock that was never set."""
    members = len(list_members(run))
    if oob.ckd.min() == oob.ckd.max():
        raise DataError("all patients are on one side of eGFR 60: nothing to tell apart")
    purpose = (
        "Estimates eGFR and the probability of eGFR < 60 from an ultrasound picture with a measured kidney length."
    )
    if label.demonstration:
        purpose = "Demonstrates the program on synthetic kidneys; its numbers mean nothing for a patient."
    found = rules(oob, spread, truth.length_cm if making.length_input else None)
    # Absent where it says nothing: a program that does not know it still reads the bundle.
    length = {"length": True} if making.length_input else {}
    manifest = {
        "format": FORMAT,
        "name": label.name,
        "purpose": purpose,
        "demonstration": label.demonstration,
        "card": card(truth, oob, making, label, found),
        "model_card": {
            "date": today(), "data": data_of(truth), "flow": flow_of(truth),
            "figures": figures_of(oob), "figures_from": making.figures_from, "limits": making.limits,
            "hashes": making.hashes | {"truth.jsonl": truth.digest},
        },
        "input": {"size": making.size, "mean": list(MEAN), "std": list(STD)} | length,
        "feature_count": making.feature_count,
        "members": [
            {"network": f"members/{n}.onnx", "trees": trees_of(run, n), "likeness": read_json(run.likeness(n))}
            for n in range(members)
        ],
        "rules": found,
    }  # fmt: skip
    write_json(run.bundle / "manifest.json", manifest)


def trees_of(run: Run, n: int) -> str:
    """The member's trees as the manifest names them."""
    file = run.table(n) if run.table(n).exists() else run.trees(n)
    return str(file.relative_to(run.bundle))


def list_members(run: Run) -> list[int]:
    """The members that stand whole, from 0 on without a gap."""
    members = 0
    while run.outputs(members).exists():
        members += 1
    return list(range(members))
