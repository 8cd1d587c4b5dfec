"""A data folder -> truth, crops and the patients' bags. Numpy only, so that every kind of worker may load it.

A patient's pictures never part: bags are drawn over patients, not over pictures.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .store import write_whole

# Source: torchvision's ImageNet preprocessing, which the paper's networks were trained with.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# mL/min/1.73 m2; below it the label is 1. Source: KDIGO 2012, chapter 1; `CKD_EGFR` in src/estimate.rs.
CKD_EGFR = 60.0

ORACLE_FIELDS = ("egfr", "p_ckd", "egfr_without_scale", "p_ckd_without_scale")


class DataError(Exception):
    """What is wrong with a data or output folder, in words for the person who made it."""


@dataclass(frozen=True)
class Truth:
    """What is known of each of n pictures; row i of every array is picture i."""

    folder: Path
    crop: list[str]
    """Path of the crop, relative to `folder`."""
    patient: np.ndarray
    """[n] int64, index of the patient, 0 .. patient_count."""
    egfr: np.ndarray
    """[n] float32, mL/min/1.73 m2."""
    length_cm: np.ndarray
    """[n] float32."""
    oracle: dict[str, np.ndarray]
    """Best reachable answers by name, [n] float32 each; empty where the data has none, as patients' data has not."""
    digest: str
    """SHA-256 of truth.jsonl."""
    names: list[str]
    """[patient_count] the data's names of the patients."""

    @cached_property
    def patient_count(self) -> int:
        return int(self.patient.max()) + 1

    @cached_property
    def by_patient(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pictures by patient [n], and where each patient's begin and how many there are [patient_count]."""
        count = np.bincount(self.patient, minlength=self.patient_count)
        return np.argsort(self.patient, kind="stable"), np.cumsum(count) - count, count

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """The pictures of each patient."""
        order, first, _ = self.by_patient
        return np.split(order, first[1:])

    @cached_property
    def longest(self) -> np.ndarray:
        """[patient_count] the picture with the longest kidney of each patient, by which the paper validates."""
        return np.array([own[np.argmax(self.length_cm[own])] for own in self.pictures])

    @property
    def ckd(self) -> np.ndarray:
        """[n] float32, 1 where eGFR < 60 and 0 elsewhere."""
        return (self.egfr < CKD_EGFR).astype(np.float32)


def read_truth(folder: Path) -> Truth:
    """Reads DATA/truth.jsonl. Errors: no such file, no pictures, a row without a field or with a broken number."""
    path = folder / "truth.jsonl"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    rows = []
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            numbers = [float(row["egfr"]), float(row["length_cm"])]
            if not all(np.isfinite(numbers)) or min(numbers) <= 0:
                raise ValueError("egfr and length_cm must be above 0")
            oracle = [float(row["oracle"][field]) for field in ORACLE_FIELDS] if row.get("oracle") else []
            rows.append((str(row["crop"]), str(row["patient"]), *numbers, oracle))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number}: {type(error).__name__}: {error}") from error
    if not rows:
        raise DataError(f"{path}: holds no pictures")
    crop, patient, egfr, length_cm, oracle = zip(*rows)
    # Only where every picture has one: figures over a part of them could not be set beside the ensemble's.
    oracle = dict(zip(ORACLE_FIELDS, np.array(oracle, np.float32).T)) if all(oracle) else {}
    names, index = np.unique(patient, return_inverse=True)
    return Truth(
        folder, list(crop), index.astype(np.int64), np.array(egfr, np.float32), np.array(length_cm, np.float32), oracle,
        hashlib.sha256(raw).hexdigest(), names.tolist(),
    )  # fmt: skip


def load_crops(truth: Truth, size: int, cache: Path | None = None) -> np.ndarray:
    """The crops as [n, size, size, 3] uint8 RGB; with `cache`, decoded once into that folder and mapped from there.

    Errors: a file that is missing, no picture, or of another size. Nothing is ever resized here.
    """
    packed = cache / f"{truth.digest[:16]}-{size}.npy" if cache else None
    if packed and packed.exists():
        return np.load(packed, mmap_mode="c")
    crops = np.empty((len(truth.crop), size, size, 3), np.uint8)
    # Pillow lets go of the interpreter while it decodes, so that threads use all cores.
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda name: open_crop(truth.folder, name, size), truth.crop)
        for index, crop in enumerate(tqdm(decoded, "crops", len(truth.crop), unit="picture", leave=False)):
            crops[index] = crop
    if packed is None:
        return crops
    write_whole(packed, lambda draft: np.save(draft, crops))
    # Copy on write: torch warns of arrays that cannot be written to.
    return np.load(packed, mmap_mode="c")


def open_crop(folder: Path, name: str, size: int) -> np.ndarray:
    """One crop, [size, size, 3] uint8 RGB. Errors: as `load_crops`."""
    try:
        with Image.open(folder / name) as picture:
            crop = np.asarray(picture.convert("RGB"))
    except OSError as error:
        raise DataError(f"{folder / name}: {error}") from error
    if crop.shape != (size, size, 3):
        raise DataError(f"{name} is {crop.shape[1]} x {crop.shape[0]}, not {size} x {size}: cut it so with sonogfr")
    return crop


def normalise(crops: np.ndarray) -> np.ndarray:
    """[b, s, s, 3] uint8 -> [b, 3, s, s] float32: x/255, then ImageNet's mean and deviation."""
    scaled = (crops.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def inputs(crops: np.ndarray, length_cm: np.ndarray | None) -> Iterator[dict[str, np.ndarray]]:
    """What an exported network takes, picture by picture; `length_cm` is none where it takes no length."""
    for index, crop in enumerate(crops):
        picture = {"crop": normalise(crop[None])}
        yield picture if length_cm is None else picture | {"length_cm": length_cm[index].reshape(1, 1)}


@dataclass(frozen=True)
class Bag:
    """One member's patients."""

    drawn: np.ndarray
    """[2 * patients] patients drawn with replacement, repeated as often as drawn: training."""
    left_out: np.ndarray
    """Patients never drawn, about exp(-2) = 14% of them: validation."""

    def epoch(self, truth: Truth, rng: np.random.Generator) -> np.ndarray:
        """One random picture of each drawn patient, in random order."""
        patients = rng.permutation(self.drawn)
        order, first, count = truth.by_patient
        return order[first[patients] + rng.integers(count[patients])]


def rng_of(seed: int, member: int, purpose: str) -> np.random.Generator:
    """Independent random numbers for each purpose, so that changing one leaves the others as they were."""
    return np.random.default_rng([seed, member, *purpose.encode()])


def halves(patient_count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of data that imported members never saw: patients whose pictures give int8's ranges and the likeness, and
    patients who judge; nobody does both."""
    order = rng_of(seed, 0, "halves").permutation(patient_count)
    return np.sort(order[: patient_count // 2]), np.sort(order[patient_count // 2 :])


def draw_bag(patient_count: int, seed: int, member: int) -> Bag:
    """Draws one member's bag. Source: Kuo et al. 2019, methods: bagging to twice the number of patients."""
    drawn = rng_of(seed, member, "bag").integers(patient_count, size=2 * patient_count)
    return Bag(drawn, np.setdiff1d(np.arange(patient_count), drawn))
