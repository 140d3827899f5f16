"""Writes pytorch.json: values of the notebooks as PyTorch computes them, from the same seeds.

    python pytorch.py          (PyTorch 2.13, torchvision 0.28)

An entry has an expression, which the test evaluates at the end of its notebook, the value, and the relative tolerance.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD, SSDHead
from torchvision.ops import box_iou

here = pathlib.Path(__file__).parent
tables = here / "../../src/data/datasets"
goldens: dict[str, list] = {}


def plain(value):
    if isinstance(value, torch.Tensor):
        return plain(value.detach().tolist())
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def golden(notebook: str, expression: str, value, tolerance: float = 1e-9) -> None:
    goldens.setdefault(notebook, []).append({"expression": expression, "value": plain(value), "tolerance": tolerance})


def double(on: bool = True) -> None:
    torch.set_default_dtype(torch.float64 if on else torch.float32)


def read(name: str):
    """The measurements and the classes."""
    rows = torch.tensor(json.loads((tables / f"{name}.json").read_text())["rows"], dtype=torch.float64)
    return rows[:, :4], rows[:, 4].long()


def scaled(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


def first_steps() -> None:
    name = "00-getting-started"
    double(False)
    torch.manual_seed(0)
    a = torch.randn(3, 4)
    golden(name, "c.toArray()", a * torch.tensor([[1.0, 2, 3, 4]]) + 1, 1e-6)
    golden(name, "a.matmul(a.t()).toArray()", a @ a.t(), 1e-6)
    xs = torch.linspace(-2, 2, 200, requires_grad=True)
    (xs**3 - 2 * xs).sum().backward()
    golden(name, "xs.grad!.toArray()", xs.grad, 1e-5)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
    )
    logits = net(torch.ones(1, 1, 28, 28))
    loss = F.cross_entropy(logits, torch.tensor([3]))
    fresh = ("manualSeed(0); const net = new nn.Sequential(new nn.Conv2d(1, 8, 3, { stride: 2, padding: 1 }), new nn.ReLU(), "
             "new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1 }), new nn.ReLU(), new nn.Flatten(), new nn.Linear(16 * 7 * 7, 10)); "
             "const z = net(ones([1, 1, 28, 28]));")
    golden(name, f"(() => {{ {fresh} return [...(z.flatten().toArray() as number[]), F.crossEntropy(z, tensor([3], {{ dtype: 'int32' }})).item()]; }})()",
           [*plain(logits.flatten()), loss.item()], 1e-4)


def normalization() -> None:
    name = "01-normalization-standardization"
    double()
    x, target = read("penguins")
    z = scaled(x)
    golden(name, "z.at(7).toArray()", z[7])
    golden(name, "normalize(features).at(7).toArray()", (x[7] - x.amin(0)) / (x.amax(0) - x.amin(0)))
    spoiled = torch.tensor([[1.0], [2], [3], [4], [100]])
    golden(name, "squeezed", (spoiled - 1).div(99).flatten())
    golden(name, "standardize(spoiled).flatten().toArray()", scaled(spoiled).flatten())
    q = torch.quantile(spoiled, torch.tensor([0.25, 0.5, 0.75]), 0)
    golden(name, "after", ((spoiled - q[1]) / (q[2] - q[0])).flatten())
    w, b = torch.zeros(3, 4, requires_grad=True), torch.zeros(3, requires_grad=True)
    lbfgs = torch.optim.LBFGS([w, b], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe")

    def objective():
        lbfgs.zero_grad()
        loss = F.cross_entropy(F.linear(z, w, b), target) + 0.005 * w.pow(2).sum()
        loss.backward()
        return loss

    for _ in range(5):
        lbfgs.step(objective)
    golden(name, "loss", objective().item(), 1e-8)
    golden(name, "accuracy", (F.linear(z, w, b).argmax(1) == target).double().mean().item())


def regularization() -> None:
    name = "02-regularization"
    double()
    g = torch.Generator().manual_seed(3)
    px = torch.linspace(-1, 1, 16)
    py = (px * math.pi).sin() + 0.25 * torch.randn(16, generator=g)
    design = torch.stack([px**k for k in range(13)], 1)
    strength = 10 ** (-10 + 30 / 4)
    w = torch.linalg.solve(design.T @ design / 16 + strength * torch.eye(13), design.T @ py / 16)
    golden(name, "sweep[30].w.toArray()", w, 1e-6)
    torch.manual_seed(0)
    X = torch.randn(60, 20)
    truth = torch.cat([torch.tensor([3, -2, 1.5, -1, 1]), torch.zeros(15)])
    y = X @ truth + 0.5 * torch.randn(60)
    weight_decay = 0.15

    def train(create, penalty=lambda w: 0.0):
        w = torch.zeros(20, requires_grad=True)
        optimizer = create([w])
        for _ in range(1000):
            optimizer.zero_grad()
            ((X @ w - y).pow(2).mean() / 2 + penalty(w)).backward()
            optimizer.step()
        return w.detach()

    golden(name, "l2.toArray()", train(lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=weight_decay)), 1e-8)
    golden(name, "adam.toArray()", train(lambda p: torch.optim.Adam(p, lr=0.01), lambda w: w.pow(2).sum() * weight_decay / 2), 1e-6)
    golden(name, "adamW.toArray()", train(lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=weight_decay)), 1e-6)
    eta = 1 / torch.linalg.matrix_norm(X.T @ X / 60, 2)
    ista = torch.zeros(20)
    for _ in range(500):
        ista = F.softshrink(ista - eta * (X.T @ (X @ ista - y) / 60), float(eta * weight_decay))
    golden(name, "ista.toArray()", ista, 1e-8)
    gram = X.T @ X
    golden(name, "underDropout.toArray()", torch.linalg.solve(gram + torch.diag(gram.diagonal()) * 0.4 / 0.6, X.T @ y), 1e-8)


def convolution() -> None:
    name = "03-convolution-1d-2d-3d"
    double()
    torch.manual_seed(0)
    layers = [layer(16, 32, 3) for layer in (nn.Conv1d, nn.Conv2d, nn.Conv3d)]
    golden(name, "parameters.map((row) => row.parameters)", [sum(p.numel() for p in m.parameters()) for m in layers])
    kinds = [nn.Conv2d(16, 32, 3, groups=4), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 32, 3, dilation=2)]
    golden(name, "kinds.map(count)", [sum(p.numel() for p in m.parameters()) for m in kinds])
    shapes = [((2, 3, 9), (4, 3, 3)), ((1, 3, 5, 6), (2, 3, 3, 3)), ((1, 2, 4, 4, 4), (2, 2, 3, 3, 3))]
    values = []
    for (x, w), conv in zip(shapes, (F.conv1d, F.conv2d, F.conv3d)):
        x, w = torch.randn(x), torch.randn(w)
        values.append(conv(x, w).flatten())
    golden(name, "tests.map(({ x, w, library }) => library(x, w).flatten().toArray())", values)


def gradients() -> None:
    name = "04-vanishing-exploding-gradients"
    double(False)
    xavier, kaiming = nn.init.xavier_normal_, lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")

    def norms(act, depth, init=None, residual=False, norm=False, width=64):
        torch.manual_seed(0)
        layers = [nn.Linear(width, width) for _ in range(depth)]
        if init:
            for layer in layers:
                init(layer.weight)
        x = torch.randn(64, width)
        for layer in layers:
            step = act(layer(F.layer_norm(x, [width]) if norm else x))
            x = x + step if residual else step
        x.pow(2).mean().backward()
        return [layer.weight.grad.double().norm().item() for layer in layers]

    plain_recipes = {
        "sigmoid, default": (torch.sigmoid, None), "sigmoid, Xavier": (torch.sigmoid, xavier),
        "tanh, default": (torch.tanh, None), "tanh, Xavier": (torch.tanh, xavier),
        "ReLU, default": (F.relu, None), "ReLU, Kaiming": (F.relu, kaiming), "ReLU, N(0, 1)": (F.relu, nn.init.normal_),
    }
    golden(name, "Object.values(recipes).map((recipe) => gradientNorms(recipe, 20)[0])", [norms(act, 20, init)[0] for act, init in plain_recipes.values()], 0.01)
    golden(name, "first('sigmoid, default', 50)", norms(torch.sigmoid, 50)[0])
    residuals = [norms(torch.sigmoid, 20, residual=True), norms(F.relu, 20, kaiming, True), norms(F.relu, 20, kaiming, True, True)]
    golden(name, "Object.values(residuals).map((recipe) => gradientNorms(recipe, 20)[0])", [r[0] for r in residuals], 0.01)
    torch.manual_seed(0)
    small = [nn.Linear(8, 8) for _ in range(6)]
    h = torch.randn(5, 8)
    for layer in small:
        h = torch.sigmoid(layer(h))
    h.pow(2).mean().backward()
    golden(name, "byHand.map((g) => g.norm().item())", [layer.weight.grad.norm().item() for layer in small], 1e-4)
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    (net(torch.randn(16, 8)) * 30).pow(2).mean().backward()
    golden(name, "byLibrary", nn.utils.clip_grad_norm_(net.parameters(), 1).item(), 1e-4)
    torch.manual_seed(1)
    nn.init.orthogonal_(torch.zeros(16, 16))
    sequence = torch.randn(40, 1, 16)
    torch.manual_seed(0)
    rnn, lstm = nn.RNN(16, 16), nn.LSTM(16, 16)
    with torch.no_grad():
        lstm.bias_ih_l0[16:32] = 4

    def back_in_time(net):
        x = sequence.clone().requires_grad_()
        net(x)[0][-1].sum().backward()
        return [g.double().norm().item() for g in x.grad]

    golden(name, "[throughRnn, throughLstm]", [back_in_time(rnn), back_in_time(lstm)], 1e-2)


def loss_weights() -> None:
    name = "05-loss-weights"
    double()
    x, target = read("iris")
    x = scaled(x)

    def train(create, weight, lr, clip=None):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = create(model.parameters(), lr)
        for _ in range(20):
            optimizer.zero_grad()
            (F.cross_entropy(model(x), target) * weight).backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    setups = [
        (lambda p, lr: torch.optim.SGD(p, lr=lr), None), (lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9), None),
        (lambda p, lr: torch.optim.SGD(p, lr=lr, weight_decay=0.1), None), (lambda p, lr: torch.optim.SGD(p, lr=lr), 1),
        (lambda p, lr: torch.optim.Adam(p, lr=lr), None),
    ]
    gaps = [(train(c, 10, 0.01, clip) - train(c, 1, 0.1, clip)).abs().max().item() for c, clip in setups]
    golden(name, "gaps.slice(2).map((row) => row['largest difference of a parameter'])", gaps[2:], 1e-6)
    golden(name, "plain.toArray()", train(setups[4][0], 1, 0.01), 1e-8)
    x = torch.tensor(3.0, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.001, momentum=0.9)
    for _ in range(50):
        optimizer.zero_grad()
        (8 * (x - 1) ** 4).backward()
        optimizer.step()
    for who in ("byHand", "byLibrary"):
        golden(name, f"{who}(8, 0.001, 0.9)", x.item())
    rows, species = read("penguins")
    features, mass = scaled(rows[:, :3]), rows[:, 3:]
    torch.manual_seed(0)
    trunk, kinds, kilograms = nn.Linear(3, 2), nn.Linear(2, 3), nn.Linear(2, 1)
    h = F.relu(trunk(features))
    losses = [F.cross_entropy(kinds(h), species), F.mse_loss((kilograms(h) + 4.2) * 1000, mass)]
    first, second = (torch.autograd.grad(loss, trunk.weight, retain_graph=True)[0].flatten() for loss in losses)
    mixed = [first + second * 10 ** (-9 + i / 4) for i in range(37)]
    golden(name, "[toSpecies, toMass]", [[F.cosine_similarity(g, task, dim=0).item() for g in mixed] for task in (first, second)])
    golden(name, "[speciesLoss, massLoss]", [loss.item() for loss in losses])
    torch.manual_seed(1)
    golden(name, "once.item()", F.cross_entropy(torch.randn(150, 3), target, weight=torch.tensor([1.0, 2, 5])).item())


def classification() -> None:
    name = "06-multilabel-binary-multiclass"
    double()
    torch.manual_seed(0)
    z = torch.randn(6, 4) * 3
    classes = torch.tensor([0, 3, 1, 1, 2, 0])
    yes_no = torch.tensor([[float((i + c) % 3 == 0) for c in range(4)] for i in range(6)])
    golden(name, "F.crossEntropy(logits, tensor(classes, { dtype: 'int32' })).item()", F.cross_entropy(z, classes).item())
    golden(name, "F.binaryCrossEntropyWithLogits(logits, tensor(yesNo, { dtype: 'float64' })).item()", F.binary_cross_entropy_with_logits(z, yes_no).item())
    for twice in (False, True):
        z = torch.zeros(1, 3, requires_grad=True)
        F.cross_entropy(z.softmax(1) if twice else z, torch.tensor([0])).backward()
        golden(name, f"gradientAtZero({str(twice).lower()})", z.grad.flatten(), 1e-6)
    golden(name, "[2, 3, 10, 1000].map(perfect)", [F.cross_entropy(torch.eye(c)[:1], torch.tensor([0])).item() for c in (2, 3, 10, 1000)], 1e-6)


def batch_norm() -> None:
    name = "07-batchnorm"
    double()
    torch.manual_seed(0)
    x = torch.randn(8, 3, 4, 4) * 3 + 5
    layer = nn.BatchNorm2d(3)
    y = layer(x)
    statistics = [layer.running_mean, layer.running_var]
    for variable in ("trained", "byHand"):
        golden(name, f"{variable}.at(0, 0).toArray()", y[0, 0])
    golden(name, "[layer.runningMean!.toArray(), layer.runningVar!.toArray()]", statistics)
    golden(name, "[running.mean.flatten().toArray(), running.variance.flatten().toArray()]", statistics)
    for variable in ("tested", "evaluated"):
        golden(name, f"{variable}.at(0, 0).toArray()", layer.eval()(x)[0, 0])
    for variable, momentum in (("exponential", 0.1), ("cumulative", None)):
        layer = nn.BatchNorm2d(3, momentum=momentum)
        for k in (1, 2, 3):
            layer(x * k)
        golden(name, f"[{variable}.runningMean!.toArray(), {variable}.runningVar!.toArray()]", [layer.running_mean, layer.running_var])


def descent() -> None:
    name = "08-sgd-from-scratch"
    double()
    x = torch.tensor(3.0, requires_grad=True)
    path, optimizer = [3.0], torch.optim.SGD([x], lr=0.1)
    for _ in range(30):
        optimizer.zero_grad()
        (2 * x * x + 2 * x - 12).backward()
        optimizer.step()
        path.append(x.item())
    golden(name, "byLibrary", path)

    def race(create):
        p = torch.tensor([-1.5, 2.0], requires_grad=True)
        optimizer = create([p])
        for _ in range(600):
            optimizer.zero_grad()
            ((1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2).backward()
            optimizer.step()
        return p

    golden(name, "Object.values(paths).map((path) => path.at(-1)!)", [
        race(lambda p: torch.optim.SGD(p, lr=1e-3)), race(lambda p: torch.optim.SGD(p, lr=5e-4, momentum=0.9)), race(lambda p: torch.optim.Adam(p, lr=0.1)),
    ], 1e-6)


def pooling() -> None:
    double()
    cases = ((2, 2), (3, 2), (3, 1))
    for name, pool, seed in (("09-max-pooling", F.max_pool2d, 1), ("10-average-pooling", F.avg_pool2d, 0)):
        sums = []
        for k, s in cases:
            torch.manual_seed(seed)
            x = torch.rand(1, 1, 6, 9, requires_grad=True)
            y = pool(x, k, stride=s)
            dy = torch.rand(y.shape)
            y.backward(dy)
            sums.append([x.grad.sum().item(), dy.sum().item()])
        cls = "RepairedMaxPooling2D" if "max" in name else "RepairedAvgPooling2D"
        golden(name, f"[[2, 2], [3, 2], [3, 1]].map(([k, s]) => compare(new {cls}([k, k], s))).map((c) => [c.sumDx, c.sumDy])", sums)
    for k, s in cases:
        torch.manual_seed(1)
        x = torch.rand(1, 1, 6, 9, requires_grad=True)
        F.max_pool2d(x, k, stride=s).sum().backward()
        golden("09-max-pooling", f"timesMaximum({k}, {s}).toArray()", x.grad[0, 0])
    x = torch.rand(1, 1, 6, 9, requires_grad=True)
    F.avg_pool2d(x, 3, stride=1).sum().backward()
    golden("10-average-pooling", "shares.toArray()", x.grad[0, 0])
    line = torch.tensor([[[1.0, 2, 3, 4, 5]]])
    golden("10-average-pooling", "[pooled({ padding: 1 }), pooled({ padding: 1, countIncludePad: false }), pooled({ ceilMode: true }, 2)]", [
        F.avg_pool1d(line, 3, stride=2, padding=1).flatten(),
        F.avg_pool1d(line, 3, stride=2, padding=1, count_include_pad=False).flatten(),
        F.avg_pool1d(line, 2, stride=2, ceil_mode=True).flatten(),
    ])


def from_scratch() -> None:
    name = "11-convolution-from-scratch"
    double()
    torch.manual_seed(0)
    image, kernel = torch.rand(1, 3, 10, 10), torch.rand(3, 3, 3, 15)
    golden(name, "first.sum([2, 3]).flatten().toArray()", F.conv2d(image, kernel.permute(3, 2, 0, 1), padding=1, stride=2).sum((2, 3)).flatten())
    torch.rand(3, 3, 3, 15)
    torch.rand(2, 3, 10, 10)
    torch.rand(3, 3, 3, 15)
    torch.rand(3, 3, 3, 15)
    x = torch.rand(2, 3, 9, 10, requires_grad=True)
    w = torch.randn(5, 3, 3, 3, requires_grad=True)
    y = F.conv2d(x, w, stride=2, padding=1)
    y.backward(torch.randn(y.shape))
    golden(name, "[y.sum([0, 2, 3]).toArray(), dx.at(1, 2).toArray(), dw.at(4).toArray()]", [y.sum((0, 2, 3)), x.grad[1, 2], w.grad[4]])

    name = "12-batchnorm-from-scratch"
    torch.manual_seed(0)
    x = (torch.randn(4, 3, 5, 5) * 2 + 1).requires_grad_()
    dy = torch.randn(4, 3, 5, 5)
    layer = nn.BatchNorm2d(3)
    y = layer(x)
    y.backward(dy)
    for who in "ab":
        golden(name, f"[{who}.y.at(2, 1).toArray(), {who}.dx.at(2, 1).toArray(), {who}.dGamma.toArray(), {who}.dBeta.toArray()]",
               [y[2, 1], x.grad[2, 1], layer.weight.grad, layer.bias.grad])
    golden(name, "byHand.at(3, 2).toArray()", x.grad[3, 2])
    torch.randn(1, 3), torch.randn(1, 3)
    layer = nn.BatchNorm2d(3)
    for step in range(10):
        layer(torch.randn(4, 3, 5, 5) * (step + 1))
    golden(name, "[own.runningMean.toArray(), own.runningVar.toArray()]", [layer.running_mean, layer.running_var])


def metric_learning() -> None:
    name = "13-metric-learning"
    double(False)
    torch.manual_seed(0)
    a, p, n = (torch.randn(6, 4).requires_grad_() for _ in range(3))
    loss = F.triplet_margin_loss(a, p, n, margin=1, eps=0)
    loss.backward()
    golden(name, "[grads[0][0].item(), grads[0][1].toArray(), grads[0][3].toArray()]", [loss.item(), a.grad, n.grad], 1e-4)
    torch.manual_seed(1)
    labels = torch.arange(20) // 4
    cloud = (torch.randn(5, 2) * 1.2).repeat_interleave(4, 0) + torch.randn(20, 2) * 0.5
    d = torch.cdist(cloud, cloud)
    same = labels[:, None] == labels[None]
    hard = (d.masked_fill(~same, -torch.inf).amax(1) - d.masked_fill(same, torch.inf).amin(1) + 0.5).clamp(0).mean()
    golden(name, "batchHard.item()", hard.item(), 1e-4)


def grouped() -> None:
    name = "14-grouped-convolution"
    double(False)
    torch.manual_seed(0)
    x = torch.randn(2, 16, 12, 12)
    torch.manual_seed(7)
    y = F.conv2d(x, torch.randn(32, 4, 3, 3), padding=1, groups=4)
    by_hand = "groupedByHand(x, randn([32, 4, 3, 3]), 4)"
    library = "F.conv2d(x, randn([32, 4, 3, 3]), null, { padding: 1, groups: 4 })"
    for call in (by_hand, library):
        golden(name, f"(() => {{ manualSeed(7); return {call}.at(1, 9).toArray(); }})()", y[1, 9], 1e-3)
    golden(name, "F.channelShuffle(x, 4).at(1, slice(), 3, 3).toArray()", F.channel_shuffle(x, 4)[1, :, 3, 3], 1e-6)
    layers = [nn.Conv2d(32, 32, 3, bias=False, groups=g) for g in (1, 4, 32)]
    golden(name, "Object.values(counts).slice(0, 3)", [m.weight.numel() for m in layers])


def dilated() -> None:
    name = "15-dilated-convolution"
    double()
    torch.manual_seed(0)
    x, w = torch.randn(2, 3, 13, 14), torch.randn(4, 3, 3, 3)
    golden(name, "[1, 2, 3].map((dilation) => F.conv2d(x, weight, null, { dilation }).sum([2, 3]).toArray())", [F.conv2d(x, w, dilation=d).sum((2, 3)) for d in (1, 2, 3)])
    for dilations in ((1, 1, 1), (1, 2, 4), (2, 2, 2)):
        h = image = torch.ones(1, 1, 33, 33, requires_grad=True)
        for d in dilations:
            h = F.conv2d(h, torch.ones(1, 1, 3, 3), padding=d, dilation=d)
        h[0, 0, 16, 16].backward()
        golden(name, f"paths([{', '.join(map(str, dilations))}]).at(16).toArray()", image.grad[0, 0, 16])


def pyramids() -> None:
    name = "16-fpn"
    double(False)
    torch.manual_seed(0)
    features = {"c2": torch.randn(1, 8, 16, 16), "c3": torch.randn(1, 16, 8, 8), "c4": torch.randn(1, 32, 4, 4)}
    fpn = torchvision.ops.FeaturePyramidNetwork([8, 16, 32], 12, torchvision.ops.feature_pyramid_network.LastLevelMaxPool())
    # The layers draw their first weights in another order than torchvision's: both get these.
    for parameter in fpn.parameters():
        parameter.data = (torch.arange(parameter.numel()) * 0.7).sin().mul(0.1).reshape(parameter.shape)
    weights = "for (const p of fpn.parameters()) noGrad(() => p.copy_(arange(p.size).mul(0.7).sin().mul(0.1).reshape(p.shape)));"
    out = fpn(features)
    levels = ("c2", "c3", "c4", "pool")
    golden(name, f"(() => {{ {weights} const out = fpn(features); return {list(levels)}.map((level) => out[level].mean([0, 2, 3]).toArray()); }})()",
           [out[level].mean((0, 2, 3)) for level in levels], 1e-3)
    c4 = features["c4"].clone().requires_grad_()
    fpn({**features, "c4": c4})["c2"][0, 0, 8, 8].backward()
    golden(name, f"(() => {{ {weights} const c = features.c4.clone().requiresGrad_(); fpn({{ ...features, c4: c }}).c2.at(0, 0, 8, 8).backward(); return c.grad!.abs().sum(1).at(0).toArray(); }})()",
           c4.grad.abs().sum(1)[0], 1e-3)
    maps = [torch.zeros(1, 1, s, s) for s in (16, 8, 4)]
    anchors = AnchorGenerator(((8,), (18,), (36,)), ((0.5, 1.0, 2.0),) * 3)(ImageList(torch.zeros(1, 3, 64, 64), [(64, 64)]), maps)[0]
    generated = "new vision.AnchorGenerator([[8], [18], [36]]).generate([64, 64], [[16, 16], [8, 8], [4, 4]])"
    golden(name, f"[0, 100, 770, 1000].map((i) => {generated}.at(i).toArray())", anchors[[0, 100, 770, 1000]], 1e-6)

    name = "17-fpn-vs-ssd"
    boxes = torch.tensor([[10.0, 12, 34, 40], [3, 5, 20, 60]])
    near = torch.tensor([[8.0, 8, 32, 32], [0, 0, 24, 56]])
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    offsets = coder.encode_single(boxes, near)
    pair = "tensor([[10, 12, 34, 40], [3, 5, 20, 60]]), tensor([[8, 8, 32, 32], [0, 0, 24, 56]])"
    golden(name, f"new vision.BoxCoder([10, 10, 5, 5]).encode({pair}).toArray()", offsets, 1e-5)
    golden(name, f"new vision.BoxCoder([10, 10, 5, 5]).decode({pair}).toArray()", coder.decode_single(boxes, near), 1e-5)
    default = DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]])
    maps = [torch.zeros(1, 1, s, s) for s in (38, 19, 10, 5, 3, 1)]
    made = default(ImageList(torch.zeros(1, 3, 300, 300), [(300, 300)]), maps)[0]
    # A detector of one level: what its heads say of two pictures, and SSD's loss for them.
    torch.manual_seed(0)
    pictures = torch.randn(2, 1, 16, 16)
    small = DefaultBoxGenerator([[2]], scales=[0.3, 0.6], steps=[4])
    conv, head = nn.Conv2d(1, 4, 3, stride=4, padding=1), SSDHead([4], small.num_anchors_per_location(), 4)
    for parameter in [*conv.parameters(), *head.parameters()]:
        parameter.data = (torch.arange(parameter.numel()) * 0.7).sin().mul(0.3).reshape(parameter.shape)
    conv.out_channels = 4
    ssd = SSD(conv, small, (16, 16), 4, head=head)
    outputs = head([conv(pictures)])
    truths = [{"boxes": torch.tensor([[2.0, 3, 9, 11], [8, 1, 15, 6]]), "labels": torch.tensor([1, 3])},
              {"boxes": torch.tensor([[1.0, 5, 7, 12]]), "labels": torch.tensor([2])}]
    places = small(ImageList(pictures, [(16, 16)] * 2), [conv(pictures)])
    matches = [ssd.proposal_matcher(box_iou(truth["boxes"], boxes)) for truth, boxes in zip(truths, places)]
    losses = ssd.compute_loss(truths, outputs, places, matches)
    built = (
        "manualSeed(0); const pictures = randn([2, 1, 16, 16]); const small = new vision.DefaultBoxGenerator([[2]], { scales: [0.3, 0.6], steps: [4] }); "
        "const conv = new nn.Conv2d(1, 4, 3, { stride: 4, padding: 1 }); const head = new vision.SSDHead([4], small.numAnchorsPerLocation(), 4); "
        "for (const p of [...conv.parameters(), ...head.parameters()]) noGrad(() => p.copy_(arange(p.size).mul(0.7).sin().mul(0.3).reshape(p.shape))); "
        "class Level extends nn.Module<[Tensor], Tensor[]> { conv = conv; forward(x: Tensor): Tensor[] { return [this.conv(x)]; } }"
    )
    golden(name, f"(() => {{ {built} const {{ clsLogits, bboxRegression }} = head([conv(pictures)]); return [clsLogits, bboxRegression].map((t) => t.flatten().toArray()); }})()",
           [outputs["cls_logits"].flatten(), outputs["bbox_regression"].flatten()], 1e-4)
    wanted = ("[{ boxes: tensor([[2, 3, 9, 11], [8, 1, 15, 6]]), labels: tensor([1, 3], { dtype: 'int32' }) }, "
              "{ boxes: tensor([[1, 5, 7, 12]]), labels: tensor([2], { dtype: 'int32' }) }]")
    golden(name, f"(() => {{ {built} const {{ classification, bboxRegression }} = new vision.SSD(new Level(), head, small).loss(pictures, {wanted}); return [classification.item(), bboxRegression.item()]; }})()",
           [losses["classification"].item(), losses["bbox_regression"].item()], 1e-4)
    golden(name, "[0, 4000, 8000, 8731].map((i) => generator.generate([300, 300], places.map((s) => [s, s] as [number, number])).at(i).toArray())", made[[0, 4000, 8000, 8731]], 1e-4)


for part in (first_steps, normalization, regularization, convolution, gradients, loss_weights, classification, batch_norm, descent, pooling,
             from_scratch, metric_learning, grouped, dilated, pyramids):
    part()
text = json.dumps({"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0], **goldens}, indent=1)
(here / "pytorch.json").write_text(text + "\n")
