"""A hospital's manifest and pictures -> data that `train` and `evaluate` read, and the count of what was left out.

Always holds: a crop was cut by `sonogfr`; nothing of a patient but a pseudonym, eGFR and the kidney's length leaves
the manifest; OUT is whole or absent. What was seen of pictures lies in .OUT.partial until then, so that a killed run
goes on.
"""

import hashlib
import hmac
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .data import CKD_EGFR, DataError, rng_of
from .flow import Flow
from .labels import ADULT_YEARS, FORMULAS
from .rows import SPLITS, Row, read_rows
from .screens import SeveralFrames, check, to_readable
from .sight import PICTURES_A_CALL, Program, Seen
from .store import read_json, write_json, write_whole
from .workers import core_count

# Source: Kuo et al. 2019, methods: creatinine within four weeks of the scan.
DAYS_MAX = 28
# Source: Kuo et al. 2019, methods: 160 of 1,446 patients were kept for the test.
TEST_SHARE = 0.11
# A pixel this dark shows no echo; a crop of a kidney in view had at most a quarter of such on 400 phantoms.
BLACK, BLACK_SHARE_MAX = 12, 0.6
PSEUDONYM_DIGITS = 12


@dataclass(frozen=True)
class Order:
    """What is to be prepared, and how."""

    manifest: Path
    out: Path
    program: Program
    size: int
    """Width and height of the crops."""
    formula: str
    race_term: bool
    unit: str | None
    """Of creatinine where the manifest has no column for it."""
    days_max: int
    test_share: float
    """Of the patients, where the manifest has no split."""
    black_max: float
    """The largest share of a crop without echo."""
    key: Path | None
    """Of the pseudonyms."""
    seed: int


@dataclass(frozen=True)
class Kept:
    """A picture that stays."""

    row: Row
    crop: Path
    length_cm: float
    egfr: float


def prepare(order: Order) -> Flow:
    """Writes OUT/train and, where a split leaves one, OUT/test. Errors: the first thing wrong; OUT is then absent."""
    if order.out.exists():
        raise DataError(f"{order.out} stands already: choose another OUT")
    rows = read_rows(order.manifest, order.unit, order.race_term)
    for row in tqdm(rows, "looking at files", unit="picture", leave=False):
        check(row.picture)
    key = _key(order.key)
    flow = Flow(len(rows))
    labelled = _labelled(order, rows, flow)
    partial = order.out.with_name(f".{order.out.name}.partial")
    kept = _kept(order, labelled, partial, flow)
    parts = _split(order, kept, flow)
    draft = partial / "out"
    shutil.rmtree(draft, ignore_errors=True)
    for name, part in parts.items():
        _write_part(draft / name, part, key)
        below = sum(one.egfr < CKD_EGFR for one in part)
        patients = len({one.row.patient for one in part})
        flow.kept.append(f"{name}: {len(part)} of {patients} patients, {below} with eGFR < {CKD_EGFR:g}")
    (draft / "flow.txt").write_text(flow.text() + "\n", encoding="utf-8")
    flow.draw(draft / "flow.png")
    settings = {"formula": order.formula, "race_term": order.race_term, "days_max": order.days_max, "size": order.size}
    for name in parts:
        write_json(draft / name / "prepared.json", settings | {"flow": flow.text(), "program": order.program.version})
    os.rename(draft, order.out)
    shutil.rmtree(partial, ignore_errors=True)
    return flow


def _labelled(order: Order, rows: Sequence[Row], flow: Flow) -> list[Row]:
    """The rows that can have a label."""

    def why_none(row: Row) -> str | None:
        if row.creatinine is None:
            return "no creatinine"
        if row.age is None or row.female is None:
            return "no age or sex"
        if row.study is None or row.measured is None:
            return "no date of scan or creatinine"
        return None

    rows = _without(flow, "without eGFR", rows, why_none)
    child = f"younger than {ADULT_YEARS:g}, for whom no formula holds"
    rows = _without(flow, child, rows, lambda row: child if row.age < ADULT_YEARS else None)
    far = f"creatinine more than {order.days_max} days from the scan"
    return _without(flow, far, rows, lambda row: far if abs((row.study - row.measured).days) > order.days_max else None)


