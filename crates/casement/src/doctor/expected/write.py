#!/usr/bin/env python3
"""Writes the numbers that `casement self-check` compares with: features by librosa's golden file, and the shipped model's
predictions for climates without a clip, in double precision. `make model` runs it; it needs nothing but Python."""

import collections
import io
import json
import math
import pathlib
import pickle
import struct
import zipfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[4]
CLIP = "clipped_16k_s16"
CLIMATES = [(24.0, 55.0), (17.5, 71.0), (29.0, 62.0)]


def features():
    golden = json.loads((ROOT / "crates/audio/tests/goldens/features.json").read_text())
    clip = golden["clips"][CLIP]["native"]
    names = ["mfcc", "spectral_centroid", "spectral_rolloff", "rms", "zero_crossing_rate"]
    return [number for name in names for which in ("mean", "std") for number in clip[name][which]]


class Unpickler(pickle.Unpickler):
    """Reads a state dict; nothing of it is called but what makes tensors."""

    def __init__(self, archive, folder):
        super().__init__(io.BytesIO(archive.read(folder + "data.pkl")))
        self.archive, self.folder = archive, folder

    def persistent_load(self, pid):
        return pid[2], pid[4]

    def find_class(self, module, name):
        if name == "OrderedDict":
            return collections.OrderedDict
        if name == "_rebuild_tensor_v2":
            return self.tensor
        return name

    def tensor(self, storage, offset, size, stride, *_):
        key, count = storage
        numbers = struct.unpack(f"<{count}f", self.archive.read(f"{self.folder}data/{key}")[: 4 * count])
        if len(size) == 1:
            return [numbers[offset + i * stride[0]] for i in range(size[0])]
        return [[numbers[offset + i * stride[0] + j * stride[1]] for j in range(size[1])] for i in range(size[0])]


def state_dict(path):
    archive = zipfile.ZipFile(path)
    pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    return Unpickler(archive, pickled.removesuffix("data.pkl")).load()


def dense(state, name, numbers):
    rows = zip(state[name + ".weight"], state[name + ".bias"])
    return [sum(a * b for a, b in zip(row, numbers)) + bias for row, bias in rows]


def predicted(state, temperature, humidity):
    mean, deviation = state["feature_mean"], state["feature_std"]
    raw = [temperature, humidity, *mean[2:]]
    hidden = [(x - m) / s for x, m, s in zip(raw, mean, deviation)]
    for layer in sorted({int(name.split(".")[1]) for name in state if name.startswith("backbone.")}):
        hidden = [max(0.0, x) for x in dense(state, f"backbone.{layer}", hidden)]
    position = 100 / (1 + math.exp(-dense(state, "mean_head", hidden)[0]))
    log_variance = max(-6.0, min(8.0, dense(state, "logvar_head", hidden)[0]))
    confidence = math.erf(10 / math.sqrt(2 * math.exp(log_variance)))
    return {
        "temperature": temperature,
        "humidity": humidity,
        "position": round(position, 4),
        "model_confidence": round(confidence, 4),
    }


def main():
    (HERE / "features.json").write_text(json.dumps(features()) + "\n")
    state = state_dict(ROOT / "models/window_regressor.pth")
    rows = [predicted(state, *climate) for climate in CLIMATES]
    (HERE / "model.json").write_text(json.dumps(rows, indent=1) + "\n")


main()
