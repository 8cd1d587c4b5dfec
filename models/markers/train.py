"""Trains the judge of markers (see README.md):

    python3 train.py pack DIR EARLIER.bin PACK.npy [REST]
    python3 train.py fit PACK.npy[,PACK.npy...] VALID.npy[,VALID.npy...] EARLIER.bin OUT.bin

DIR is a folder that `sonogfr carts --marks` wrote; its pack holds what is learned from: all markers' places, all other places of
crosses, those of others that the first look of EARLIER.bin finds likely, and of the rest this part (0.06 unless given).
A place is a marker's if an end of its kind lies within 2.6 pixels of its plane in about its direction; places a little farther
off are left out, and so are screens with a marker whose place the truth does not tell. Needs numpy and torch.
"""

import json
import os
import sys
import zlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PLACE = np.dtype(
    [("kind", "u1"), ("scale", "u1"), ("step", "u1"), ("pad", "u1")]
    + [("x", "<f4"), ("y", "<f4"), ("axis", "<f4"), ("glimpse", "u1", (16, 16)), ("patch", "u1", (32, 32))]
)
# What a pack holds of a place: whether it is a marker's, where the marker is from there, how wide its strokes are drawn, the
# earlier first look's log-odds, how many places it stands for, and how likely it is a marker's nonetheless.
FACTS = [("label", "i1"), ("where", "<f4", 5), ("stroke", "<f4"), ("odds", "<f4"), ("weight", "<f4"), ("soft", "<f4")]
PACKED = np.dtype(PLACE.descr + FACTS)
CROSS, TEE, ARROW = range(3)
OWN = ("cross", "tee", "arrow")
KINDS = {"plus": CROSS, "x": CROSS, "gapped_plus": CROSS, "boxed_plus": CROSS, "tee": TEE, "arrow": ARROW}
# Screens with a marker whose place truth.jsonl does not have.
UNTOLD = {"one_marker", "cut_by_picture", "cut_by_echo"}
NEAR_PX, LEFT_OUT_PX = 2.6, 5.0
TURNED = 0.55
# As in src/overlay/judge.rs, net.rs and marker.rs.
INK, REACH, STROKE, CLEAR_MIN = 64.0, 6.0, 2.0, 2.2
# Places that the earlier first look finds likelier than this are all kept, of others this part.
LIKELY, REST = -6.0, 0.06
# Seed, epochs and batches of the first network, of the second and of the one for crosses, and their highest rates of learning.
SEEDS, EPOCHS, BATCHES, RATES = (5, 5, 7), (6, 11, 8), (1024, 512, 512), (4e-3, 5e-3, 5e-3)
# A marker's place counts twice for the first, which sees so many others for one: what it drops is lost.
REPEATED, GLANCED = 2, 11
# The other networks learn from the others that the earlier first look finds likeliest, so many for a marker's place. Of them an epoch
# sees this many, and this many that are hardest, which are sought after these epochs and when so many are left.
HANDED, ANY, HARD = 16, 2, 3
SEEK_AFTER, SEEK_LEFT = (0, 2), 4
# Markers' places less than this off count so much more, and strokes of one pixel.
CLOSE_PX, CLOSE, THIN = 1.5, 1.5, 1.6
# After that each is trained on for so many epochs, at this highest rate. In these, places that the truth calls others but that the
# earlier networks take for crosses, as the corners of a region's box are, which are drawn as markers, are as likely as these say.
TUNED, TUNED_RATE, TUNED_SEEDS, DOUBTED, HARD_MIN = (2, 3), 1.5e-3, (10, 9), -1.0, -4.0
# So many of the patches of the second network, and of the one for crosses, are touched by something.
TOUCHED = (0.15, 0.2)
# Added to the log-odds of a cross, a tee and an arrow: of places of no marker about as many are clear ones as with earlier weights.
SHIFTS = (-0.6, -0.4, -0.4)


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


