"""Given these manifests and pictures, expect these labels, counts and refusals."""

import csv
import json
import os
import stat
import sys
from pathlib import Path

import hospital
import numpy as np
import pytest
from PIL import Image

from sonogfr_training import cli, flow, labels, prepare, screens
from sonogfr_training.data import DataError, load_crops, read_truth
from sonogfr_training.listing import list_pictures

# Stands in for the program: the first pixel's red says what it sees, green the length in mm. Its crop is a corner.
STAND_IN = """#!{python}
import json, sys
from PIL import Image
if sys.argv[1] == "--version":
    print("stand-in 1")
else:
    assert sys.argv[1:4] == ["inspect", "--json", "--crops"] and sys.argv[5] == "--size"
    crops, size = sys.argv[4], int(sys.argv[6])
    for place, path in enumerate(sys.argv[7:]):
        sees, length, _ = Image.open(path).convert("RGB").getpixel((0, 0))
        if sees == 9:
            sys.exit(f"{{path}}: cannot be read")
        refusal = {{"reason": "No calipers seen"}} if sees == 3 else None
        cm = {{"by_ruler_cm": length / 10 if sees == 1 else None, "by_text_cm": length / 10 + 0.1, "agree": True}}
        print(json.dumps({{"outcome": "refused" if refusal else "measured", "refusal": refusal,
                          "length": None if sees in (3, 4) else cm}}))
        if not refusal:
            crop = Image.open(path).convert("RGB").crop((1, 1, size + 1, size + 1))
            crop.save(f"{{crops}}/{{place:06}}.png")
        with open(sys.argv[0] + ".log", "a") as log:
            print(path, file=log)
"""
SIZE = 32
GONE = "gone.png"
MEASURED, BY_TEXT, REFUSED, NO_LENGTH, UNREADABLE = 1, 2, 3, 4, 9


def program(folder: Path) -> Path:
    path = folder / "stand-in"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def screen(sees: int, grey: int, length_mm: int = 100) -> np.ndarray:
    """[64, 64, 3] uint8, another one for each `grey`."""
    pixels = np.full((64, 64, 3), grey, np.uint8)
    pixels[0, 0] = (sees, length_mm, 0)
    return pixels


ROW = {
    "patient": "Smith, Jane", "study_date": "2026-03-10", "creatinine": "1.5", "creatinine_unit": "mg/dL",
    "creatinine_date": "2026-03-01", "age": "61", "sex": "F", "poor": "", "split": "",
}  # fmt: skip


