"""Most memory of the process, in MB, before ResNet-18 is made and after ten steps of it: the peer of memory.ts."""
import json
import resource

import torch
import torch.nn.functional as F

import models


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


before = peak()
model = models.resnet18()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, t = torch.rand(8, 3, 64, 64), torch.arange(8)
for _ in range(10):
    optimizer.zero_grad()
    F.cross_entropy(model(x), t).backward()
    optimizer.step()
print(json.dumps({"before": before, "after": peak()}))
