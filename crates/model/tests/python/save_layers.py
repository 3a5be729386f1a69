"""Saves whole modules and state dicts of every layer that Casement computes, with what torch says of them in evaluation mode,
and of some that it refuses. With a seed as second argument, also networks drawn at random.

Writes files into a folder and, as JSON on standard output, for each the expected outputs, or the words of its refusal.
`python save_layers.py GOLDENS/layers > GOLDENS/layers/expected.json` made those in the repository, with torch 2.15.0.
"""

import json
import random
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

OUT = Path(sys.argv[1])
ACTIVATIONS = [
    lambda: nn.ReLU(),
    lambda: nn.ReLU(inplace=True),
    lambda: nn.LeakyReLU(),
    lambda: nn.LeakyReLU(0.3),
    lambda: nn.RReLU(0.1, 0.4),
    lambda: nn.ELU(),
    lambda: nn.ELU(alpha=1.7),
    lambda: nn.CELU(0.6),
    lambda: nn.SELU(),
    lambda: nn.GELU(),
    lambda: nn.GELU(approximate="tanh"),
    lambda: nn.SiLU(),
    lambda: nn.Mish(),
    lambda: nn.Tanh(),
    lambda: nn.Sigmoid(),
    lambda: nn.LogSigmoid(),
    lambda: nn.Softplus(),
    lambda: nn.Softplus(beta=2, threshold=1.5),
    lambda: nn.Softsign(),
    lambda: nn.ReLU6(),
    lambda: nn.Hardtanh(-0.5, 2),
    lambda: nn.Hardswish(),
    lambda: nn.Hardsigmoid(),
    lambda: nn.Softshrink(0.2),
    lambda: nn.Hardshrink(0.3),
    lambda: nn.Tanhshrink(),
    lambda: nn.Threshold(0.1, -0.7),
    lambda: nn.PReLU(),
    lambda: nn.PReLU(5),
]
NORMALISATIONS = [
    lambda width: nn.BatchNorm1d(width),
    lambda width: nn.BatchNorm1d(width, eps=0.01, affine=False),
    lambda width: nn.BatchNorm1d(width, momentum=None),
    lambda width: nn.LayerNorm(width),
    lambda width: nn.LayerNorm((width,), eps=0.1, elementwise_affine=False),
    lambda width: nn.LayerNorm(width, bias=False),
    lambda width: nn.RMSNorm(width),
    lambda width: nn.RMSNorm(width, eps=0.02, elementwise_affine=False),
]
IDENTITIES = [lambda: nn.Identity(), lambda: nn.Dropout(0.4), lambda: nn.AlphaDropout(0.2), lambda: nn.Flatten()]


class Regressor(nn.Module):
    def __init__(self, backbone, mean_head, logvar_head):
        super().__init__()
        self.register_buffer("feature_mean", torch.randn(50))
        self.register_buffer("feature_std", torch.rand(50) + 0.5)
        self.backbone = backbone
        self.mean_head = mean_head
        self.logvar_head = logvar_head
        self.criterion = nn.GaussianNLLLoss()

    def forward(self, features):
        hidden = self.backbone((features - self.feature_mean) / self.feature_std)
        position = 100 * torch.sigmoid(self.mean_head(hidden))
        return position.squeeze(-1), self.logvar_head(hidden).clamp(-6, 8).squeeze(-1)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return x + self.linear(x)


class Wrapped(nn.Module):
    pass


