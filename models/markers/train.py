"""Trains the judge of markers: python3 train.py TRAIN_DIR[,TRAIN_DIR...] VALID_DIR OUT.bin (see README.md).

Each folder is one that `sonogfr carts --marks` wrote. A place is a marker's if an end of its kind lies within 2.6 pixels of
its plane in about its direction; places a little farther off are left out, and so are screens with a marker whose place the
truth does not tell. Needs numpy and torch.
"""

import json
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PLACE = np.dtype(
    [("kind", "u1"), ("scale", "u1"), ("step", "u1"), ("pad", "u1")]
    + [("x", "<f4"), ("y", "<f4"), ("axis", "<f4"), ("patch", "u1", (32, 32))]
)
CROSS, TEE, ARROW = range(3)
KINDS = {"plus": CROSS, "x": CROSS, "gapped_plus": CROSS, "boxed_plus": CROSS, "tee": TEE, "arrow": ARROW}
# Screens with a marker whose place truth.jsonl does not have.
UNTOLD = {"one_marker", "cut_by_picture", "cut_by_echo"}
NEAR_PX, LEFT_OUT_PX = 2.6, 5.0
TURNED = 0.42
# As in src/overlay/judge.rs and net.rs.
INK, REACH, STROKE = 64.0, 6.0, 2.0
EPOCHS, BATCH, SEED = 9, 256, 5
# After these epochs the hardest others are sought again.
SEEK_AFTER = (1, 3, 6)
SOUGHT = 300_000


def scaled(truth):
    steps = [d for d in truth["damage"] if d["kind"] == "scaled"]
    return (steps[0]["x"] + steps[0]["y"]) / 2 if steps else 1.0


def ends(truth):
    for pair in truth["pairs"]:
        a, b = [(end["x"], end["y"]) for end in pair["ends"]]
        yield pair["shape"], a, b
        yield pair["shape"], b, a


def labelled(places, truth):
    """1 for a marker's place, 0 for another, -1 for what is left out; and where the marker is from there."""
    label = np.zeros(len(places), "i1")
    where = np.zeros((len(places), 5), "f4")
    by = scaled(truth)
    stroke = truth["marker"]["stroke"] * by
    reach = truth["marker"]["arm"] * by + stroke / 2
    for shape, (x, y), partner in ends(truth):
        dx, dy = (x - places["x"]) / places["scale"], (y - places["y"]) / places["scale"]
        off = np.hypot(dx, dy)
        own = places["kind"] == KINDS[shape]
        if KINDS[shape] == CROSS:
            turn = np.zeros(len(places))
            own &= np.abs(places["axis"] - (np.pi / 4 if shape == "x" else 0.0)) < 0.1
        else:
            towards = np.arctan2(partner[1] - y, partner[0] - x)
            turn = (towards - places["axis"] + np.pi) % (2 * np.pi) - np.pi
        here = own & (np.abs(turn) < TURNED) & (off <= NEAR_PX)
        beside = (places["kind"] == KINDS[shape]) & (off <= LEFT_OUT_PX) & ~here
        label[beside & (label == 0)] = -1
        label[here] = 1
        cos, sin = np.cos(places["axis"]), np.sin(places["axis"])
        sizes = [np.log(reach / places["scale"] / REACH), np.log(stroke / places["scale"] / STROKE)]
        values = np.stack([dx * cos + dy * sin, -dx * sin + dy * cos, turn, *sizes], 1)
        where[here] = values[here]
    return label, where


def load(folder, rng, others_kept):
    """All marker's places of a folder and a part of the others."""
    parts = []
    with open(os.path.join(folder, "truth.jsonl"), encoding="utf-8") as file:
        for line in file:
            truth = json.loads(line)
            name = os.path.basename(truth["picture"]).replace(".png", ".bin")
            path = os.path.join(folder, "marks", name)
            if truth["reason"] in UNTOLD or not os.path.exists(path):
                continue
            places = np.fromfile(path, PLACE)
            label, where = labelled(places, truth)
            kept = (label == 1) | ((label == 0) & (rng.random(len(places)) < others_kept))
            parts.append((places[kept], label[kept], where[kept]))
    return [np.concatenate(part) for part in zip(*parts)]


def prepared(patches):
    x = torch.from_numpy(patches).float()
    return (x - x.mean((1, 2), keepdim=True))[:, None] / INK


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 24), nn.Linear(24, 3)

    def forward(self, x):
        seen = F.avg_pool2d(x[:, :, 8:24, 8:24], 2).flatten(1)
        return self.b(F.relu(self.a(seen - seen.mean(1, keepdim=True))))


class Second(nn.Module):
    def __init__(self):
        super().__init__()
        shapes = [(1, 12, 5, 2), (12, 16, 3, 1), (16, 24, 3, 2), (24, 32, 3, 1), (32, 32, 3, 2)]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2) for a, b, k, s in shapes)
        self.hidden, self.out = nn.Linear(512, 32), nn.Linear(32, 8)

    def forward(self, x):
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return self.out(F.relu(self.hidden(x.flatten(1))))


