"""Times torch on what the bench times: loading a state dict, one prediction, a batch of 64. One thread, no gradients."""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
PATH = sys.argv[1]


class Regressor(nn.Module):
    def __init__(self, state):
        super().__init__()
        for name in ("feature_mean", "feature_std"):
            self.register_buffer(name, torch.zeros(50))
        weights = [state[name] for name in sorted(state) if name.startswith("backbone.") and name.endswith(".weight")]
        layers = [layer for w in weights for layer in (nn.Linear(w.shape[1], w.shape[0]), nn.ReLU())]
        self.backbone = nn.Sequential(*layers)
        self.mean_head = nn.Linear(weights[-1].shape[0], 1)
        self.logvar_head = nn.Linear(weights[-1].shape[0], 1)
        self.load_state_dict(state)

    def forward(self, x):
        hidden = self.backbone((x - self.feature_mean) / self.feature_std)
        return 100 * torch.sigmoid(self.mean_head(hidden)), self.logvar_head(hidden).clamp(-6, 8)


def measure(rounds, calls, work):
    for _ in range(calls):
        work()
    micros = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        micros.append((time.perf_counter() - start) * 1e6 / calls)
    micros.sort()
    return micros[rounds // 2], micros[rounds * 99 // 100]


def report(what, median, p99):
    print(f"{'torch ' + torch.__version__ + ': ' + what:<40} median {median:>9.3f} µs   p99 {p99:>9.3f} µs")


def load():
    return Regressor(torch.load(PATH, weights_only=True)).eval()


report("load", *measure(100, 1, load))
model = load()
rows = torch.randn(64, 50)
with torch.inference_mode():
    report("one prediction", *measure(200, 100, lambda: model(rows[:1])))
    report("batch of 64", *measure(200, 100, lambda: model(rows)))