def truths(folder):
    with open(os.path.join(folder, "truth.jsonl"), encoding="utf-8") as file:
        for truth in map(json.loads, file):
            name = os.path.basename(truth["picture"]).replace(".png", ".bin")
            if truth["reason"] not in UNTOLD:
                yield truth, os.path.join(folder, "marks", name)


def pack(folder, earlier, out, rest=REST):
    first, rng = networks_of(earlier)[0], np.random.default_rng(zlib.crc32(folder.encode()))
    parts = []
    for truth, path in truths(folder):
        places = np.fromfile(path, PLACE)
        if not len(places):
            continue
        packed = np.zeros(len(places), PACKED)
        for name in PLACE.names:
            packed[name] = places[name]
        packed["label"], packed["where"] = labelled(places, truth)
        packed["stroke"], packed["odds"] = truth["marker"]["stroke"], judged(first, places)
        likely = (packed["odds"] > LIKELY) | (packed["kind"] == CROSS) | (packed["label"] == 1)
        packed["weight"] = np.where(likely, 1.0, 1.0 / float(rest))
        parts.append(packed[(packed["label"] >= 0) & (likely | (rng.random(len(packed)) < float(rest)))])
    np.save(out, np.concatenate(parts))


def load(packs):
    return np.concatenate([np.load(pack) for pack in packs.split(",")])


def prepared(patches):
    return levelled(torch.from_numpy(patches.copy()).float()[:, None])


def levelled(x):
    return (x - x.mean((2, 3), keepdim=True)) / INK


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


def touched(x, where, is_marker, part):
    """Some of the patches with what lies in others beyond a line past the strokes' ends, as a label or a line may touch them."""
    which = torch.nonzero(torch.rand(len(x)) < part)[:, 0]
    reach = torch.exp(where[:, 3].clamp(-1, 1.5)) * REACH
    if len(which) == 0 or not is_marker.any():
        return x
    drawn = reach[is_marker]
    own = torch.where(is_marker[which], reach[which], drawn[torch.randint(len(drawn), (len(which),))])
    off = (own * torch.empty(len(which)).uniform_(0.6, 1.3))[:, None, None]
    angle = (2 * np.pi * torch.rand(len(which)))[:, None, None]
    along = torch.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
    beyond = torch.cos(angle) * along[None, None, :] + torch.sin(angle) * along[None, :, None] > off
    other = x[torch.randint(len(x), (len(which),))].transpose(2, 3)
    x = x.clone()
    x[which] = torch.maximum(x[which], other * beyond[:, None])
    return x


def disturbed(x, where, is_marker, part):
    """Mirrored at the axis, as all kinds are alike on both sides of it, touched, with more or less ink and with noise."""
    flipped = torch.rand(len(x)) < 0.5
    x = torch.where(flipped[:, None, None, None], x.flip(2), x)
    where = where.clone()
    where[flipped, 1:3] *= -1
    x = levelled(touched(x, where, is_marker, part))
    x = x * torch.exp(torch.empty(len(x), 1, 1, 1).uniform_(-0.4, 0.25))
    if torch.rand(1) < 0.3:
        x = x + torch.randn_like(x) * torch.rand(1) * 0.08
    return x, where


def loss_of(net, places, part):
    is_marker = torch.from_numpy(places["label"] == 1)
    x = torch.from_numpy(places[net.look].copy()).float()[:, None]
    x, where = disturbed(x, torch.from_numpy(places["where"].copy()), is_marker, part)
    is_marker = is_marker.float()
    with torch.autocast("cpu", torch.bfloat16):
        out = net(x.contiguous(memory_format=torch.channels_last))
    out = out.float()
    wanted = torch.maximum(is_marker, torch.from_numpy(places["soft"].copy()))
    judged = F.binary_cross_entropy_with_logits(own(out, places["kind"]), wanted)
    if out.shape[1] == len(OWN):
        return judged
    off = F.smooth_l1_loss(out[:, len(OWN) :], where, reduction="none", beta=0.3).sum(1)
    return judged + 0.5 * (off * is_marker).sum() / is_marker.sum().clamp(1)