def own(outputs, kinds):
    """The log-odds of each place's own kind."""
    return outputs.gather(1, torch.from_numpy(kinds.astype("i8"))[:, None])[:, 0]


def loss_of(first, second, places, label, where):
    x = prepared(places["patch"])
    # All kinds are alike on both sides of their axis.
    flipped = torch.rand(len(x)) < 0.5
    x = torch.where(flipped[:, None, None, None], x.flip(2), x)
    where = torch.from_numpy(where.copy())
    where[flipped, 1:3] *= -1
    x = x * torch.exp(torch.empty(len(x), 1, 1, 1).uniform_(-0.4, 0.25))
    if torch.rand(1) < 0.3:
        x = x + torch.randn_like(x) * torch.rand(1) * 0.08
    is_marker = torch.from_numpy(label == 1).float()
    out = second(x)
    judged = F.binary_cross_entropy_with_logits(own(out, places["kind"]), is_marker)
    off = F.smooth_l1_loss(out[:, 3:], where, reduction="none", beta=0.3).sum(1)
    placed = (off * is_marker).sum() / is_marker.sum().clamp(1)
    glanced = F.binary_cross_entropy_with_logits(own(first(x), places["kind"]), is_marker)
    return judged + 0.5 * placed + 0.3 * glanced


@torch.no_grad()
def judged(first, second, places):
    out = []
    for start in range(0, len(places), 4096):
        some = places[start : start + 4096]
        x = prepared(some["patch"])
        out.append(np.stack([own(second(x), some["kind"]), own(first(x), some["kind"])], 1))
    return np.concatenate(out)


def report(epoch, first, second, places, label):
    odds = judged(first, second, places)
    for kind, name in enumerate(["cross", "tee", "arrow"]):
        mine, other = (label == 1) & (places["kind"] == kind), (label == 0) & (places["kind"] == kind)
        if not mine.any():
            print(f"epoch {epoch} {name}: none to check on; give more carts", flush=True)
            continue
        limits = np.percentile(odds[mine, 1], [0.3, 1.0])
        kept = [f"{(odds[other, 1] > limit).mean():.3f} (log-odds {limit:.2f})" for limit in limits]
        print(
            f"epoch {epoch} {name}: {mine.sum()} places, {(odds[mine, 0] < 0).mean():.4f} missed, "
            f"{(odds[other, 0] > 0).mean():.5f} of others taken; others that a first look keeping 99.7% / 99% keeps: "
            + " / ".join(kept),
            flush=True,
        )


def save(path, first, second):
    """As src/overlay/net.rs reads them: inputs before outputs, channels last."""
    parts = []
    for layer in (first.a, first.b):
        parts += [layer.weight.T, layer.bias]
    for layer in second.convolutions:
        parts += [layer.weight.permute(2, 3, 1, 0), layer.bias]
    parts += [second.hidden.weight.view(32, 32, 4, 4).permute(2, 3, 1, 0), second.hidden.bias]
    parts += [second.out.weight.T, second.out.bias]
    np.concatenate([part.detach().contiguous().numpy().astype("<f4").ravel() for part in parts]).tofile(path)


def main(train, valid, out):
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    checked, checked_label, _ = load(valid, rng, 1.0)
    loaded = [load(folder, rng, 0.6) for folder in train.split(",")]
    places, label, where = [np.concatenate(part) for part in zip(*loaded)]
    mine, others = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    turned = mine[places["kind"][mine] != CROSS]
    # Tees and arrows are rare: they come several times an epoch.
    again = np.repeat(turned, max(0, min(3, len(mine) // (2 * max(1, len(turned))) - 1)))
    hard = rng.choice(others, min(len(others), 3 * len(mine)), replace=False)
    first, second = First(), Second()
    steps = (len(again) + 2 * len(mine) + len(hard)) // BATCH
    weights = [*first.parameters(), *second.parameters()]
    optimiser = torch.optim.AdamW(weights, 2e-3, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=EPOCHS * (steps + 2))
    for epoch in range(EPOCHS):
        order = np.concatenate([mine, again, rng.choice(others, len(mine), replace=False), hard])
        rng.shuffle(order)
        for start in range(0, steps * BATCH, BATCH):
            some = np.sort(order[start : start + BATCH])
            loss = loss_of(first, second, places[some], label[some], where[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
        report(epoch, first, second, checked, checked_label)
        save(out, first, second)
        if epoch in SEEK_AFTER:
            some = rng.choice(others, min(len(others), SOUGHT), replace=False)
            odds = judged(first, second, places[some])[:, 0]
            hardest = some[np.argsort(-odds)[: 2 * len(mine)]]
            hard = np.concatenate([hardest, rng.choice(others, len(mine), replace=False)])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
