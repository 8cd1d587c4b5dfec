"""What `sonogfr` sees of pictures, and the crops that it cuts: the one implementation of both, run as a program."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .data import DataError

# A call takes 0.7 s to start and then 0.06 s a picture; of more a call the progress bar would hear nothing for long.
PICTURES_A_CALL = 32


@dataclass(frozen=True)
class Seen:
    """What the program saw of one picture."""

    refusal: str | None
    """Its reason, in the program's words; none where it measured."""
    length_cm: float | None
    """By the ruler, else as printed; none where neither tells."""


class Program:
    """The `sonogfr` program."""

    def __init__(self, path: str | None):
        """Finds it: `path`, else that of $PATH. Errors: there is none, or it does not run."""
        found = shutil.which(path or "sonogfr")
        if found is None:
            raise DataError(f"{path or 'sonogfr'}: no such program; build it and name it with --sonogfr FILE")
        self.path = found
        # Crops cut by another version may differ: what was seen is kept by this line.
        self.version = self._run("--version").stdout.strip()

    def _run(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        try:
            return subprocess.run([self.path, *arguments], capture_output=True, text=True, check=False)
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror}") from error

    def inspect(self, pictures: list[Path], crops: Path, size: int) -> list[tuple[Seen, Path]]:
        """What it sees of each picture, and where in `crops` it puts the crop, `size` wide and high, if it measures it.
        Errors: one that it cannot read."""
        done = self._run("inspect", "--json", "--crops", crops, "--size", str(size), *pictures)
        if done.returncode != 0:
            raise DataError(done.stderr.strip().splitlines()[0] if done.stderr.strip() else f"{self.path} failed")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        if len(rows) != len(pictures):
            raise DataError(f"{self.path} answered {len(rows)} of {len(pictures)} pictures")
        return [(_seen(row), crops / f"{place:06d}.png") for place, row in enumerate(rows)]


def _seen(row: dict) -> Seen:
    if row["outcome"] != "measured":
        return Seen(row["refusal"]["reason"], None)
    length = row["length"] or {}
    by_ruler, by_text = length.get("by_ruler_cm"), length.get("by_text_cm")
    return Seen(None, by_text if by_ruler is None else by_ruler)