def _without(flow: Flow, step: str, rows: Sequence, why) -> list:
    """The rows for which `why` gives no reason; counts the others."""
    reasons = [why(row) for row in rows]
    flow.leave_out(step, [reason for reason in reasons if reason])
    return [row for row, reason in zip(rows, reasons) if not reason]


def _kept(order: Order, rows: Sequence[Row], partial: Path, flow: Flow) -> list[Kept]:
    """The pictures that the program measured and nobody calls poor."""
    poor, several = "poor picture, by the manifest", "several frames, not a still"
    pixels = "length in pixels only: no ruler and no printed length"
    dark = f"poor picture, more than {order.black_max:.0%} of the crop without echo"
    rows = _without(flow, poor, rows, lambda row: poor if row.poor else None)
    pairs = list(zip(rows, _seen_all(order, rows, partial)))
    pairs = _without(flow, several, pairs, lambda pair: None if pair[1] else several)
    pairs = _without(flow, "no length annotation", pairs, lambda pair: pair[1][0].refusal)
    pairs = _without(flow, pixels, pairs, lambda pair: None if pair[1][0].length_cm else pixels)
    pairs = _without(flow, dark, pairs, lambda pair: dark if _black_share(pair[1][1]) > order.black_max else None)
    formula = FORMULAS[order.formula]
    return [
        Kept(row, crop, found.length_cm, formula(row.creatinine, row.age, row.female, row.black and order.race_term))
        for row, (found, crop) in pairs
    ]


def _black_share(crop: Path) -> float:
    with Image.open(crop) as picture:
        return float((np.asarray(picture.convert("RGB")).max(axis=2) < BLACK).mean())


def _seen_all(order: Order, rows: Sequence[Row], partial: Path) -> list[tuple[Seen, Path] | None]:
    """What the program sees of each picture and its crop; none for loops. Errors: as `_seen_few`; one picture of two
    patients."""
    parts = [rows[first : first + PICTURES_A_CALL] for first in range(0, len(rows), PICTURES_A_CALL)]
    cache = partial / hashlib.sha256(f"{order.program.version} {order.size}".encode()).hexdigest()[:16]
    found: list[tuple[Seen, Path] | None] = []
    owners: dict[str, Row] = {}
    bar = tqdm(total=len(rows), desc="sonogfr", unit="picture", leave=False)
    with bar, ThreadPoolExecutor(core_count()) as pool:
        jobs = [pool.submit(_seen_few, order, [row.picture for row in part], cache) for part in parts]
        try:
            for part, job in zip(parts, jobs):
                for row, (digest, one) in zip(part, job.result()):
                    owner = owners.setdefault(digest, row)
                    if owner.patient != row.patient:
                        lines = f"lines {owner.line} and {row.line}"
                        raise DataError(f"{order.manifest}: {lines} give one picture to two patients: leakage")
                    found.append(one)
                bar.update(len(part))
        finally:
            for job in jobs:
                job.cancel()
    return found


def _seen_few(order: Order, pictures: list[Path], cache: Path) -> list[tuple[str, tuple[Seen, Path] | None]]:
    """Digest of each picture, what the program sees of it and its crop. Errors: a picture that cannot be read."""
    digests = [hashlib.sha256(picture.read_bytes()).hexdigest() for picture in pictures]
    files = [cache / f"{digest[:32]}.json" for digest in digests]
    missing = [(picture, file) for picture, file in zip(pictures, files) if not file.exists()]
    cache.mkdir(parents=True, exist_ok=True)
    readable: list[tuple[Path, Path]] = []
    scratch = [file.with_suffix(f".{os.getpid()}.screen.png") for _, file in missing]
    try:
        for (picture, file), spare in zip(missing, scratch):
            try:
                readable.append((to_readable(picture, spare), file))
            except SeveralFrames:
                write_json(file, None)
        with tempfile.TemporaryDirectory(dir=cache) as cut:
            seen = order.program.inspect([screen for screen, _ in readable], Path(cut), order.size) if readable else []
            for (_, file), (one, crop) in zip(readable, seen):
                if one.refusal is None:
                    write_whole(file.with_suffix(".png"), lambda draft, c=crop: os.replace(c, draft))
                write_json(file, asdict(one))
    finally:
        for spare in scratch:
            spare.unlink(missing_ok=True)
    return [
        (digest, (Seen(**said), file.with_suffix(".png")) if (said := read_json(file)) else None)
        for digest, file in zip(digests, files)
    ]


