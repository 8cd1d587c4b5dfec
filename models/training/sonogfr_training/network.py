"""ResNet-18 of any width with a small head for one number, and the ResNet-101 of Kuo et al. 2019 with theirs; both with
torchvision's parameter names."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

STEM_WIDTH = 64
"""Channels of the first stage at width 1."""
HEAD_WIDTH = 32
"""At 64, ten half-width members in int8 would take 29.3 MB without their trees."""
DROPOUT = 0.3
LENGTH_CENTRE_CM, LENGTH_SPREAD_CM = 10.0, 1.0
"""The head sees (length - centre) / spread, about as large as a pooled feature.
Source: adult kidneys are 9 to 12 cm long; anything near that serves."""


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

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


class Kuo2019(nn.Module):
    """Crop -> (eGFR in mL/min/1.73 m2, pooled features): ResNet-101 with its layer of 1000 and the authors' head.

    Shape: [b, 3, 224, 224] float32 -> ([b, 1], [b, 2048]). Source: the released code of Kuo et al. 2019.
    """

    DEPTHS, SIZE, HEAD = (3, 4, 23, 3), 224, (1000, 512, 256, 1)
    length_input = False

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM_WIDTH, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_WIDTH)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = STEM_WIDTH
        for stage, depth in enumerate(self.DEPTHS, 1):
            width = STEM_WIDTH << (stage - 1)
            blocks = []
            for index in range(depth):
                blocks.append(Bottleneck(inputs, width, 2 if index == 0 and stage > 1 else 1))
                inputs = width * Bottleneck.EXPANSION
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.feature_count = inputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        # No activation follows the layer of 1000, which was made to name pictures.
        widths, layers = (inputs, *self.HEAD), []
        for index, (wide, narrow) in enumerate(zip(widths, widths[1:])):
            layers.append(nn.Linear(wide, narrow))
            layers += [nn.ReLU(), nn.Dropout(0.5)] if index in (1, 2) else []
        self.head = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        features = torch.flatten(self.avgpool(x), 1)
        return self.head(features), features


class Network(nn.Module):
    """Crop, and with `length_input` the kidney's length -> (eGFR, pooled features).

    Shape: [b, 3, s, s] float32, s a multiple of 32, and [b] float32 -> ([b, 1], [b, feature_count]).
    Units: the number is (eGFR - mean) / std of the training patients and the length is (length - centre) / spread
    until `fold_units` makes them mL/min/1.73 m2 and cm.
    """

    def __init__(self, width: float, length_input: bool):
        super().__init__()
        channels = [int(STEM_WIDTH * width) * factor for factor in (1, 2, 4, 8)]
        self.feature_count = channels[-1]
        self.conv1 = nn.Conv2d(3, channels[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (inputs, outputs) in enumerate(zip([channels[0], *channels], channels), 1):
            blocks = nn.Sequential(Block(inputs, outputs, 1 if stage == 1 else 2), Block(outputs, outputs, 1))
            setattr(self, f"layer{stage}", blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(
            nn.Linear(self.feature_count + length_input, HEAD_WIDTH),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HEAD_WIDTH, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

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


def fold_batch_norm(network: Network | Kuo2019) -> Network | Kuo2019:
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
