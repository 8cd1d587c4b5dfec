"""Stand-in crops: bright ellipses whose rim thins and whitens as eGFR falls. Enough to learn from, nothing more."""

import json
from pathlib import Path

import numpy as np
from PIL import Image


def crop(egfr: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """[size, size, 3] uint8."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    radius = np.hypot(x / 0.9, y / rng.uniform(0.4, 0.5))
    rim = np.clip(0.1 + egfr / 300 + rng.normal(0, 0.04), 0.05, 0.6)
    whiteness = np.clip(0.65 - egfr / 400 + rng.normal(0, 0.05), 0.1, 0.9)
    picture = np.where(radius < 1, whiteness, 0.3) + np.where(radius < 1 - rim, 0.2, 0)
    grey = np.clip(picture * rng.rayleigh(0.8, picture.shape) * 255, 0, 255).astype(np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    rgb[size // 2, [1, -2]] = (255, 255, 0)
    return rgb


def write(folder: Path, patients: int, size: int, seed: int) -> Path:
    """Writes a data folder with one to four pictures a patient; the oracle is the truth with noise on it."""
    rng = np.random.default_rng(seed)
    (folder / "crops").mkdir(parents=True)
    rows = []
    for patient in range(patients):
        egfr = float(rng.uniform(8, 115))
        for _ in range(rng.integers(1, 5)):
            name = f"crops/{len(rows):06d}.png"
            Image.fromarray(crop(egfr, size, rng)).save(folder / name)
            best = egfr + rng.normal(0, 10)
            oracle = {"egfr": best, "p_ckd": 1 / (1 + np.exp((best - 60) / 8))}
            oracle |= {f"{field}_without_scale": value for field, value in list(oracle.items())}
            row = {"crop": name, "patient": f"P{patient:06d}", "egfr": egfr, "length_cm": float(rng.normal(10, 1))}
            rows.append(json.dumps(row | {"oracle": oracle}))
    (folder / "truth.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
