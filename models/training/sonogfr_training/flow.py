"""The flow chart of a data set: how many pictures there were, what each step left out, what stayed."""

from dataclasses import dataclass, field
from pathlib import Path

from .store import write_whole


@dataclass
class Flow:
    """Counts of pictures; `steps` in the order in which they were taken."""

    pictures: int
    """In the manifest."""
    steps: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    """What was left out, and of it how many for each reason; one reason has the step's own name."""
    kept: list[str] = field(default_factory=list)
    """A line for each part of what stayed."""

    def leave_out(self, step: str, reasons: list[str]) -> None:
        """Counts pictures left out by `step`, one reason each."""
        counts = {
            reason: reasons.count(reason) for reason in sorted(set(reasons), key=lambda r: (-reasons.count(r), r))
        }
        self.steps.append((step, counts))

    def text(self) -> str:
        """For a person, a log and the bundle's card."""
        left = self.pictures
        lines = [f"{left} pictures in the manifest"]
        for step, counts in self.steps:
            gone = sum(counts.values())
            left -= gone
            lines.append(f"  - {gone} {step}")
            if list(counts) != [step]:
                lines += [f"      {count} {reason}" for reason, count in counts.items()]
            lines.append(f"  = {left}")
        return "\n".join([*lines, *self.kept])

    def draw(self, path: Path) -> None:
        """The same as a picture: what stays on the left, what is left out on the right."""
        # Loaded here: it takes a second, and only this needs it. No display is at hand.
        from matplotlib.figure import Figure

        boxes = [
            (step, sum(counts.values()), [] if list(counts) == [step] else list(counts.items()))
            for step, counts in self.steps
        ]
        heights = [1.15 + 0.32 * len(reasons) for _, _, reasons in boxes]
        kept_height = 0.55 + 0.32 * len(self.kept)
        tall = 1.1 + sum(heights) + kept_height + 0.3
        figure = Figure(figsize=(10, tall * 0.75), dpi=110, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(0, tall))
        axes.axis("off")
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "#404040"}
        arrow = {"arrowstyle": "-|>", "color": "#404040", "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
        say = lambda x, y, text, **more: axes.text(  # noqa: E731
            x, y, text, bbox=box, fontsize=11, va="center", zorder=2, **more
        )
        y, left = tall - 0.7, self.pictures
        say(2.2, y, f"{left} pictures in the manifest", ha="center")
        for (step, gone, reasons), height in zip(boxes, heights):
            below = y - height
            axes.annotate("", (2.2, below + 0.32), (2.2, y - 0.3), arrowprops=arrow)
            middle = (y + below) / 2
            axes.annotate("", (4.3, middle), (2.2, middle), arrowprops=arrow)
            lines = [f"{gone} {step}", *[f"    {count} {reason}" for reason, count in reasons]]
            say(4.45, middle, "\n".join(lines), ha="left", linespacing=1.35)
            left, y = left - gone, below
            if (step, gone, reasons) != boxes[-1]:
                say(2.2, y, f"{left} pictures", ha="center")
        say(
            2.2, y - (kept_height - 0.6) / 2, "\n".join([f"{left} pictures", *self.kept]), ha="center", linespacing=1.35
        )
        write_whole(path, lambda draft: figure.savefig(draft, format="png"))
