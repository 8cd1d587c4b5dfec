"""Trains one network: a member on its bag, or the starting point of all members. Runs in a worker with torch."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from .data import MEAN, STD, Bag, DataError, Truth, draw_bag, load_crops, read_truth, rng_of
from .network import Network, scale_length
from .progress import Progress, write_state
from .runs import TrainJob
from .weights import begin_with, read_weights

LENGTH_JITTER = 0.015
"""Deviation of the length that training draws anew, as a share of it. Where a sonographer sets the markers, and what is
read of them, moves it by so much; two sonographers differ by more."""


class Chance:
    """Random numbers on one device."""

    def __init__(self, device: torch.device, seed: int):
        self.device, self.generator = device, torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Of mean 0 and deviation 1."""
        return torch.randn(shape, generator=self.generator, device=self.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Between `low` and `high`."""
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low


def normalised(x: Tensor) -> Tensor:
    """[b, s, s, 3] float32 of 0 to 1 -> [b, 3, s, s] with ImageNet's mean and deviation taken out; channels_last."""
    # Channel by channel: a tensor of three numbers would have to wait for the device each time.
    for channel in range(3):
        x[..., channel] -= MEAN[channel]
        x[..., channel] /= STD[channel]
    # The permuted view of a [b, s, s, 3] tensor is channels_last already.
    return x.permute(0, 3, 1, 2)


def augment(crops: Tensor, chance: Chance) -> Tensor:
    """[b, s, s, 3] uint8 -> [b, 3, s, s] float32, normalised, as another cart at another gain might show it.

    Grey curve, blur and noise are one for all three channels, so that yellow markers stay yellow.
    """
    count, height, width, _ = crops.shape
    each = (count, 1, 1, 1)
    x = crops.float() / 255
    # Black stays black: beyond the sector there is no echo to amplify.
    lift = chance.normal(*each) * 0.02 * (x > 0)
    x = x.pow(torch.exp(chance.normal(*each) * 0.2)) * (1 + chance.normal(*each) * 0.12)
    x = x.add_(lift).clamp_(0, 1)
    x = torch.where(chance.uniform(0, 1, *each) < 0.5, x.flip(2), x)
    # A three-tap blur along each axis; its strength is drawn for each picture.
    amount = chance.uniform(-0.15, 0.25, *each).clamp_(min=0)
    x[:, 1:-1] += amount * (x[:, :-2] + x[:, 2:] - 2 * x[:, 1:-1])
    x[:, :, 1:-1] += amount * (x[:, :, :-2] + x[:, :, 2:] - 2 * x[:, :, 1:-1])
    x += chance.normal(count, height, width, 1) * chance.uniform(0, 0.03, *each)
    return normalised(x)


@dataclass(frozen=True)
class Pictures:
    """What a network is trained on, on its device."""

    crops: Tensor
    """[n, s, s, 3] uint8."""
    length_cm: Tensor | None
    """[n] float32; none where the network does not take it."""

    @classmethod
    def load(cls, truth: Truth, job: TrainJob) -> "Pictures":
        """On a GPU all crops are held there: 50,000 of 128 px take 2.5 GB."""
        crops = torch.from_numpy(load_crops(truth, job.settings.size, job.cache)).to(job.device)
        return cls(crops, torch.from_numpy(truth.length_cm).to(job.device) if job.settings.length_input else None)

    def length(self, chosen: Tensor, chance: Chance | None = None) -> Tensor | None:
        """The scaled lengths of the `chosen` pictures; with `chance`, as another measurement might give them."""
        if self.length_cm is None:
            return None
        jitter = 1.0 if chance is None else 1 + chance.normal(len(chosen)) * LENGTH_JITTER
        return scale_length(self.length_cm[chosen] * jitter)


@torch.no_grad()
def predict(network: Network, pictures: Pictures, chosen: np.ndarray, batch: int) -> np.ndarray:
    """[k] float32, what `network` says of the k `chosen` pictures, in the units of its output."""
    network.eval()
    parts = []
    for part in torch.from_numpy(chosen).to(pictures.crops.device).split(batch):
        x = normalised(pictures.crops[part].float() / 255)
        parts.append(network(x, pictures.length(part))[0][:, 0])
    return torch.cat(parts).cpu().numpy()


def start(job: TrainJob, truth: Truth, bag: Bag) -> tuple[Network, float, float, str]:
    """The network to begin with, the mean and deviation by which its target is scaled (mL/min/1.73 m2), and in words
    what it begins with."""
    network, begun = Network.of(job.settings), "random weights"
    if job.init_weights is not None:
        weights = read_weights(job.init_weights)
        whole = begin_with(network, weights)
        begun = weights.path.name if whole else f"{weights.path.name}, but not all of the head"
        if whole and weights.scale is not None:
            return network, *weights.scale, begun
    drawn = np.concatenate([truth.egfr[truth.pictures[patient]] for patient in np.unique(bag.drawn)])
    return network, float(drawn.mean()), float(drawn.std()), begun


def labels_of(job: TrainJob, truth: Truth) -> np.ndarray:
    """[n] float32, what the network learns to say of each picture, mL/min/1.73 m2."""
    return truth.egfr if job.settings.labels == "egfr" else truth.oracle["egfr"]


def fit(job: TrainJob, truth: Truth, pictures: Pictures, bag: Bag) -> dict:
    """Trains on the drawn patients; the ones left out only measure. The last weights are kept, not the best ones:
    choosing them by the patients left out would spoil these for calibration."""
    settings, rng, device = job.settings, rng_of(job.settings.seed, job.member or 0, "train"), torch.device(job.device)
    torch.manual_seed(int(rng.integers(2**63)))
    chance = Chance(device, int(rng.integers(2**63)))
    network, mean, std, begun = start(job, truth, bag)
    network = network.to(device, memory_format=torch.channels_last)
    target = torch.from_numpy((labels_of(job, truth) - mean) / std).to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=device.type == "cuda"
    )
    # A last batch of one picture would have no variance to normalise by: the rest is left out.
    steps = max(len(bag.drawn) // settings.batch, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=settings.epochs * steps)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    progress = Progress(job, truth.digest, parts, rng, chance.generator)
    history = progress.resume()
    each, name = steps * settings.batch, "start" if job.member is None else f"member {job.member}"
    bar = tqdm(
        total=settings.epochs * each, desc=name, unit="picture", position=job.line, leave=False,
        initial=len(history) * each,
    )  # fmt: skip
    while len(history) < settings.epochs:
        began = time.monotonic()
        order = torch.from_numpy(bag.epoch(truth, rng)).to(device)
        loss = epoch(job, pictures, target, order.split(settings.batch)[:steps], parts, chance, bar)
        took = time.monotonic() - began
        said = predict(network, pictures, truth.longest[bag.left_out], settings.batch) * std + mean
        history.append({"loss": loss, "pictures_per_s": each / took, **measured(said, truth, bag)})
        progress.keep(history)
        bar.set_postfix(mae=f"{history[-1]['mae']:.1f}", r=f"{history[-1]['r']:.3f}")
    bar.close()
    state = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    result = {
        "state": state, "mean": mean, "std": std, "settings": asdict(settings), "history": history, "begun": begun,
    }  # fmt: skip
    write_state(job.result, result)
    progress.end()
    return result


def epoch(
    job: TrainJob, pictures: Pictures, target: Tensor, batches: Sequence[Tensor], parts: dict, chance: Chance, bar: tqdm
) -> float:
    """Goes once through `batches` of pictures and returns the mean loss."""
    network, optimiser, schedule = parts["network"], parts["optimiser"], parts["schedule"]
    loss_of, losses = nn.HuberLoss(), torch.zeros((), device=target.device)
    network.train()
    for chosen in batches:
        x, length = augment(pictures.crops[chosen], chance), pictures.length(chosen, chance)
        with torch.autocast(target.device.type, torch.bfloat16, enabled=job.settings.precision == "bf16"):
            output = network(x, length)[0][:, 0]
        loss = loss_of(output.float(), target[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses += loss.detach()
        bar.update(len(chosen))
    # Asking for the loss waits until the device has done the epoch.
    return losses.item() / len(batches)


def measured(said: np.ndarray, truth: Truth, bag: Bag) -> dict[str, float]:
    """How well `said` fits the longest kidneys of the patients left out, and how well the oracle does."""
    chosen = truth.longest[bag.left_out]
    egfr = truth.egfr[chosen]
    found = {"mae": float(np.abs(said - egfr).mean()), "r": float(np.corrcoef(said, egfr)[0, 1])}
    if truth.oracle:
        found["r_oracle"] = float(np.corrcoef(truth.oracle["egfr"][chosen], egfr)[0, 1])
        found["r_with_oracle"] = float(np.corrcoef(truth.oracle["egfr"][chosen], said)[0, 1])
    return found


def best_device(_: None) -> str:
    """The device that `--device auto` means; a worker's function, because the command itself loads no torch."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def train_one(job: TrainJob) -> str:
    """Trains the job's network into `job.result` and returns a line about it."""
    torch.set_num_threads(job.threads)
    # Every batch has one shape, so that looking for the fastest kernels once pays.
    torch.backends.cudnn.benchmark = True
    truth = read_truth(job.data)
    pictures = Pictures.load(truth, job)
    if job.member is None:
        bag = holdout(truth, job.settings.seed)
    else:
        bag = draw_bag(truth.patient_count, job.settings.seed, job.member)
    if len(bag.left_out) == 0:
        raise DataError(f"{job.result.name}: its bag holds all {truth.patient_count} patients: too few to validate on")
    result = fit(job, truth, pictures, bag)
    last = result["history"][-1]
    oracle = f" (the oracle {last['r_oracle']:.3f})" if truth.oracle else ""
    return (
        f"{job.result.name}: left-out patients r {last['r']:.3f}{oracle}, MAE {last['mae']:.1f} mL/min/1.73 m2, "
        f"{last['pictures_per_s']:.0f} pictures/s; begun from {result['begun']}"
    )


def holdout(truth: Truth, seed: int) -> Bag:
    """The starting network's patients: nine tenths train, each as often as it has pictures; one tenth measures."""
    order = rng_of(seed, 0, "holdout").permutation(truth.patient_count)
    measured = max(truth.patient_count // 10, 1)
    training = order[measured:]
    return Bag(np.repeat(training, [len(truth.pictures[patient]) for patient in training]), np.sort(order[:measured]))
