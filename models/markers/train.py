"""Trains the judge of markers: python3 train.py TRAIN_DIR[,TRAIN_DIR...] VALID_DIR[,VALID_DIR...] OUT.bin [CROSSES.bin] (see README.md).

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
    + [("x", "<f4"), ("y", "<f4"), ("axis", "<f4"), ("glimpse", "u1", (16, 16)), ("patch", "u1", (32, 32))]
)
CROSS, TEE, ARROW = range(3)
OWN = ("cross", "tee", "arrow")
KINDS = {"plus": CROSS, "x": CROSS, "gapped_plus": CROSS, "boxed_plus": CROSS, "tee": TEE, "arrow": ARROW}
# Screens with a marker whose place truth.jsonl does not have.
UNTOLD = {"one_marker", "cut_by_picture", "cut_by_echo"}
NEAR_PX, LEFT_OUT_PX = 2.6, 5.0
TURNED = 0.55
# As in src/overlay/judge.rs and net.rs.
INK, REACH, STROKE = 64.0, 6.0, 2.0
SEED = 5
# Of other places this part is held in memory.
OTHERS_KEPT = 0.7
# Epochs and batches of the first network and of the second, and how many others the first sees in an epoch.
EPOCHS, BATCHES, GLANCED = (6, 10), (1024, 256), 700_000
# The second network learns from the others that the first finds likeliest, so many for a marker's place.
HANDED = 16
# After these epochs the hardest of them are sought again.
SEEK_AFTER = (0, 2, 5)


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


def truths(folders):
    for folder in folders.split(","):
        with open(os.path.join(folder, "truth.jsonl"), encoding="utf-8") as file:
            for truth in map(json.loads, file):
                name = os.path.basename(truth["picture"]).replace(".png", ".bin")
                if truth["reason"] not in UNTOLD:
                    yield truth, os.path.join(folder, "marks", name)


def load(folders, rng, others_kept):
    """All marker's places of folders and a part of the others."""
    parts = []
    for truth, path in truths(folders):
        places = np.fromfile(path, PLACE)
        label, where = labelled(places, truth)
        kept = (label == 1) | ((label == 0) & (rng.random(len(places)) < others_kept))
        parts.append((places[kept], label[kept], where[kept]))
    return [np.concatenate(part) for part in zip(*parts)]


def prepared(patches):
    x = torch.from_numpy(patches).float()
    return (x - x.mean((1, 2), keepdim=True))[:, None] / INK


class First(nn.Module):
    look = "glimpse"

    def __init__(self):
        super().__init__()
        shapes = [(1, 8, 3, 2), (8, 16, 3, 2)]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2) for a, b, k, s in shapes)
        self.hidden, self.out = nn.Linear(256, 16), nn.Linear(16, 3)

    def forward(self, x):
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return self.out(F.relu(self.hidden(x.flatten(1))))


class Second(nn.Module):
    look = "patch"

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


def disturbed(x, where):
    """Mirrored at the axis, as all kinds are alike on both sides of it, with more or less ink and with noise."""
    flipped = torch.rand(len(x)) < 0.5
    x = torch.where(flipped[:, None, None, None], x.flip(2), x)
    where = where.clone()
    where[flipped, 1:3] *= -1
    x = x * torch.exp(torch.empty(len(x), 1, 1, 1).uniform_(-0.4, 0.25))
    if torch.rand(1) < 0.3:
        x = x + torch.randn_like(x) * torch.rand(1) * 0.08
    return x, where


def loss_of(net, places, label, where):
    x, where = disturbed(prepared(places[net.look]), torch.from_numpy(where))
    is_marker = torch.from_numpy(label == 1).float()
    out = net(x)
    judged = F.binary_cross_entropy_with_logits(own(out, places["kind"]), is_marker)
    if out.shape[1] == len(OWN):
        return judged
    off = F.smooth_l1_loss(out[:, len(OWN) :], where, reduction="none", beta=0.3).sum(1)
    return judged + 0.5 * (off * is_marker).sum() / is_marker.sum().clamp(1)