@torch.no_grad()
def judged(net, places):
    batches = [places[start : start + 4096] for start in range(0, len(places), 4096)]
    return np.concatenate([own(net(prepared(some[net.look])), some["kind"]).numpy() for some in batches])


def train(net, epochs, batch, highest, places, order_of, part, after):
    """`order_of` says which places an epoch sees; `after` is told of its end."""
    order = order_of()
    steps = len(order) // batch
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=epochs * steps)
    for epoch in range(epochs):
        for start in range(0, steps * batch, batch):
            loss = loss_of(net, places[np.sort(order[start : start + batch])], part)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
        after(epoch)
        order = order_of()[: steps * batch]


def report(epoch, net, places):
    odds = judged(net, places)
    for kind, name in enumerate(OWN):
        mine = (places["label"] == 1) & (places["kind"] == kind)
        other = (places["label"] == 0) & (places["kind"] == kind)
        if not mine.any():
            print(f"{net.look} {epoch} {name}: none to check on; give more carts", flush=True)
            continue
        taken = [np.average(odds[other] > limit, weights=places["weight"][other]) for limit in (0.0, CLEAR_MIN)]
        print(
            f"{net.look} {epoch} {name}: {mine.sum()} places, {(odds[mine] < 0).mean():.4f} missed, {taken[0]:.5f} of others taken; "
            f"clear: {(odds[mine] < CLEAR_MIN).mean():.4f} missed, {taken[1]:.5f} taken",
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


def networks_of(path):
    """The networks of a file as `values_of` gives them."""
    values, nets = torch.from_numpy(np.fromfile(path, "<f4")), [First(), Second(), Second()]
    for net in nets:
        channels = net.convolutions[-1].out_channels
        with torch.no_grad():
            for part in net.parameters():
                # Outputs first, then channels, then rows and columns.
                shape = (part.shape[0], channels, 4, 4) if part is net.hidden.weight else part.shape
                order = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[len(shape)]
                stored = [shape[i] for i in order]
                back = [order.index(i) for i in range(len(shape))]
                part.copy_(values[: part.numel()].view(stored).permute(back).reshape(part.shape))
                values = values[part.numel() :]
        net.to(memory_format=torch.channels_last)
    return nets


def trained_first(places, valid):
    torch.manual_seed(SEEDS[0])
    rng = np.random.default_rng(SEEDS[0])
    mine, others = np.flatnonzero(places["label"] == 1), np.flatnonzero(places["label"] == 0)
    share = places["weight"][others].astype("f8")
    share /= share.sum()
    net = First().to(memory_format=torch.channels_last)

    def order():
        return rng.permutation(np.concatenate([np.repeat(mine, REPEATED), others[rng.choice(len(others), GLANCED * len(mine), p=share)]]))

    train(net, EPOCHS[0], BATCHES[0], RATES[0], places, order, 0.0, lambda epoch: report(epoch, net, valid))
    return net


def counts_of(places, mine):
    """How often an epoch sees each of a marker's places."""
    counts = np.where(np.hypot(*places["where"][mine, :2].T) < CLOSE_PX, CLOSE, 1.0)
    counts *= np.where(places["stroke"][mine] == 1, THIN, 1.0)
    return counts / counts.mean()


def trained_second(which, places, valid):
    torch.manual_seed(SEEDS[which])
    rng = np.random.default_rng(SEEDS[which])
    mine, others = np.flatnonzero(places["label"] == 1), np.flatnonzero(places["label"] == 0)
    counts = counts_of(places, mine)

    def likeliest(kind):
        own = others[places["kind"][others] == kind]
        return own[np.argsort(-places["odds"][own])[: HANDED * (places["kind"][mine] == kind).sum()]]

    handed = np.concatenate([likeliest(kind) for kind in range(len(OWN))])
    sought, hard = handed, rng.choice(handed, min(len(handed), HARD * len(mine)), False)
    net = Second().to(memory_format=torch.channels_last)

    def order():
        repeated = np.repeat(mine, np.floor(counts + rng.random(len(mine))).astype(int))
        return rng.permutation(np.concatenate([repeated, rng.choice(handed, min(len(handed), ANY * len(mine)), False), hard]))

    def seek(epoch):
        nonlocal sought, hard
        report(epoch, net, valid)
        if epoch in SEEK_AFTER or EPOCHS[which] - 1 - epoch == SEEK_LEFT:
            by_odds = sought[np.argsort(-judged(net, places[sought]))]
            hard = by_odds[: len(hard)]
            # What is far from being taken hardly comes near it again.
            sought = by_odds[: max(len(hard), len(sought) // 2)] if epoch else sought

    train(net, EPOCHS[which], BATCHES[which], RATES[which], places, order, TOUCHED[which - 1], seek)
    return net


def tuned(which, net, places, doubted, valid):
    """Trained a little more, on the hard others alone and `doubted`, with what the earlier networks say of these."""
    torch.manual_seed(TUNED_SEEDS[which - 1])
    rng = np.random.default_rng(TUNED_SEEDS[which - 1])
    mine, others = np.flatnonzero(places["label"] == 1), np.flatnonzero(places["label"] == 0)
    counts = counts_of(places, mine)
    hard = others[places["odds"][others] > HARD_MIN]
    # The network for crosses has few enough others to judge all of them.
    hard = hard[np.argsort(-judged(net, places[hard]))] if which == 2 else rng.permutation(hard)
    hard = hard[: HARD * len(mine)]

    def order():
        repeated = np.repeat(mine, np.floor(counts + rng.random(len(mine))).astype(int))
        return rng.permutation(np.concatenate([repeated, doubted, rng.choice(others, ANY * len(mine), False), hard]))

    train(net, TUNED[which - 1], BATCHES[which], TUNED_RATE, places, order, TOUCHED[which - 1], lambda e: report(e, net, valid))


def doubt(places, earlier):
    """Finds the others that the earlier networks may take for crosses, and notes how likely they are."""
    some = np.flatnonzero((places["label"] == 0) & (places["kind"] == CROSS) & (places["odds"] > 0))
    odds = sum(judged(net, places[some]) for net in earlier[1:]) / 2
    some, odds = some[odds > DOUBTED], odds[odds > DOUBTED]
    places["soft"][some] = 1 / (1 + np.exp(-odds))
    return some


def fit(packs, valid, earlier, out):
    everything, valid, earlier = load(packs), load(valid), networks_of(earlier)
    first, nets = trained_first(everything, valid), []
    for which in (1, 2):
        cross_only = which == 2
        places, checked = [some[some["kind"] == CROSS] if cross_only else some for some in (everything, valid)]
        places["soft"] = 0.0
        net = trained_second(which, places, checked)
        tuned(which, net, places, doubt(places, earlier), checked)
        nets.append(net)
    with torch.no_grad():
        # The last network knows crosses alone.
        nets[1].out.weight[TEE : ARROW + 1] = 0.0
        nets[1].out.bias[TEE : ARROW + 1] = 0.0
        nets[0].out.bias[: len(OWN)] += torch.tensor(SHIFTS)
        nets[1].out.bias[CROSS] += SHIFTS[CROSS]
    np.concatenate([values_of(net) for net in (first, *nets)]).tofile(out)


if __name__ == "__main__":
    command, *given = sys.argv[1:] or [""]
    if (command, len(given)) in (("pack", 3), ("pack", 4)):
        pack(*given)
    elif (command, len(given)) == ("fit", 4):
        fit(*given)
    else:
        sys.exit(__doc__)
