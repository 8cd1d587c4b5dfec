"""Trains one network: a member on its bag, or the starting point of all members. Runs in a worker with torch."""

import time
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from .data import MEAN, STD, Bag, Truth, draw_bag, load_crops, normalise, read_truth, rng_of
from .network import Network
from .runs import TrainJob
from .store import write_whole


def augment(crops: np.ndarray, rng: np.random.Generator) -> Tensor:
    """[b, s, s, 3] uint8 -> [b, 3, s, s] float32, normalised, as another cart at another gain might show it.

    Grey curve, blur and noise are one for all three channels, so that yellow markers stay yellow.
    """
    count = len(crops)
    draw = lambda deviation: (rng.standard_normal((count, 1)) * deviation).astype(np.float32)  # noqa: E731
    levels = np.linspace(0, 1, 256, dtype=np.float32)[None]
    curves = np.clip(levels ** np.exp(draw(0.2)) * (1 + draw(0.12)) + draw(0.02) * (levels > 0), 0, 1)
    grey = np.stack([curve[crop] for curve, crop in zip(curves, crops)])
    flipped = rng.random(count) < 0.5
    grey[flipped] = grey[flipped, :, ::-1]
    x = torch.from_numpy(grey)
    # A three-tap blur along each axis; its strength is drawn for each picture.
    amount = torch.from_numpy(np.maximum(rng.uniform(-0.15, 0.25, (count, 1, 1, 1)), 0).astype(np.float32))
    x[:, 1:-1] += amount * (x[:, :-2] + x[:, 2:] - 2 * x[:, 1:-1])
    x[:, :, 1:-1] += amount * (x[:, :, :-2] + x[:, :, 2:] - 2 * x[:, :, 1:-1])
    noise = rng.standard_normal((*x.shape[:3], 1), dtype=np.float32)
    x += torch.from_numpy(noise) * torch.from_numpy(rng.uniform(0, 0.03, (count, 1, 1, 1)).astype(np.float32))
    # The permuted view of a [b, s, s, 3] tensor is channels_last already.
    return ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


@torch.no_grad()
def predict(network: Network, crops: np.ndarray, pictures: np.ndarray, batch: int) -> np.ndarray:
    """[k] float32, what `network` says of the k `pictures`, in the units of its output."""
    network.eval()
    parts = []
    for start in range(0, len(pictures), batch):
        x = torch.from_numpy(normalise(crops[pictures[start : start + batch]]))
        parts.append(network(x.contiguous(memory_format=torch.channels_last))[0][:, 0])
    return torch.cat(parts).numpy()


def start(job: TrainJob, truth: Truth, bag: Bag) -> tuple[Network, float, float]:
    """The network to begin with, and the mean and deviation by which its target is scaled (mL/min/1.73 m2)."""
    network = Network(job.settings.width)
    if job.init_weights is None:
        drawn = np.concatenate([truth.egfr[truth.pictures[patient]] for patient in np.unique(bag.drawn)])
        return network, float(drawn.mean()), float(drawn.std())
    saved = torch.load(job.init_weights, weights_only=True)
    network.load_state_dict(saved["state"])
    return network, saved["mean"], saved["std"]


def fit(job: TrainJob, truth: Truth, crops: np.ndarray, bag: Bag) -> dict:
    """Trains on the drawn patients; the ones left out only measure. The last weights are kept, not the best ones:
    choosing them by the patients left out would spoil these for calibration."""
    settings, rng = job.settings, rng_of(job.settings.seed, job.member or 0, "train")
    torch.manual_seed(int(rng.integers(2**63)))
    network, mean, std = start(job, truth, bag)
    network = network.to(memory_format=torch.channels_last)
    target = torch.from_numpy((truth.egfr - mean) / std)
    optimiser = torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=settings.weight_decay)
    # A last batch of one picture would have no variance to normalise by: the rest is left out.
    steps = max(len(bag.drawn) // settings.batch, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=settings.epochs * steps)
    loss_of, validation = nn.HuberLoss(), truth.longest[bag.left_out]
    history, seen, training_s = [], 0, 0.0
    name = "start" if job.member is None else f"member {job.member}"
    bar = tqdm(
        total=settings.epochs * steps * settings.batch, desc=name, unit="picture", position=job.line, leave=False
    )
    for _ in range(settings.epochs):
        network.train()
        began, losses, pictures = time.monotonic(), [], bag.epoch(truth, rng)
        for step in range(steps):
            chosen = pictures[step * settings.batch : (step + 1) * settings.batch]
            x = augment(crops[chosen], rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
                output = network(x)[0][:, 0]
            loss = loss_of(output.float(), target[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            seen += len(chosen)
            bar.update(len(chosen))
        training_s += time.monotonic() - began
        said = predict(network, crops, validation, settings.batch) * std + mean
        truths = truth.egfr[validation]
        history.append({
            "loss": float(np.mean(losses)),
            "mae": float(np.abs(said - truths).mean()),
            "r": float(np.corrcoef(said, truths)[0, 1]),
        })  # fmt: skip
        bar.set_postfix(mae=f"{history[-1]['mae']:.1f}", r=f"{history[-1]['r']:.3f}")
    bar.close()
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    return {
        "state": state, "mean": mean, "std": std, "settings": asdict(settings), "history": history,
        "pictures_per_s": seen / training_s,
    }  # fmt: skip


def train_one(job: TrainJob) -> str:
    """Trains the job's network into `job.result` and returns a line about it."""
    torch.set_num_threads(job.threads)
    truth = read_truth(job.data)
    crops = load_crops(truth, job.settings.size, job.cache)
    if job.member is None:
        bag = holdout(truth, job.settings.seed)
    else:
        bag = draw_bag(truth.patient_count, job.settings.seed, job.member)
    result = fit(job, truth, crops, bag)
    write_whole(job.result, lambda draft: torch.save(result, draft))
    last = result["history"][-1]
    return (
        f"{job.result.name}: left-out patients r {last['r']:.3f}, MAE {last['mae']:.1f} mL/min/1.73 m2, "
        f"{result['pictures_per_s']:.0f} pictures/s"
    )


def holdout(truth: Truth, seed: int) -> Bag:
    """The starting network's patients: nine tenths train, each as often as it has pictures; one tenth measures."""
    order = rng_of(seed, 0, "holdout").permutation(truth.patient_count)
    measured = max(truth.patient_count // 10, 1)
    training = order[measured:]
    return Bag(np.repeat(training, [len(truth.pictures[patient]) for patient in training]), np.sort(order[:measured]))
