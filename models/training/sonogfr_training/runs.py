"""What a run is made of: its settings, its files, the jobs it hands to workers. Light: every process loads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

DEPTHS = (18, 34, 50, 101)
"""Layers that a ResNet may have here."""
HEADS = ("small", "kuo2019")
"""Names of the full layers behind the pooled features: of one hidden layer, or the authors'."""
BEFORE_DEPTHS = {"depth": 18, "head": "small"}
"""What all networks were before there was a choice, which older files do not tell."""


@dataclass(frozen=True)
class Settings:
    """Everything but the data that decides what a network becomes. Unchanged, those of Kuo et al. 2019, but for epochs,
    batch and rates, which are ours."""

    size: int = 224
    """Width and height of the crops, a multiple of 32."""
    depth: int = 101
    """One of `DEPTHS`."""
    head: str = "kuo2019"
    """One of `HEADS`."""
    width: float = 1.0
    """Channels relative to the ResNet's own."""
    epochs: int = 8
    batch: int = 64
    lr: float = 2e-4
    """The highest rate of the one-cycle schedule."""
    weight_decay: float = 0.02
    precision: str = "float32"
    """Of the convolutions while training: "bf16" or "float32"."""
    seed: int = 1
    init_weights: str | None = None
    """SHA-256 of the file of weights that the network begins with, none for random ones."""
    length_input: bool = False
    """Whether head and trees see the kidney's length in cm beside the pooled features."""
    labels: str = "egfr"
    """What the network learns to say: "egfr" as measured, or phantoms' "oracle", its mean over kidneys like this."""

    @classmethod
    def of(cls, found: dict) -> Settings:
        """Those that a run or a network in a file was begun with."""
        return cls(**(BEFORE_DEPTHS | found))

    @property
    def feature_count(self) -> int:
        """How many pooled features the network has: its last stage's channels, fourfold behind bottlenecks."""
        return int(64 * self.width) * 8 * (4 if self.depth >= 50 else 1)


RELEASED = Settings(size=224, depth=101, head="kuo2019", width=1.0, epochs=0)
"""The network whose weights Kuo et al. 2019 released."""


@dataclass(frozen=True)
class Run:
    """The files under OUT; {n} is a member."""

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.json"

    @property
    def patients(self) -> Path:
        """The data's names of the patients who were trained or judged on; none of them may be tested on."""
        return self.folder / "patients.json"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    def trained(self, n: int) -> Path:
        return self.folder / "members" / f"{n}.pt"

    def float_network(self, n: int) -> Path:
        return self.folder / "float" / f"{n}.onnx"

    def float_outputs(self, n: int) -> Path:
        return self.folder / "float" / f"{n}.npz"

    def outputs(self, n: int) -> Path:
        return self.folder / "outputs" / f"{n}.npz"

    def likeness(self, n: int) -> Path:
        return self.folder / "likeness" / f"{n}.json"

    def raw_outputs(self, n: int) -> Path:
        """What an imported member says before it is known which way its probability points."""
        return self.folder / "raw" / f"{n}.npz"

    def network(self, n: int) -> Path:
        return self.bundle / "members" / f"{n}.onnx"

    def trees(self, n: int) -> Path:
        return self.bundle / "members" / f"{n}.json"

    def table(self, n: int) -> Path:
        """In place of `trees`, where the member comes out of a built bundle."""
        return self.bundle / "members" / f"{n}.trees"


@dataclass(frozen=True)
class TrainJob:
    """One network to train into `result`; `member` is none for the starting network."""

    data: Path
    cache: Path
    result: Path
    settings: Settings
    member: int | None
    init_weights: Path | None
    threads: int
    device: str
    """"cpu" or "cuda"."""
    line: int
    """The terminal line of the job's progress bar."""


@dataclass(frozen=True)
class MemberJob:
    """One trained member to export, to grow trees on, or to evaluate."""

    data: Path
    run: Run
    settings: Settings
    member: int
    kind: str
    """"int8" or "float": the file that an evaluation runs."""
    line: int


@dataclass(frozen=True)
class ImportJob(MemberJob):
    """A member to make from the weights and the booster that Kuo et al. 2019 released."""

    weights: Path
    booster: Path


@dataclass(frozen=True)
class PicturesJob(MemberJob):
    """A member to run on some pictures."""

    pictures: np.ndarray
    """[k] indices into the data."""
