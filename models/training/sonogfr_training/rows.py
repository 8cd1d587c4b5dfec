"""MANIFEST.csv -> checked rows. What is missing stays missing, to be counted; what cannot be true is an error.

One row a picture. A wrong unit or date would become a wrong label that nobody sees, so nothing is guessed here.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .data import DataError
from .labels import AGE_MAX_YEARS, CREATININE_MAX, CREATININE_MIN, UNITS

COLUMNS = ("picture", "patient", "study_date", "creatinine", "creatinine_date", "age", "sex")
UNIT, POOR, SPLIT, BLACK = "creatinine_unit", "poor", "split", "black"
SEXES = {"f": True, "female": True, "m": False, "male": False}
WORDS = {"": False, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Row:
    """What the manifest says of one picture; none is what it leaves empty."""

    line: int
    """Of the file, for messages."""
    picture: Path
    patient: str
    study: date | None
    creatinine: float | None
    """mg/dL."""
    measured: date | None
    age: float | None
    female: bool | None
    black: bool
    poor: bool
    """Whether a person marked the picture as unfit."""
    split: str | None


def read_rows(manifest: Path, unit: str | None, race_term: bool) -> list[Row]:
    """Reads and checks the manifest, whose pictures are named from its folder. Errors: the first, with its line."""
    try:
        # A spreadsheet's CSV begins with a byte-order mark.
        with open(manifest, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            needed = [*COLUMNS, *([BLACK] if race_term else []), *([] if unit else [UNIT])]
            missing = [column for column in needed if column not in (reader.fieldnames or [])]
            if missing:
                hint = "; or give --unit" if UNIT in missing else ""
                raise DataError(f"{manifest}: lacks the columns {', '.join(missing)}{hint}")
            cells = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise DataError(f"{manifest}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{manifest}: is no CSV file in UTF-8: {error}") from error
    rows = []
    for line, row in cells:
        try:
            rows.append(_row(manifest.parent, line, row, unit))
        except ValueError as error:
            raise DataError(f"{manifest}:{line}: {error}") from error
    if not rows:
        raise DataError(f"{manifest}: holds no pictures")
    for problem in _clashes(rows):
        raise DataError(f"{manifest}:{problem}")
    return rows


def _row(folder: Path, line: int, cells: dict[str, str | None], unit: str | None) -> Row:
    if None in cells or None in cells.values():
        raise ValueError("has more or fewer cells than the header")
    cell = lambda name: (cells.get(name) or "").strip()  # noqa: E731
    for name in ("picture", "patient"):
        if not cell(name):
            raise ValueError(f"{name} is empty")
    split = cell(SPLIT).lower() or None
    if split not in (None, *SPLITS):
        raise ValueError(f"{SPLIT} is {cell(SPLIT)!r}: train or test")
    age = _number("age", cell("age"))
    if age is not None and not 0 <= age <= AGE_MAX_YEARS:
        raise ValueError(f"age is {age:g}: years, 0 to {AGE_MAX_YEARS:g}")
    return Row(
        line, folder / cell("picture"), cell("patient"), _date("study_date", cell("study_date")),
        _creatinine(cell("creatinine"), cell(UNIT) or unit or ""), _date("creatinine_date", cell("creatinine_date")),
        age, _word("sex", cell("sex"), SEXES | {"": None}), _word(BLACK, cell(BLACK), WORDS),
        _word(POOR, cell(POOR), WORDS), split,
    )  # fmt: skip


def _number(name: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}, which is no number (a decimal point, no comma)") from None


def _creatinine(text: str, unit: str) -> float | None:
    value = _number("creatinine", text)
    if value is None:
        return None
    if unit.lower().replace(" ", "") not in UNITS:
        raise ValueError(f"creatinine's unit {unit!r} is unknown: mg/dL or umol/L")
    milligrams = value * UNITS[unit.lower().replace(" ", "")]
    if not CREATININE_MIN <= milligrams <= CREATININE_MAX:
        raise ValueError(f"creatinine of {text} {unit} cannot be: is the unit right?")
    return milligrams


def _date(name: str, text: str) -> date | None:
    # 2026-11-27, and 20261127 as DICOM writes it.
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}: YYYY-MM-DD") from None


def _word(name: str, text: str, words: dict):
    if text.lower() not in words:
        raise ValueError(f"{name} is {text!r}: one of {', '.join(word for word in words if word)}")
    return words[text.lower()]


def _clashes(rows: list[Row]) -> Iterator[str]:
    """What rows say against each other."""
    pictures: dict[Path, int] = {}
    splits: dict[str, Row] = {}
    for row in rows:
        if row.picture in pictures:
            yield f"{row.line}: names the picture of line {pictures[row.picture]} again"
        pictures[row.picture] = row.line
        first = splits.setdefault(row.patient, row)
        # No patient's name or number in a message: logs are passed on.
        if first.split != row.split:
            here, there = row.split or "no split", first.split or "no split"
            yield f"{row.line}: its patient is in {here} here and in {there} on line {first.line}: leakage"
    if any(row.split for row in rows) and not all(row.split for row in rows):
        line = next(row.line for row in rows if not row.split)
        yield f"{line}: has no split, while other rows have one"