def shaken(net):
    """Statistics and factors as after a training, instead of zeros and ones."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
                module.running_mean.normal_()
                module.running_var.uniform_(0.2, 3)
            if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.RMSNorm)):
                for parameter in module.parameters():
                    parameter.normal_(0.5)
        net.mean_head.apply(lambda m: m.weight.mul_(3) if isinstance(m, nn.Linear) else None)
    return net


def regressor(layers, width=5, heads=None):
    backbone = layers if isinstance(layers, nn.Module) else nn.Sequential(*layers)
    return shaken(Regressor(backbone, *(heads or (nn.Linear(width, 1), nn.Linear(width, 1)))))


def random_layers(source, depth=0, width=50):
    """Some layers in any order, nested at most three deep. Returns them with their last width."""
    layers = []
    for _ in range(source.randint(1, 5)):
        kind = source.choice(["linear", "activation", "normalisation", "identity", "nested"])
        if kind == "linear":
            last = width
            width = source.choice([1, 5, 33, 64])
            layers.append(nn.Linear(last, width, bias=source.random() < 0.7))
        elif kind == "activation":
            drawn = source.choice(ACTIVATIONS)()
            if not (isinstance(drawn, nn.PReLU) and drawn.num_parameters not in (1, width)):
                layers.append(drawn)
        elif kind == "normalisation":
            layers.append(source.choice(NORMALISATIONS)(width))
        elif kind == "identity":
            layers.append(source.choice(IDENTITIES)())
        elif depth < 3:
            inner, width = random_layers(source, depth + 1, width)
            named = source.random() < 0.5
            names = [f"part_{i}" if named else str(i) for i in range(len(inner))]
            layers.append(nn.Sequential(OrderedDict(zip(names, inner))))
    return layers, width


def main():
    torch.manual_seed(22)
    rows = torch.randn(6, 50) * 2
    expected = {}

    def save(name, value, words=None, net=None, **how):
        torch.save(value, OUT / name, **how)
        expected[name] = words or outputs(net or value)

    def outputs(net):
        net = net.eval()
        with torch.no_grad():
            position, log_variance = net(rows.to(net.feature_mean.dtype))
        return {"position": position.tolist(), "log_variance": log_variance.tolist()}

    # Whole modules: each layer once, three in a file.
    for number in range(0, len(ACTIVATIONS), 3):
        layers = [nn.Linear(50, 5)]
        for activation in ACTIVATIONS[number : number + 3]:
            layers += [activation(), nn.Linear(5, 5)]
        save(f"activations_{number // 3}.pth", regressor(layers))
    for number, normalisation in enumerate(NORMALISATIONS):
        layers = [nn.Linear(50, 5, bias=False), normalisation(5), nn.Tanh(), nn.Dropout(0.3), nn.Linear(5, 5)]
        save(f"normalisation_{number}.pth", regressor(layers))
    act = nn.SiLU()
    shared = nn.Linear(5, 5)
    nested = [
        nn.Identity(),
        nn.BatchNorm1d(50),
        nn.Sequential(OrderedDict(first=nn.Linear(50, 7), act=act, inner=nn.Sequential(nn.Dropout(), nn.Linear(7, 5)))),
        nn.Sequential(),
        act,
        shared,
        nn.ELU(),
        shared,
        nn.LayerNorm(5),
    ]
    save("nested.pth", regressor(nested))
    heads = (nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1, bias=False)), nn.Sequential(nn.Linear(5, 1), nn.Softplus()))
    deep = regressor([nn.Linear(50, 5), nn.Mish()], heads=heads)
    save("heads.pth", deep)
    mixed = regressor([nn.Linear(50, 5, bias=False), nn.BatchNorm1d(5), nn.GELU(), nn.Dropout(), nn.Linear(5, 5), nn.ELU(1.3)])
    # The old container carries each class's source and where it lies; neither belongs here.
    torch.serialization.get_source_lines_and_file = lambda c: ([f"class {c.__name__}: ...\n"], 1, f"{c.__name__}.py")
    save("legacy.pth", mixed, _use_new_zipfile_serialization=False)
    save("protocol4.pth", mixed, pickle_protocol=4)
    save("double.pth", regressor(nested).double())
    save("in_a_checkpoint.pth", {"epoch": 3, "model": mixed}, net=mixed)
    save("data_parallel.pth", nn.DataParallel(mixed), net=mixed)

    # State dicts in the documented layout.
    def dense(width, *after, bias=True, inputs=5):
        return [nn.Linear(inputs, width, bias=bias), *after]

    states = {
        "after": [*dense(5, nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(), bias=False, inputs=50), *dense(5, nn.LayerNorm(5), nn.ReLU())],
        "before": [*dense(5, nn.ReLU(), nn.BatchNorm1d(5), inputs=50), *dense(5, nn.ReLU(), nn.LayerNorm(5))],
        "first": [nn.BatchNorm1d(50), *dense(5, nn.ReLU(), nn.Dropout(), inputs=50), *dense(5, nn.ReLU())],
        "plain": [*dense(5, nn.BatchNorm1d(5, affine=False), nn.ReLU(), inputs=50)],
    }
    for name, layers in states.items():
        net = regressor(layers)
        save(f"state_{name}.pth", net.state_dict(), net=net)
        save(f"state_{name}_bare.pth", dict(net.state_dict()), net=net)
    net = regressor([*dense(5, nn.ReLU(), inputs=50), nn.Linear(5, 5)])
    save("state_linear_last.pth", net.state_dict(), net=net)
    net = regressor([nn.Sequential(*dense(5, nn.BatchNorm1d(5), nn.ReLU(), inputs=50)), nn.Sequential(*dense(5, nn.ReLU(), nn.Dropout()))])
    save("state_nested.pth", nn.DataParallel(net).state_dict(), net=net)
    bare = "cannot be known: its name does not say in which order the layers are computed"
    save("refused_state_nested_bare.pth", dict(net.state_dict()), bare)
    either = "may stand on either side of the normalisation"
    twice = [*dense(5, nn.ReLU(), nn.BatchNorm1d(5), nn.Dropout(), inputs=50), *dense(5, nn.ReLU())]
    save("refused_state_either.pth", regressor(twice).state_dict(), either)
    alone = regressor(dense(5, nn.ReLU(), nn.BatchNorm1d(5), inputs=50)).state_dict()
    save("refused_state_alone.pth", dict(alone), either)
    prelu = regressor([*dense(5, nn.PReLU(5), inputs=50), *dense(5, nn.ReLU())]).state_dict()
    save("refused_state_prelu.pth", prelu, "may be PReLU, RMSNorm, or LayerNorm without a bias")
    linear = regressor([nn.Linear(50, 5), nn.Linear(5, 5), nn.ReLU()]).state_dict()
    save("refused_state_linear.pth", linear, "no ReLU stands between it and the next Linear")
    block = regressor([nn.Linear(50, 5), nn.ReLU(), Residual(5), nn.ReLU()]).state_dict()
    save("refused_state_block.pth", block, "its name is none of a Sequential")
    early = regressor([nn.Tanh(), *dense(5, nn.ReLU(), inputs=50)]).state_dict()
    save("refused_state_early.pth", early, "a layer without weights stands before the first Linear")
    own = nn.ModuleDict({"fc1": nn.Linear(50, 5), "fc2": nn.Linear(5, 1)}).state_dict()
    save("refused_state_own.pth", own, "the file has no tensor 'feature_mean'; it holds fc1.bias")
    beside = regressor(dense(5, nn.ReLU(), inputs=50))
    beside.act = nn.Tanh()
    save("refused_state_beside.pth", beside.state_dict(), "what `act` computes cannot be known")

    # Whole modules whose computation is not in the file.
    save("refused_beside.pth", beside, "where this Tanh stands in the class's forward is not in the file")
    save("refused_block.pth", regressor([nn.Linear(50, 5), Residual(5)]), "the file states __main__.Residual at `backbone.1`, a class of its author's own")
    conv = regressor([nn.Linear(50, 5), nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 1, 1), nn.Flatten()])
    save("refused_conv.pth", conv, "the file states Unflatten at `backbone.1`, which Casement does not compute")
    listed = regressor(nn.ModuleList([nn.Linear(50, 5), nn.ReLU()]))
    save("refused_list.pth", listed, "the file states ModuleList at `backbone`, which Casement does not compute")
    batch = regressor([nn.Linear(50, 5), nn.BatchNorm1d(5, track_running_stats=False)])
    save("refused_batch.pth", batch, "this BatchNorm1d keeps no running statistics")
    hooked = regressor([nn.Linear(50, 5), nn.utils.spectral_norm(nn.Linear(5, 5))])
    save("refused_hooks.pth", hooked, "what `backbone.1` computes cannot be known: it has forward hooks")
    twice = regressor([nn.Linear(50, 5)], heads=(nn.Sequential(nn.Linear(5, 1), nn.Sigmoid()), nn.Linear(5, 1)))
    save("refused_sigmoid.pth", twice, "Casement applies the sigmoid itself")
    alone = nn.Sequential(nn.Linear(50, 5), nn.Tanh(), nn.Linear(5, 2))
    save("refused_sequential.pth", alone, "the file is a whole module of the class torch.nn.modules.container.Sequential")
    save("refused_own.pth", Residual(50), "the file is a whole module of the class __main__.Residual without")
    own = Wrapped()
    own.register_buffer("feature_mean", torch.zeros(50))
    own.register_buffer("feature_std", torch.ones(50))
    own.net = Residual(50)
    save("refused_parts.pth", own, "the file states __main__.Wrapped, a class of its author's own, whose forward is not in the file")

    for number in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0):
        source = random.Random(f"{sys.argv[2]}/{number}")
        layers, width = random_layers(source)
        net = regressor(layers, width)
        save(f"random_{number}.pth", net, _use_new_zipfile_serialization=number % 4 != 0)
    print(json.dumps({"torch": torch.__version__, "rows": rows.tolist(), "expected": expected}))


main()
