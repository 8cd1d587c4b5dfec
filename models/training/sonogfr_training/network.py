"""ResNets of 18 to 101 layers and any width with a head for one number: a small one, or that of Kuo et al. 2019; with
torchvision's parameter names."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from .runs import Settings

STEM_WIDTH = 64
"""Channels of the first stage at width 1."""
HEAD_LAYERS = {
    # At 64, ten half-width ResNet-18 in int8 would take 29.3 MB without their trees.
    "small": ((32, 0.3),),
    # No activation follows the layer of 1000, which was made to name pictures. Source: Kuo et al. 2019, released code.
    "kuo2019": ((1000, None), (512, 0.5), (256, 0.5)),
}
"""By name, widths of the full layers before the last one, each with the dropout behind its ReLU; none where neither
follows."""
LENGTH_CENTRE_CM, LENGTH_SPREAD_CM = 10.0, 1.0
"""The head sees (length - centre) / spread, about as large as a pooled feature.
Source: adult kidneys are 9 to 12 cm long; anything near that serves."""


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    EXPANSION = 1

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions around a shortcut; the 3 x 3 one strides, as torchvision's does."""

    EXPANSION = 4

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = width * self.EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return torch.relu(self.bn3(self.conv3(x)) + shortcut)


STAGES = {
    18: (Block, (2, 2, 2, 2)),
    34: (Block, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
"""By depth, of what the stages are made, and of how many each. Source: He et al. 2016, table 1."""


def make_head(name: str, inputs: int) -> nn.Sequential:
    """The head of that name on `inputs` numbers."""
    layers = []
    for outputs, dropout in HEAD_LAYERS[name]:
        layers.append(nn.Linear(inputs, outputs))
        layers += [] if dropout is None else [nn.ReLU(), nn.Dropout(dropout)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


class Network(nn.Module):
    """Crop, and with `length_input` the kidney's length -> (eGFR, pooled features).

    Shape: [b, 3, s, s] float32, s a multiple of 32, and [b] float32 -> ([b, 1], [b, feature_count]).
    Units: the number is (eGFR - mean) / std of the training patients and the length is (length - centre) / spread
    until `fold_units` makes them mL/min/1.73 m2 and cm.
    """

    def __init__(self, depth: int, head: str, width: float, length_input: bool):
        super().__init__()
        kind, counts = STAGES[depth]
        inputs = int(STEM_WIDTH * width)
        self.conv1 = nn.Conv2d(3, inputs, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, count in enumerate(counts, 1):
            channels = int(STEM_WIDTH * width) << (stage - 1)
            blocks = []
            for index in range(count):
                blocks.append(kind(inputs, channels, 2 if index == 0 and stage > 1 else 1))
                inputs = channels * kind.EXPANSION
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.feature_count = inputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.head = make_head(head, inputs + length_input)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @classmethod
    def of(cls, settings: Settings) -> "Network":
        """The network that `settings` ask for, with random weights."""
        return cls(settings.depth, settings.head, settings.width, settings.length_input)

    @property
    def length_input(self) -> bool:
        """Whether `forward` takes a length."""
        return self.head[0].in_features > self.feature_count

    def forward(self, x: Tensor, length: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        features = torch.flatten(self.avgpool(x), 1)
        known = features if length is None else torch.cat([features, length[:, None]], 1)
        return self.head(known), features

    @torch.no_grad()
    def fold_units(self, mean: float, std: float) -> None:
        """Folds the scaling of target and length into the head's layers."""
        self.head[-1].weight.mul_(std)
        self.head[-1].bias.mul_(std).add_(mean)
        if self.length_input:
            of_length = self.head[0].weight[:, -1]
            of_length.div_(LENGTH_SPREAD_CM)
            self.head[0].bias.sub_(of_length * LENGTH_CENTRE_CM)


def scale_length(cm: Tensor) -> Tensor:
    """A length as `Network` takes it before `fold_units`."""
    return (cm - LENGTH_CENTRE_CM) / LENGTH_SPREAD_CM


def fold_batch_norm(network: Network) -> Network:
    """Folds every batch normalisation into the convolution before it; `network` must be in evaluation mode."""
    fuse = nn.utils.fusion.fuse_conv_bn_eval
    network.conv1, network.bn1 = fuse(network.conv1, network.bn1), nn.Identity()
    for block in (module for module in network.modules() if isinstance(module, Block | Bottleneck)):
        block.conv1, block.bn1 = fuse(block.conv1, block.bn1), nn.Identity()
        block.conv2, block.bn2 = fuse(block.conv2, block.bn2), nn.Identity()
        if isinstance(block, Bottleneck):
            block.conv3, block.bn3 = fuse(block.conv3, block.bn3), nn.Identity()
        if block.downsample is not None:
            block.downsample = nn.Sequential(OrderedDict([("0", fuse(*block.downsample))]))
    return network
