"""What a network begins with: a file of weights, by the names of torchvision or of `pretrain`, or ImageNet's. Runs in a
worker with torch.

Nothing of a file is executed: torch reads its tensors alone.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from .data import DataError
from .network import Network
from .runs import Settings

PREFIX = "module."
"""Which torch's DataParallel puts before every name."""
PUBLISHED = {18: "f37072fd", 34: "b627a593", 50: "0676ba61", 101: "63fe2227"}
"""By depth, the first digits of the SHA-256 of torchvision's first ImageNet weights, from the recipe that the paper's
networks came from. Source: torchvision/models/resnet.py, IMAGENET1K_V1."""
ADDRESS = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds."""

    path: Path
    state: dict[str, Tensor]
    scale: tuple[float, float] | None
    """Mean and deviation of the target that the head speaks in, mL/min/1.73 m2; none but in a file of `pretrain`."""


def find(settings: Settings) -> tuple[Path, str]:
    """The file that `settings.init_weights` says, its path or "torchvision", and the file's SHA-256. Errors: it is not
    there, or does not fit the network."""
    path = published(settings.depth) if settings.init_weights == "torchvision" else Path(settings.init_weights)
    begin_with(Network.of(settings), read_weights(path))
    return path, digest_of(path)


def digest_of(path: Path) -> str:
    """The file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_weights(path: Path) -> Weights:
    """Reads a state dict of torch 0.2 or later, or a file of `pretrain`. Errors: no such file, or something else."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    # torch raises what its reader stumbles over.
    except Exception as error:
        raise DataError(f"{path}: is no file of torch weights, or asks for more than weights") from error
    ours = isinstance(saved, dict) and {"state", "mean", "std"} <= set(saved)
    state = saved["state"] if ours else saved
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"{path}: holds no state dict")
    state = {key.removeprefix(PREFIX): value.float() for key, value in state.items()}
    broken = [key for key, value in state.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise DataError(f"{path}: {broken[0]} holds numbers that are none")
    return Weights(path, state, (saved["mean"], saved["std"]) if ours else None)


def begin_with(network: Network, weights: Weights) -> bool:
    """Puts `weights` into `network`, the head's as far as its layers fit, and returns whether all of the head's did.

    ImageNet's layer of 1000 fits the first one of the authors' head, unless that takes the length too. Errors: a weight
    that is missing, of another shape or of no use, but for the head's.
    """
    wanted = network.state_dict()
    # Torch 0.2 counted no batches, and what was counted elsewhere says nothing of this training.
    trunk = {key for key in wanted if not key.startswith("head.") and not key.endswith("num_batches_tracked")}
    given = {key for key in weights.state if not key.startswith(("head.", "fc.")) and not key.endswith("_tracked")}
    for key in [key for key in wanted if key in trunk] + sorted(given - trunk):
        here, there = shape_of(wanted.get(key)), shape_of(weights.state.get(key))
        if here != there:
            raise DataError(f"{weights.path}: {key} is {there}, and in this network it is {here}")
    head, whole = fitting_head(network, weights.state)
    network.load_state_dict({key: weights.state[key] for key in trunk} | head, strict=False)
    return whole


def fitting_head(network: Network, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], bool]:
    """The weights of the head's layers up to the first that does not fit, and whether all do: behind a layer that
    begins anew, others have nothing to build on."""
    given = {key.replace("fc.", "head.0.") if key.startswith("fc.") else key: value for key, value in state.items()}
    found = {}
    for index, layer in network.head.named_children():
        own = {f"head.{index}.{name}": value for name, value in layer.state_dict().items()}
        if any(shape_of(given.get(key)) != shape_of(value) for key, value in own.items()):
            return found, False
        found |= {key: given[key] for key in own}
    return found, True


def shape_of(weight: Tensor | None) -> str:
    """For a person to read."""
    return "missing" if weight is None else " x ".join(map(str, weight.shape)) or "one number"


def published(depth: int) -> Path:
    """torchvision's ImageNet weights of that ResNet, out of torch's own folder for such files, fetched into it if they
    are missing. Errors: neither there nor to be had, or another file."""
    name = f"resnet{depth}-{PUBLISHED[depth]}.pth"
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(ADDRESS + name, str(path), PUBLISHED[depth])
        except (URLError, OSError, RuntimeError) as error:
            raise DataError(
                f"ImageNet's weights cannot be fetched ({error}): put {ADDRESS}{name} at {path}, or say "
                "--init-weights FILE, or none"
            ) from error
    if not digest_of(path).startswith(PUBLISHED[depth]):
        raise DataError(f"{path}: is cut short, or is not {ADDRESS}{name}: remove it")
    return path
