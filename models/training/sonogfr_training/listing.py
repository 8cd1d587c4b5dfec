"""A folder of pictures -> the manifest that `prepare` takes, as far as DICOM headers tell; creatinine is for the
laboratory's table to fill in. Like the headers, the file names patients: it stays where they may be named."""

import csv
from pathlib import Path

import pydicom

from .data import DataError
from .rows import COLUMNS, POOR, UNIT
from .screens import is_dicom
from .store import write_whole

NAMES = {".png", ".jpg", ".jpeg", ".dcm"}
# DICOM PS3.5, 6.2: AS is a number of three digits and one of these letters.
YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def list_pictures(folder: Path, manifest: Path) -> int:
    """Writes a row for each picture below `folder` and returns how many. Errors: none there, or the file stands."""
    if manifest.exists():
        raise DataError(f"{manifest} stands already: choose another name")
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder")
    # Exports name DICOM files in many ways, most without a suffix.
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in found if is_dicom(path) or path.suffix.lower() in NAMES]
    rows = [row for path in found if (row := _row(path, manifest.parent)) is not None]
    if not rows:
        raise DataError(f"{folder}: holds no PNG, JPEG or DICOM pictures")

    def write(draft: Path) -> None:
        with open(draft, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*COLUMNS, UNIT, POOR], restval="")
            writer.writeheader()
            writer.writerows(rows)

    write_whole(manifest, write)
    return len(rows)


def _row(path: Path, beside: Path) -> dict[str, str] | None:
    """What is known of a picture; none for DICOM that holds none."""
    row = {"picture": _relative(path, beside)}
    if not is_dicom(path):
        return row
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    except Exception as error:
        raise DataError(f"{path}: is broken DICOM ({error})") from error
    if "Rows" not in header:
        return None
    study = str(header.get("StudyDate") or "")
    return row | {
        "patient": str(header.get("PatientID") or ""), "study_date": study,
        "age": _age(str(header.get("PatientAge") or ""), str(header.get("PatientBirthDate") or ""), study),
        "sex": {"M": "M", "F": "F"}.get(str(header.get("PatientSex") or ""), ""),
    }  # fmt: skip


def _relative(path: Path, beside: Path) -> str:
    inside, folder = path.resolve(), beside.resolve()
    return str(inside.relative_to(folder)) if inside.is_relative_to(folder) else str(inside)


def _age(age: str, born: str, study: str) -> str:
    """Years at the scan: as the header says, else from the day of birth; empty where neither tells."""
    if len(age) == 4 and age[:3].isdigit() and age[3] in YEARS:
        return f"{int(age[:3]) * YEARS[age[3]]:.4g}"
    if len(born) == len(study) == 8 and born.isdigit() and study.isdigit():
        return str(int(study[:4]) - int(born[:4]) - (study[4:] < born[4:]))
    return ""
