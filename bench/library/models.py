"""The models of models.ts and of `vision.models`, in PyTorch, layer for layer."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class BasicBlock(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
            if stride != 1 or inside != outside
            else None
        )

    def forward(self, x):
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + (self.downsample(x) if self.downsample else x))


def resnet18():
    stages, inside = [], 64
    for outside, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        stages += [BasicBlock(inside, outside, stride), BasicBlock(outside, outside, 1)]
        inside = outside
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *stages,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000),
    )


def halve(inside, outside):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
        nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
    )


class PyramidHead(nn.Module):
    """Four halvings, a feature pyramid over the last three, and two heads of 3x3 convolutions on each level."""

    def __init__(self, width=16, channels=64, anchors=3, classes=3):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.stages = nn.ModuleList(halve(i, o) for i, o in zip([3] + widths, widths))
        self.lateral = nn.ModuleList(nn.Conv2d(w, channels, 1) for w in widths[1:])
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in widths[1:])
        def head(outputs):
            return nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
                nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
                nn.Conv2d(channels, outputs, 3, padding=1),
            )
        self.classify, self.regress = head(anchors * classes), head(anchors * 4)

    def loss(self, images):
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        top, total = None, 0
        for lateral, smooth, x in reversed(list(zip(self.lateral, self.smooth, maps[1:]))):
            top = lateral(x) if top is None else lateral(x) + F.interpolate(top, scale_factor=2, mode="nearest")
            level = smooth(top)
            scores, boxes = self.classify(level), self.regress(level)
            total = total + F.binary_cross_entropy_with_logits(scores, torch.zeros_like(scores))
            total = total + F.smooth_l1_loss(boxes, torch.ones_like(boxes))
        return total