@torch.no_grad()
def judged(net, places):
    batches = [places[start : start + 4096] for start in range(0, len(places), 4096)]
    return np.concatenate([own(net(prepared(some[net.look])), some["kind"]).numpy() for some in batches])


def fit(net, epochs, batch, order_of, data, after):
    """`order_of` says which places an epoch sees; `after` is told of its end."""
    places, label, where = data
    steps = len(order_of(0)) // batch
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        order = order_of(epoch)
        for start in range(0, steps * batch, batch):
            some = np.sort(order[start : start + batch])
            loss = loss_of(net, places[some], label[some], where[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
        after(epoch)


def report(epoch, net, places, label):
    odds = judged(net, places)
    for kind, name in enumerate(OWN):
        mine, other = (label == 1) & (places["kind"] == kind), (label == 0) & (places["kind"] == kind)
        if not mine.any():
            print(f"{net.look} {epoch} {name}: none to check on; give more carts", flush=True)
            continue
        limits = np.percentile(odds[mine], [0.3, 1.0])
        kept = [f"{(odds[other] > limit).mean():.4f} (log-odds {limit:.2f})" for limit in limits]
        print(
            f"{net.look} {epoch} {name}: {mine.sum()} places, {(odds[mine] < 0).mean():.4f} missed, "
            f"{(odds[other] > 0).mean():.5f} of others taken; keeping 99.7% / 99% keeps of others: " + " / ".join(kept),
            flush=True,
        )


def values_of(net):
    """As src/overlay/net.rs reads them: inputs before outputs, channels last."""
    parts = []
    for layer in net.convolutions:
        parts += [layer.weight.permute(2, 3, 1, 0), layer.bias]
    channels = net.convolutions[-1].out_channels
    parts += [net.hidden.weight.view(-1, channels, 4, 4).permute(2, 3, 1, 0), net.hidden.bias]
    parts += [net.out.weight.T, net.out.bias]
    return np.concatenate([part.detach().contiguous().numpy().astype("<f4").ravel() for part in parts])


def save(path, first, second, crosses):
    """The first look, the second at tees and arrows, and the second at crosses: the last of the file `crosses` if one is given."""
    turned = values_of(second)
    own = turned if crosses is None else np.fromfile(crosses, "<f4")[-len(turned) :]
    np.concatenate([values_of(first), turned, own]).tofile(path)


def main(train, valid, out, crosses=None):
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    checked, checked_label, _ = load(valid, rng, 1.0)
    data = load(train, rng, OTHERS_KEPT)
    places, label, _ = data
    mine, others = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    first, second = [net.to(memory_format=torch.channels_last) for net in (First(), Second())]

    def glanced(_):
        # A marker's place counts as much as several others: what the first look drops is lost.
        return rng.permutation(np.concatenate([np.repeat(mine, 4), rng.choice(others, min(len(others), GLANCED), False)]))

    fit(first, EPOCHS[0], BATCHES[0], glanced, data, lambda epoch: report(epoch, first, checked, checked_label))
    odds = judged(first, places)

    def likeliest(kind):
        own = others[places["kind"][others] == kind]
        return own[np.argsort(-odds[own])[: HANDED * (places["kind"][mine] == kind).sum()]]

    handed = np.concatenate([likeliest(kind) for kind in range(len(OWN))])
    hard = rng.choice(handed, min(len(handed), 3 * len(mine)), False)

    def looked(_):
        some = rng.choice(handed, min(len(handed), 2 * len(mine)), False)
        return rng.permutation(np.concatenate([mine, some, hard]))

    def seek(epoch):
        nonlocal hard
        report(epoch, second, checked, checked_label)
        save(out, first, second, crosses)
        if epoch in SEEK_AFTER:
            hard = handed[np.argsort(-judged(second, places[handed]))[: len(hard)]]

    fit(second, EPOCHS[1], BATCHES[1], looked, data, seek)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
