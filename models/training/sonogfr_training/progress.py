"""What a network in training leaves behind after each epoch: where to go on from, and curves to look at.

Always holds: a run that was killed and called again ends with the same weights as one that was not, to the bit on a
CPU.
"""

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from .runs import TrainJob
from .store import write_whole


def identity(job: TrainJob, digest: str) -> dict:
    """What must be the same for a run to go on: anything else would be another network."""
    return {"data": digest, "member": job.member, "device": job.device, **asdict(job.settings)}


def write_state(path: Path, state: Any) -> None:
    """Writes what torch saves, whole or not at all. Errors: as `write_whole`."""
    # Through memory: torch says of a full disk "unexpected pos 576 vs 534".
    saved = io.BytesIO()
    torch.save(state, saved)
    write_whole(path, lambda draft: draft.write_bytes(saved.getbuffer()))


class Progress:
    """The file beside a job's result, and its curves for TensorBoard."""

    def __init__(self, job: TrainJob, digest: str, parts: dict, rng: np.random.Generator, chance: torch.Generator):
        """`parts` have a state to keep: network, optimiser, schedule."""
        self.file = job.result.with_suffix(".partial")
        self.identity, self.parts, self.rng, self.chance = identity(job, digest), parts, rng, chance
        self.cuda = job.device == "cuda"
        name = "start" if job.member is None else f"member-{job.member}"
        self.curves = job.result.parent.parent / "tensorboard" / name
        self.writer: SummaryWriter | None = None

    def resume(self) -> list[dict]:
        """Brings everything to where it stood and returns the epochs that are done; none where nothing usable is."""
        history: list[dict] = []
        try:
            kept = torch.load(self.file, weights_only=True, map_location="cpu")
        # Cut off, foreign or absent: the network begins anew, which is only slower.
        except Exception:
            kept = None
        if kept is not None and kept["identity"] == self.identity:
            for name, part in self.parts.items():
                part.load_state_dict(kept[name])
            self.rng.bit_generator.state = kept["rng"]
            self.chance.set_state(kept["chance"])
            torch.set_rng_state(kept["dropout"])
            if self.cuda:
                torch.cuda.set_rng_state(kept["dropout_cuda"])
            history = kept["history"]
        # What an interrupted epoch wrote beyond that is taken back.
        self.writer = SummaryWriter(str(self.curves), purge_step=len(history))
        return history

    def keep(self, history: list[dict]) -> None:
        """Keeps the state after an epoch, and draws its figures."""
        kept = {name: part.state_dict() for name, part in self.parts.items()} | {
            "identity": self.identity, "history": history, "rng": self.rng.bit_generator.state,
            "chance": self.chance.get_state(), "dropout": torch.get_rng_state(),
        }  # fmt: skip
        if self.cuda:
            kept["dropout_cuda"] = torch.cuda.get_rng_state()
        write_state(self.file, kept)
        for name, value in history[-1].items():
            self.writer.add_scalar(name, value, len(history) - 1)
        self.writer.flush()

    def end(self) -> None:
        """Forgets the state, once the result stands."""
        self.writer.close()
        self.file.unlink(missing_ok=True)
