"""What int8 may change of an ensemble's answers. Numbers in, numbers out.

The largest change is what counts: r hardly moves when a single picture is said 8 mL/min/1.73 m2 too low.
"""

from dataclasses import dataclass

import numpy as np

from .metrics import STAGE_EDGES

# Of the mean of all members on any picture, mL/min/1.73 m2.
EGFR_CHANGE_MAX = 1.0
# Of the pictures whose G-stage is another one; a single one may be, as it is more than this of a few and tells nothing.
STAGE_CHANGE_MAX = 0.01
# How many pictures, those that the ensemble changes most on, tell which layer it comes from.
WORST_PICTURES = 20


@dataclass(frozen=True)
class Change:
    """What int8 changes of an ensemble's answers on k pictures."""

    pictures: int
    largest: float
    """Of eGFR, mL/min/1.73 m2."""
    stages: float
    """Share of the pictures whose G-stage is another one."""
    worst_member: int
    worst: np.ndarray
    """Places in the k pictures where eGFR changes most, the most changed first."""

    @property
    def passed(self) -> bool:
        stages_max = max(STAGE_CHANGE_MAX, 1 / self.pictures)
        return self.largest <= EGFR_CHANGE_MAX and self.stages <= stages_max

    def __str__(self) -> str:
        return (
            f"int8 moves eGFR by up to {self.largest:.2f} mL/min/1.73 m2 (at most {EGFR_CHANGE_MAX:g} may be) and "
            f"{self.stages:.1%} of {self.pictures} pictures into another G-stage "
            f"(at most {STAGE_CHANGE_MAX:.0%}, or one)"
        )


def change(int8: np.ndarray, whole: np.ndarray) -> Change:
    """Compares eGFR by int8 and by float members, [members, k] each, mL/min/1.73 m2."""
    said, meant = int8.mean(axis=0), whole.mean(axis=0)
    moved = np.abs(said - meant)
    worst = np.argsort(-moved)[:WORST_PICTURES]
    stage = lambda egfr: np.digitize(egfr, STAGE_EDGES)  # noqa: E731
    stages, largest = float((stage(said) != stage(meant)).mean()), float(moved[worst[0]])
    # One far picture has one member to blame; many that move a little, the member that moves most in general.
    by_member = np.abs(int8 - whole)
    blame = by_member[:, worst[0]] if largest > EGFR_CHANGE_MAX else by_member.mean(axis=1)
    return Change(len(said), largest, stages, int(np.argmax(blame)), worst)
