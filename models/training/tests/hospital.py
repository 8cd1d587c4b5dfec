"""A hospital made of phantoms: screens as DICOM files, as a cart sends them, and a laboratory's creatinine."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

FIRST_DAY = date(2024, 1, 8)


def write_dicom(path: Path, pixels: np.ndarray, **header) -> Path:
    """Writes [h, w, 3] or [h, w] or [frames, h, w, 3] uint8 as an ultrasound picture."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    image.Modality, image.PatientName = "US", "Nobody^Phantom"
    coloured = pixels.ndim > 2
    image.SamplesPerPixel = 3 if coloured else 1
    image.PhotometricInterpretation = "RGB" if coloured else "MONOCHROME2"
    if coloured:
        image.PlanarConfiguration = 0
    if pixels.ndim == 4:
        image.NumberOfFrames = len(pixels)
    image.Rows, image.Columns = pixels.shape[-3:-1] if coloured else pixels.shape
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = pixels.tobytes()
    for name, value in header.items():
        setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)
    return path


def write(phantoms: Path, folder: Path) -> Path:
    """DICOM files of `sonogfr phantom -o phantoms` in `folder`/export, all of every fifth patient and the first of the
    others, and `folder`/laboratory.csv, one creatinine a patient, some days after the scan. Returns `folder`."""
    (folder / "export").mkdir(parents=True)
    laboratory = {}
    for index, line in enumerate((phantoms / "truth.jsonl").read_text().splitlines()):
        truth = json.loads(line)
        number = int(truth["patient"][1:])
        if truth["view"] > 1 and number % 5:
            continue
        day = FIRST_DAY + timedelta(days=number)
        with Image.open(phantoms / truth["picture"]) as screen:
            pixels = np.asarray(screen.convert("RGB"))
        header = {"StudyDate": day.strftime("%Y%m%d"), "PatientAge": f"{truth['age']:03d}Y", "PatientSex": truth["sex"]}
        write_dicom(folder / "export" / f"IM{index:05d}", pixels, PatientID=f"MRN{number + 70000}", **header)
        laboratory[f"MRN{number + 70000}"] = (truth["creatinine_mg_dl"], day + timedelta(days=number % 20))
    with open(folder / "laboratory.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient", "creatinine", "unit", "date"])
        writer.writerows([patient, value, "mg/dL", day] for patient, (value, day) in laboratory.items())
    return folder


def join(manifest: Path, laboratory: Path) -> None:
    """Fills the laboratory's creatinine into what `list` wrote, as the README shows it."""
    with open(laboratory, newline="") as file:
        of_patient = {row["patient"]: row for row in csv.DictReader(file)}
    with open(manifest, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = of_patient[row["patient"]]
        row |= {"creatinine": found["creatinine"], "creatinine_unit": found["unit"], "creatinine_date": found["date"]}
    with open(manifest, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