@pytest.fixture
def clinic(tmp_path):
    """Writes a manifest: a row a change to ROW, each with a picture of its own; returns how to prepare it."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    stand_in = program(tmp_path)

    def write(changes, *more, out="out"):
        rows = []
        for index, change in enumerate(changes):
            sees, grey = change.pop("sees", MEASURED), change.pop("grey", 40 + index)
            row = {"picture": f"{index}.png"} | ROW | change
            if not (folder / row["picture"]).exists() and row["picture"] != GONE:
                Image.fromarray(screen(sees, grey)).save(folder / row["picture"])
            rows.append(row)
        with open(folder / "m.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return run(folder / "m.csv", tmp_path / out, stand_in, *more)

    return write


def run(manifest, out, stand_in, *more):
    arguments = ["prepare", manifest, out, "--sonogfr", stand_in, "--size", SIZE, "--test-share", "0", *more]
    args = cli.arguments().parse_args([str(argument) for argument in arguments])
    args.function(args)
    return out


def people(count, **change):
    """Rows of `count` patients, every other one with a failing kidney."""
    creatinine = ["0.8", "3.1"]
    return [{"patient": f"MRN{n}", "creatinine": creatinine[n % 2]} | change for n in range(count)]


# (formula, creatinine mg/dL, age, female, black, published). Sources:
# mdrd186: K/DOQI 2002, guideline 4, serum creatinine at which the abbreviated equation gives 60, to 0.01 mg/dL.
# mdrd175, ckdepi2021: examples in the manual of R package tabletools, calculate_egfr_mdrd; 49 there is 49.5 cut off.
# ckdepi2009: example and its output in the manual of R package transplantr 0.1, ckd_epi (120 umol/L as 1.357 mg/dL).
PUBLISHED = [
    ("mdrd186", 1.47, 30, False, False, 60, 0.4), ("mdrd186", 1.13, 30, True, False, 60, 0.4),
    ("mdrd186", 1.73, 30, False, True, 60, 0.4), ("mdrd186", 1.34, 30, True, True, 60, 0.4),
    ("mdrd175", 0.6, 50, False, False, 142.6, 0.05), ("mdrd175", 1.0, 50, False, False, 79, 0.5),
    ("mdrd175", 1.5, 50, False, False, 49, 0.6), ("mdrd175", 2.0, 50, False, False, 35.5, 0.05),
    ("ckdepi2009", 120 / 88.4, 45.2, False, False, 62.46745, 0.03),
    ("ckdepi2009", 1.5, 64.3, True, True, 42.1421, 1e-3),
    ("ckdepi2021", 0.6, 50, False, False, 118, 0.5), ("ckdepi2021", 1.0, 50, False, False, 92, 0.5),
    ("ckdepi2021", 1.5, 50, False, False, 56, 0.6), ("ckdepi2021", 2.0, 50, False, False, 40, 0.5),
]  # fmt: skip


@pytest.mark.parametrize("formula, creatinine, age, female, black, published, within", PUBLISHED)
def test_given_a_published_example_expect_its_egfr(formula, creatinine, age, female, black, published, within):
    assert labels.FORMULAS[formula](creatinine, age, female, black) == pytest.approx(published, abs=within)


def test_given_a_manifest_expect_crops_labels_and_nothing_that_names_anybody(clinic):
    rows = [
        ROW | {"patient": "Smith, Jane"},
        ROW | {"patient": "Jones", "creatinine": "62", "creatinine_unit": "umol/L"},
    ]
    out = clinic([*rows, ROW | {"patient": "Jones", "creatinine": "62", "creatinine_unit": "µmol/L", "sees": BY_TEXT}])
    truth = read_truth(out / "train")
    assert sorted(set(truth.egfr.round(2))) == pytest.approx(
        sorted([labels.mdrd186(1.5, 61, True, False), labels.mdrd186(62 / 88.4, 61, True, False)]), abs=0.01
    )
    assert sorted(truth.length_cm) == pytest.approx([10, 10, 10.1])
    assert truth.patient_count == 2 and not truth.oracle
    crops = load_crops(truth, SIZE)
    assert sorted(crops[:, 3, 3, 0]) == [40, 41, 42]
    for path in [path for path in out.rglob("*") if path.is_file() and path.suffix != ".png"]:
        text = path.read_text()
        assert "Smith" not in text and "Jones" not in text and "2026" not in text and "clinic" not in text, path
    assert not list(out.parent.glob(".out*"))


def test_given_formula_and_race_term_expect_them_only_when_asked_for(clinic):
    rows = lambda: [row | {"black": "yes"} for row in people(2)]  # noqa: E731
    egfr = lambda out: sorted(read_truth(out / "train").egfr)  # noqa: E731
    plain, with_term = egfr(clinic(rows(), out="a")), egfr(clinic(rows(), "--race-term", out="b"))
    assert with_term == pytest.approx([value * 1.212 for value in plain], rel=1e-4)
    newer = egfr(clinic(rows(), "--formula", "ckdepi2021", "--race-term", out="c"))
    assert newer[1] == pytest.approx(labels.ckdepi2021(0.8, 61, True), abs=0.01)


def test_given_rows_that_cannot_serve_expect_each_counted_under_its_reason(clinic):
    loop = {"picture": "loop.dcm", "patient": "MRN9"}
    unfit = [
        {"creatinine": ""}, {"age": ""}, {"study_date": ""}, {"age": "12"}, {"creatinine_date": "2026-02-09"},
        {"creatinine_date": "2026-04-08"}, {"poor": "yes"}, {"sees": REFUSED}, {"sees": NO_LENGTH}, {"grey": 3},
    ]  # fmt: skip
    out = clinic([*people(2), *[{"patient": "MRN7"} | change for change in unfit]], out="first")
    folder = out.parent / "clinic"
    hospital.write_dicom(folder / "loop.dcm", np.zeros((2, 64, 64, 3), np.uint8))
    out = clinic([*people(2), *[{"patient": "MRN7"} | change for change in unfit], loop])
    assert (out / "flow.txt").read_text().splitlines() == [
        "13 pictures in the manifest",
        "  - 3 without eGFR", "      1 no age or sex", "      1 no creatinine", "      1 no date of scan or creatinine",
        "  = 10",
        "  - 1 younger than 18, for whom no formula holds", "  = 9",
        "  - 2 creatinine more than 28 days from the scan", "  = 7",
        "  - 1 poor picture, by the manifest", "  = 6",
        "  - 1 several frames, not a still", "  = 5",
        "  - 1 no length annotation", "      1 No calipers seen", "  = 4",
        "  - 1 length in pixels only: no ruler and no printed length", "  = 3",
        "  - 1 poor picture, more than 60% of the crop without echo", "  = 2",
        "train: 2 of 2 patients, 1 with eGFR < 60",
    ]  # fmt: skip
    with Image.open(out / "flow.png") as chart:
        assert chart.width > 800 and chart.getextrema()[0] == (0, 255)


BAD = [
    ({"creatinine": "0"}, ":2: creatinine of 0 mg/dL cannot be: is the unit right"),
    ({"creatinine": "900"}, ":2: creatinine of 900 mg/dL cannot be"),
    ({"creatinine": "0.9", "creatinine_unit": "umol/L"}, ":2: creatinine of 0.9 umol/L cannot be"),
    ({"creatinine": "-1"}, ":2: creatinine of -1"),
    ({"creatinine": "nan"}, ":2: creatinine of nan"),
    ({"creatinine": "1,5"}, ":2: creatinine is '1,5', which is no number"),
    ({"creatinine_unit": "mmol/L"}, ":2: creatinine's unit 'mmol/L' is unknown"),
    ({"creatinine_unit": ""}, ":2: creatinine's unit '' is unknown"),
    ({"study_date": "10.03.2026"}, ":2: study_date is '10.03.2026': YYYY-MM-DD"),
    ({"age": "610"}, ":2: age is 610"),
    ({"sex": "x"}, ":2: sex is 'x'"),
    ({"poor": "maybe"}, ":2: poor is 'maybe'"),
    ({"patient": " "}, ":2: patient is empty"),
    ({"split": "validation"}, ":2: split is 'validation'"),
    ({"split": "train"}, ":3: has no split, while other rows have one"),
    ({"picture": GONE}, "gone.png: No such file"),
    ({"sees": UNREADABLE}, "0.png: cannot be read"),
]


@pytest.mark.parametrize("change, said", BAD)
def test_given_a_bad_row_expect_one_clear_line_and_nothing_written(clinic, tmp_path, change, said):
    rows = people(2)
    with pytest.raises(DataError) as raised:
        clinic([rows[0] | change, rows[1]])
    assert said in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_given_missing_columns_expect_them_named(tmp_path):
    manifest = tmp_path / "m.csv"
    manifest.write_text("picture,patient,study_date,creatinine,age\n")
    with pytest.raises(DataError, match="lacks the columns creatinine_date, sex, creatinine_unit; or give --unit"):
        run(manifest, tmp_path / "out", program(tmp_path))
    with pytest.raises(DataError, match="lacks the columns creatinine_date, sex, black$"):
        run(manifest, tmp_path / "out", program(tmp_path), "--unit", "mg/dL", "--race-term")
    manifest.write_text("")
    with pytest.raises(DataError, match="lacks the columns picture"):
        run(manifest, tmp_path / "out", program(tmp_path))
    with pytest.raises(SystemExit):
        run(manifest, tmp_path / "out", program(tmp_path), "--unit", "mol")


def test_given_a_patient_in_both_splits_expect_leakage_refused_and_the_patient_not_named(clinic):
    rows = [row | {"split": "train"} for row in people(2)] + [row | {"split": "test"} for row in people(2)]
    with pytest.raises(DataError, match=":4: its patient is in test here and in train on line 2: leakage") as raised:
        clinic(rows)
    assert "MRN" not in str(raised.value)


def test_given_one_picture_for_two_patients_expect_leakage_refused(clinic, tmp_path):
    with pytest.raises(DataError, match="lines 2 and 3 give one picture to two patients"):
        clinic([row | {"grey": 50} for row in people(2)])
    assert not (tmp_path / "out").exists()


def test_given_one_class_or_an_empty_part_expect_it_named(clinic):
    with pytest.raises(DataError, match="all 2 pictures left in train are not below eGFR 60"):
        clinic([row | {"creatinine": "0.8"} for row in people(2)])
    with pytest.raises(DataError, match="no picture is left; 2 of 2: no length annotation"):
        clinic([row | {"picture": f"r{n}.png", "sees": REFUSED} for n, row in enumerate(people(2))])
    with pytest.raises(DataError, match="no picture is left for training"):
        clinic([row | {"split": "test"} for row in people(2)])
    with pytest.raises(DataError, match="left with eGFR below 60: 2, too few to test on 90% of them"):
        clinic(people(4), "--test-share", "0.9")
    with pytest.raises(DataError, match="left with eGFR below 60: 0, too few"):
        clinic([row | {"creatinine": "0.8"} for row in people(4)], "--test-share", "0.2")


@pytest.mark.parametrize(
    "argument", ["--size=0", "--size=-3", "--days=x", "--test-share=1", "--test-share=-0.1", "--unit=g"]
)
def test_given_an_argument_that_cannot_be_expect_it_named(clinic, capsys, argument):
    with pytest.raises(SystemExit, match="2"):
        clinic(people(4), argument)
    assert argument.split("=")[0] in capsys.readouterr().err


def test_given_a_share_expect_test_patients_apart_and_drawn_from_both_sides(clinic):
    rows = [row | {"study_date": f"2026-03-{day}"} for row in people(8) for day in (10, 11)]
    out = clinic(rows, "--test-share", "0.25")
    train, test = read_truth(out / "train"), read_truth(out / "test")
    assert (train.patient_count, test.patient_count, len(test.crop)) == (6, 2, 4)
    assert sorted(test.ckd) == [0, 0, 1, 1]
    names = lambda part: {json.loads(line)["patient"] for line in (out / part / "truth.jsonl").open()}  # noqa: E731
    assert not names("train") & names("test")


def test_given_a_key_expect_the_same_pseudonyms_again_and_without_one_others(clinic, tmp_path):
    names = lambda out: {json.loads(line)["patient"] for line in (out / "train/truth.jsonl").open()}  # noqa: E731
    key = tmp_path / "key"
    first, second = (names(clinic(people(2), "--key", key, out=out)) for out in "ab")
    assert first == second and first != names(clinic(people(2), out="c"))
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    key.write_text("short")
    with pytest.raises(DataError, match="is no key of pseudonyms"):
        clinic(people(2), "--key", key, out="d")


def test_given_a_killed_run_expect_it_to_go_on_with_what_was_seen(clinic, tmp_path, monkeypatch):
    log = tmp_path / "stand-in.log"

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(prepare, "_write_part", kill)
        with pytest.raises(KeyboardInterrupt):
            clinic(people(4))
    assert len(log.read_text().splitlines()) == 4 and not (tmp_path / "out").exists()
    # One more picture is all that is new.
    out = clinic(people(5))
    assert len(log.read_text().splitlines()) == 5 and len(read_truth(out / "train").crop) == 5
    with pytest.raises(DataError, match="stands already"):
        clinic(people(5))


@pytest.mark.parametrize("broken", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut", b"\0" * 128 + b"DICM cut"])
def test_given_a_picture_that_is_none_expect_its_name_and_nothing_written(clinic, tmp_path, broken):
    (tmp_path / "clinic" / "0.png").write_bytes(broken)
    with pytest.raises(DataError, match="0.png: is (no picture|broken DICOM|DICOM without)"):
        clinic(people(2))
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_given_dicom_expect_the_same_pixels_whatever_its_colours(tmp_path):
    rng = np.random.default_rng(1)
    colour, grey = rng.integers(0, 256, (8, 6, 3), np.uint8), rng.integers(0, 256, (8, 6), np.uint8)
    assert np.array_equal(screens.pixels(hospital.write_dicom(tmp_path / "c", colour)), colour)
    three = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(screens.pixels(hospital.write_dicom(tmp_path / "g", grey)), three)
    inverse = hospital.write_dicom(tmp_path / "i", grey, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(screens.pixels(inverse), 255 - three)
    with pytest.raises(screens.SeveralFrames):
        screens.pixels(hospital.write_dicom(tmp_path / "s", np.stack([colour, colour])))
    with pytest.raises(DataError, match="has 12 bits a pixel"):
        wide = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelData": grey.astype("<u2").tobytes()}
        screens.pixels(hospital.write_dicom(tmp_path / "w", grey, **wide))
    with pytest.raises(DataError, match="its pixels cannot be read"):
        screens.pixels(hospital.write_dicom(tmp_path / "x", grey, PixelData=b"\0\0"))


def test_given_a_folder_of_dicom_expect_a_manifest_that_prepare_takes(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    header = {"PatientID": "MRN1", "StudyDate": "20260310", "PatientSex": "F"}
    hospital.write_dicom(folder / "IM1", screen(MEASURED, 50), PatientAge="061Y", **header)
    hospital.write_dicom(folder / "IM2", screen(MEASURED, 60), PatientBirthDate="19650311", **header)
    (folder / "notes.txt").write_text("no picture")
    assert list_pictures(folder, tmp_path / "m.csv") == 2
    rows = list(csv.DictReader((tmp_path / "m.csv").open()))
    assert [(row["picture"], row["age"], row["sex"]) for row in rows] == [
        ("export/IM1", "61", "F"),
        ("export/IM2", "60", "F"),
    ]
    with pytest.raises(DataError, match="stands already"):
        list_pictures(folder, tmp_path / "m.csv")
    for row, creatinine in zip(rows, ("0.8", "3.0")):
        row |= {"creatinine": creatinine, "creatinine_unit": "mg/dL", "creatinine_date": "20260311"}
    with open(tmp_path / "m.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    out = run(tmp_path / "m.csv", tmp_path / "out", program(tmp_path))
    assert sorted(load_crops(read_truth(out / "train"), SIZE)[:, 9, 9, 0]) == [50, 60]


def test_given_reasons_expect_the_most_frequent_first():
    counted = flow.Flow(5)
    counted.leave_out("gone", ["b", "a", "b"])
    assert counted.text() == "5 pictures in the manifest\n  - 3 gone\n      2 b\n      1 a\n  = 2"