def _split(order: Order, kept: Sequence[Kept], flow: Flow) -> dict[str, list[Kept]]:
    """The parts by patient. Errors: nothing left, a part that is empty or has one class only."""
    if not kept:
        step, counts = max(flow.steps, key=lambda step: sum(step[1].values()))
        raise DataError(f"{order.manifest}: no picture is left; {sum(counts.values())} of {flow.pictures}: {step}")
    if kept[0].row.split:
        parts = {name: [one for one in kept if one.row.split == name] for name in SPLITS}
        parts = {name: part for name, part in parts.items() if part or name == "train"}
        if {one.row.split for one in kept} == {"test"}:
            raise DataError(f"{order.manifest}: no picture is left for training")
    else:
        test = _test_patients(order, kept)
        parts = {"train": [one for one in kept if one.row.patient not in test]}
        parts |= {"test": [one for one in kept if one.row.patient in test]} if test else {}
    for name, part in parts.items():
        below = sum(one.egfr < CKD_EGFR for one in part)
        if below in (0, len(part)):
            side = "below" if below else "not below"
            few = f"all {len(part)} pictures left in {name} are {side} eGFR {CKD_EGFR:g}"
            raise DataError(f"{order.manifest}: {few}: nothing to tell apart")
    return parts


def _test_patients(order: Order, kept: Sequence[Kept]) -> set[str]:
    """Draws the test's patients, the same share of those below eGFR 60 and of the others. Errors: too few for any."""
    if order.test_share == 0:
        return set()
    below = {one.row.patient for one in kept if one.egfr < CKD_EGFR}
    rng, test = rng_of(order.seed, 0, "split"), set()
    others = {one.row.patient for one in kept} - below
    for side, group in (("below", sorted(below)), ("not below", sorted(others))):
        count = max(round(len(group) * order.test_share), 1)
        if count >= len(group):
            few = (
                f"patients left with eGFR {side} {CKD_EGFR:g}: {len(group)}, too few to test on {order.test_share:.0%}"
            )
            raise DataError(f"{order.manifest}: {few} of them; see --test-share")
        test |= {group[index] for index in rng.permutation(len(group))[:count]}
    return test


def _write_part(folder: Path, part: Sequence[Kept], key: bytes) -> None:
    """Writes truth.jsonl and the crops, in the order of the pseudonyms: the manifest's order may tell who is who."""
    crops = folder / "crops"
    crops.mkdir(parents=True)
    named = sorted(((pseudonym(one.row.patient, key), one) for one in part), key=lambda pair: (pair[0], pair[1].crop))
    lines = []
    for index, (patient, one) in enumerate(named):
        name = f"crops/{index:06d}.png"
        # One picture may be listed in two rows by another path: a copy for each.
        shutil.copyfile(one.crop, folder / name)
        row = {"crop": name, "patient": patient, "egfr": round(one.egfr, 3), "length_cm": round(one.length_cm, 4)}
        lines.append(json.dumps(row))
    text = "\n".join(lines) + "\n"
    write_whole(folder / "truth.jsonl", lambda draft: draft.write_text(text, encoding="utf-8"))


def pseudonym(patient: str, key: bytes) -> str:
    """Names a patient without telling who it is: without the key, trying all of a hospital's numbers does not help."""
    return "P" + hmac.new(key, patient.encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def _key(file: Path | None) -> bytes:
    """The key in `file`, made where there is none; without a file, one that is forgotten. Errors: it cannot be used."""
    if file is None:
        return secrets.token_bytes(32)
    try:
        if not file.exists():
            # Only its owner may read it: with it and the manifest, pseudonyms can be undone.
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as new:
                new.write(secrets.token_hex(32) + "\n")
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: is no key of pseudonyms ({error})") from error
    if len(key) < 16:
        raise DataError(f"{file}: is no key of pseudonyms (too short)")
    return key
