"""Exports the models in nets.py by training/export_onnx.py, from each kind of source, and says what torch answers.

Writes files into a folder and, as JSON on standard output, rows and for each file the expected positions in percent and log
variances (null without). `python export_nets.py GOLDENS/exported > GOLDENS/exported/expected.json` made those in the
repository, with torch 2.15.0 and onnxscript 0.7.2.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import nets
import torch

HERE = Path(__file__).parent
OUT = Path(sys.argv[1])
SCRIPT = HERE / "../../../../training/export_onnx.py"


def examples(path):
    source = random.Random(3)
    with open(path, "w") as file:
        for number in range(200):
            line = {
                "device_id": f"room-{number % 8}",
                "timestamp": f"2025-10-{1 + number // 24:02}T{number % 24:02}:00:00Z",
                "temperature": source.gauss(20, 3),
                "humidity": source.gauss(50, 8),
                "audio": [source.gauss(0, 2) for _ in range(48)],
                "position": source.uniform(0, 100),
            }
            file.write(json.dumps(line) + "\n")


def main():
    torch.manual_seed(23)
    work = OUT / "work"
    work.mkdir()
    examples(work / "examples.jsonl")
    sys.path.insert(0, str(SCRIPT.parent))
    from train_in_pytorch import normalisation, read, tensors

    mean, std = normalisation(tensors(read(work / "examples.jsonl"))[0])
    rows = mean + std * torch.randn(6, 50)
    expected = {}

    def run(name, source, *flags):
        command = [sys.executable, SCRIPT, source, "--out", OUT / f"{name}.onnx", *flags]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "largest difference from the model on 256 random rows: position " in done.stdout, done.stdout

    def add(name, model, source, *flags, position, log_variance=None, normalise=True):
        flags = [*flags, "--statistics", work / "examples.jsonl", "--normalise"] if normalise else flags
        run(name, source, *flags)
        with torch.no_grad():
            output = model.eval()((rows - mean) / std if normalise else rows)
        answers = position(output).flatten().tolist(), log_variance and log_variance(output).tolist()
        expected[f"{name}.onnx"] = dict(zip(("position", "log_variance"), answers))

    def whole(name, model):
        torch.save(model, work / f"{name}.pth")
        return work / f"{name}.pth", "--import", HERE / "nets.py"

    def percent(output):
        return 100 * torch.sigmoid(output)

    model = nets.Normalising(hidden=9)
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, work / "weights.pth")
    weights = ["--weights", work / "weights.pth", "--args", '{"hidden": 9}', "--returns", "position,log_variance"]
    own = {"position": lambda o: o[0], "log_variance": lambda o: o[1], "normalise": False}
    add("normalising", model, f"{HERE}/nets.py:Normalising", *weights, "--output-scale", "0-100", **own)
    model = nets.Share()
    with torch.no_grad():
        model[1].running_mean.normal_()
        model[1].running_var.uniform_(0.3, 3)
    add("share", model, *whole("share", model), "--output-scale", "0-1", position=lambda o: 100 * o)
    double = nets.Share().double().eval()
    reference = nets.Share()
    reference.load_state_dict(double.state_dict())
    add("double", reference, *whole("double", double), "--output-scale", "0-1", position=lambda o: 100 * o)
    model = nets.Residual()
    named = {"position": lambda o: percent(o["logit"]), "log_variance": lambda o: o["variance"].log()}
    add("named", model, *whole("named", model), "--output-scale", "logit", "--returns", "position,variance,_", **named)
    add("residual", model, *whole("residual", model), "--output-scale", "logit", "--returns", "position,_,_", position=named["position"])
    for name in ("Convolution", "Recurrent", "Attention"):
        model = getattr(nets, name)().eval()
        add(name.lower(), model, *whole(name, model), "--output-scale", "logit", position=percent)
    for name in ("Convolution", "Recurrent"):
        model = getattr(nets, name)().eval()
        torch.jit.script(model).save(work / f"{name}.pt")
        add(f"scripted_{name.lower()}", model, work / f"{name}.pt", "--output-scale", "logit", position=percent)

    def refused(words, *command):
        done = subprocess.run([sys.executable, SCRIPT, *command, "--out", work / "bad.onnx"], capture_output=True, text=True)
        assert done.returncode == 1 and words in done.stderr, (words, done.stderr)
        assert not (work / "bad.onnx").exists()

    source = whole("refused", nets.Normalising())
    refused("the model returns 2 numbers for a row; name each", *source, "--output-scale", "0-100")
    returns = ["--returns", "position,log_variance"]
    refused("which is not 0-1", *source, *returns, "--output-scale", "0-1")
    refused("it normalises by itself", *source, *returns, "--output-scale", "0-100", "--normalise")
    refused("no way of exporting gives the model's own answers", *source, *returns, "--output-scale", "0-100", "--tolerance", "-1")
    refused("the model has no feature_mean and feature_std", *whole("bare", nets.Share()), "--output-scale", "0-1")
    refused("holds weights without their model", work / "weights.pth", "--output-scale", "0-1")
    refused("needs its class", work / "share.pth", "--output-scale", "0-1")
    print(json.dumps({"rows": rows.tolist(), "expected": expected}))


main()
