"""Exported members -> rules, card and manifest of the bundle. Runs anywhere: numpy only."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .calibrate import PREDICTIVE_VALUE, SPREAD_MARGIN, SPREAD_PERCENTILE, OutOfBag, rules
from .data import MEAN, STD, DataError, Truth, draw_bag, rng_of
from .gate import Change
from .metrics import agreement, auc
from .store import write_json

FORMAT = 1


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


def gather(truth: Truth, outputs: list[Path], seed: int) -> tuple[OutOfBag, np.ndarray]:
    """The out-of-bag predictions and the members' deviation on every picture, [n], mL/min/1.73 m2."""
    said = [np.load(path) for path in outputs]
    egfr, p_ckd = np.stack([one["egfr"] for one in said]), np.stack([one["p_ckd"] for one in said])
    chosen, unseen = left_out(truth, len(outputs), seed)
    mean = lambda values: np.average(values[:, chosen], axis=0, weights=unseen)  # noqa: E731
    return OutOfBag(mean(egfr), mean(p_ckd), truth.egfr[chosen], truth.ckd[chosen]), egfr.std(axis=0)


@dataclass(frozen=True)
class Label:
    """What its maker says of a bundle."""

    name: str
    demonstration: bool
    note: str
    """For the card; empty where there is nothing to add."""


def card(truth: Truth, oob: OutOfBag, settings: dict, members: int, label: Label, change: Change) -> str:
    """What a person must know before relying on the bundle."""
    figures, area = agreement(oob.egfr, oob.truth), auc(oob.ckd, oob.p_ckd)
    kind = "SYNTHETIC pictures (phantoms)" if label.demonstration else "pictures"
    begun = "another network" if settings["init_weights"] else "random weights"
    lines = [
        "Demonstration only: knows nothing of real kidneys and must never be used on a patient."
        if label.demonstration
        else "",
        f"Data: {len(truth.crop)} {kind} of {truth.patient_count} patients; eGFR {truth.egfr.min():.0f} to "
        f"{truth.egfr.max():.0f}, median {np.median(truth.egfr):.0f} mL/min/1.73 m2; below 60: {truth.ckd.mean():.0%}. "
        f"SHA-256 of truth.jsonl: {truth.digest}.",
        "Method: after Kuo et al. 2019, npj Digital Medicine 2:29: tailored crop between the markers, "
        f"{members} members bagged by patient, boosted trees on pooled features for eGFR < 60. ResNet-18 of width "
        f"{settings['width']:g} at {settings['size']} px, begun from {begun}, {settings['epochs']} epochs, seed "
        f"{settings['seed']}; int8, its pooling and head in float."
        + (" Head and trees also see the kidney's length in cm." if settings["length_input"] else ""),
        f"Figures (out of bag, {len(oob.egfr)} patients, one picture each, mean of the members that never saw the "
        f"patient): r {figures['r']:.3f}, MAE {figures['mae']:.1f}, bias {figures['bias']:.1f}, IQR "
        f"{figures['iqr']:.1f} mL/min/1.73 m2, P30 {figures['p30']:.0%}, stage exact {figures['stage']:.0%}, "
        f"AUC of eGFR < 60 {'unknown' if area is None else f'{area:.3f}'}.",
        f"int8 against float, on these pictures: {change}.",
        f'Rules: intervals split-conformal by predicted band; "likely" and "unlikely" from where each was right in '
        f"{PREDICTIVE_VALUE:.0%} out of bag, at the data's own share of eGFR < 60: another share makes them wrong more "
        f"or less often; spread limit {SPREAD_MARGIN:g} x the members' {SPREAD_PERCENTILE:g}th percentile.",
        "Limits: the number hangs toward the mean: low eGFR is overestimated, high underestimated. Pictures unlike "
        "the data are not recognised as such by members that happen to agree. The trees were stopped by the patients "
        "left out, so that their out-of-bag figures are slightly too good.",
        label.note,
        f"Date: {datetime.date.today().isoformat()}.",
    ]
    return "\n".join(line for line in lines if line)


def write_manifest(
    folder: Path, truth: Truth, outputs: list[Path], settings: dict, feature_count: int, label: Label, change: Change
) -> OutOfBag:
    """Writes `folder`/manifest.json and returns the predictions that its rules come from. Errors: too little data."""
    members = len(outputs)
    oob, spread = gather(truth, outputs, settings["seed"])
    if oob.ckd.min() == oob.ckd.max():
        raise DataError("all patients are on one side of eGFR 60: nothing to tell apart")
    purpose = (
        "Estimates eGFR and the probability of eGFR < 60 from an ultrasound picture with a measured kidney length."
    )
    if label.demonstration:
        purpose = "Demonstrates the program on synthetic kidneys; its numbers mean nothing for a patient."
    # Absent where it says nothing: a program that does not know it still reads the bundle.
    length = {"length": True} if settings["length_input"] else {}
    manifest = {
        "format": FORMAT,
        "name": label.name,
        "purpose": purpose,
        "demonstration": label.demonstration,
        "card": card(truth, oob, settings, members, label, change),
        "input": {"size": settings["size"], "mean": list(MEAN), "std": list(STD)} | length,
        "feature_count": feature_count,
        "members": [{"network": f"members/{n}.onnx", "trees": f"members/{n}.json"} for n in range(members)],
        "rules": rules(oob, spread, truth.length_cm if settings["length_input"] else None),
    }
    write_json(folder / "manifest.json", manifest)
    return oob
