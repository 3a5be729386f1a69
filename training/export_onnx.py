#!/usr/bin/env python3
"""Turns any PyTorch model into an .onnx file that `casement models add` takes, and checks it against the model.

    python training/export_onnx.py net.py:Net --weights net.pth --out net.onnx --output-scale 0-100
    python training/export_onnx.py whole.pth --import net.py --out net.onnx --output-scale 0-1 --statistics examples.jsonl
    python training/export_onnx.py script.pt --out net.onnx --output-scale logit --returns position,log_variance
    casement models add net.onnx --version mine

The model is a class in a Python file, a whole pickled module (torch.save(model)) or TorchScript. Loading one runs its code:
take it only from people you trust. It gets rows of 50 numbers: temperature, humidity, and the 48 audio numbers.

--output-scale says what its position is: 0-1, 0-100, or `logit` for the number before a sigmoid. --returns names its
columns in order: position, and log_variance, variance or std of the error on the same scale (of a logit's position: in points);
`_` is left out. feature_mean and feature_std are found in the model (50 numbers each, of any module in it); else
--statistics computes them from examples (`casement train --export`): Casement fills a missing clip with the means and doubts
inputs far from them. --normalise puts (x - mean) / std before a model that expects normalised numbers.

Needs torch, onnx, onnxscript and onnxruntime. Exits with 1 if the file differs from the model by more than --tolerance.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import logging
import math
import os
import sys
import tempfile
import warnings
import zipfile

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn
from train_in_pytorch import normalisation, read, tensors

INPUTS = 50
LARGEST_FILE = 16 << 20
SCALE_KEY = "casement.output_scale"
# Casement refuses these: a number in the file would decide how long they run or how much they fill.
REFUSED = {
    "ConstantOfShape", "Expand", "EyeLike", "If", "Loop", "OneHot", "Pad", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike", "Range", "Resize", "Scan", "SequenceMap", "Tile", "Upsample",
}  # fmt: skip


class Exported(nn.Module):
    """The model between Casement's inputs and outputs."""

    def __init__(self, model, statistics, options):
        super().__init__()
        self.model = model
        self.names = options.returns
        self.is_logit = options.output_scale == "logit"
        self.normalise = options.normalise
        self.register_buffer("feature_mean", statistics[0])
        self.register_buffer("feature_std", statistics[1])

    def forward(self, features):
        if self.normalise:
            features = (features - self.feature_mean) / self.feature_std
        known = dict(zip(self.names, columns(self.model(features))))
        position = 100 * torch.sigmoid(known["position"]) if self.is_logit else known["position"]
        if "log_variance" in known:
            return position, known["log_variance"]
        if "variance" in known:
            return position, torch.log(known["variance"])
        if "std" in known:
            return position, 2 * torch.log(known["std"])
        return (position,)


def columns(output):
    """Whatever a model returns, as columns of one number for each row."""
    if isinstance(output, dict):
        output = tuple(output.values())
    if isinstance(output, (tuple, list)):
        return [column for part in output for column in columns(part)]
    if output.dim() < 2:
        return [output.reshape(-1)]
    return list(output.flatten(1).unbind(1))


def stop(message):
    raise SystemExit(f"error: {message}")


def import_file(path):
    """Imports a Python file under its own name, and its classes as those of a script, as pickles may name them."""
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    for key, value in vars(module).items():
        if isinstance(value, type) and not hasattr(sys.modules["__main__"], key):
            setattr(sys.modules["__main__"], key, value)
    return module


def from_class(source, options):
    path, name = source.rsplit(":", 1)
    found = getattr(import_file(path), name, None)
    if found is None:
        stop(f"{path} has no class {name}")
    model = found(**json.loads(options.args))
    if not isinstance(model, nn.Module):
        stop(f"{name} makes no torch.nn.Module")
    if options.weights:
        state = torch.load(options.weights, map_location="cpu", weights_only=True)
        for key in ("model_state_dict", "state_dict", "model"):
            state = state[key] if isinstance(state.get(key), dict) else state
        model.load_state_dict(state)
    else:
        print("warning: without --weights the model has those that its class begins with", file=sys.stderr)
    return model


def is_script(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())


def load(options):
    for path in options.imports:
        import_file(path)
    source = options.source
    if ":" in source and source.rsplit(":", 1)[0].endswith(".py"):
        return from_class(source, options)
    if is_script(source):
        return torch.jit.load(source, map_location="cpu")
    try:
        model = torch.load(source, map_location="cpu", weights_only=False)
    except (AttributeError, ModuleNotFoundError) as error:
        stop(f"{source} needs its class: {error}; name the file that has it: --import FILE.py")
    except Exception as error:  # Whatever an unpickler comes upon.
        stop(f"{source} holds no model that torch reads: {error}")
    if isinstance(model, dict):
        whole = [value for value in model.values() if isinstance(value, nn.Module)]
        if len(whole) != 1:
            stop(f"{source} holds weights without their model; name its class: FILE.py:CLASS --weights {source}")
        model = whole[0]
    return model


def statistics(model, options):
    """Mean and deviation of each input in the training data."""
    found = {}
    for name, tensor in [*model.named_buffers(), *model.named_parameters()]:
        last = name.rsplit(".", 1)[-1]
        if last in ("feature_mean", "feature_std") and tensor.numel() == INPUTS:
            found.setdefault(last, tensor.detach().reshape(INPUTS).float().clone())
    if len(found) == 2:
        if options.normalise:
            stop("the model has feature_mean and feature_std, so it normalises by itself: leave out --normalise")
        return found["feature_mean"], found["feature_std"]
    if not options.statistics:
        stop("the model has no feature_mean and feature_std of 50 numbers; give its training data: --statistics examples.jsonl")
    return normalisation(tensors(read(options.statistics))[0])


def names_of_outputs(options):
    return ["position"] + (["log_variance"] if len(set(options.returns) - {"_"}) > 1 else [])


def export(model, batch, dynamo, options):
    """One way of exporting; the bytes of an ONNX model."""
    target = io.BytesIO()
    how = {"input_names": ["features"], "output_names": names_of_outputs(options), "external_data": False, "dynamo": dynamo}
    if batch is None and dynamo:
        how["dynamic_shapes"] = {"features": {0: torch.export.Dim("batch")}}
    elif batch is None:
        how["dynamic_axes"] = {name: {0: "batch"} for name in ["features", *names_of_outputs(options)]}
    rows = torch.zeros(batch or 2, INPUTS)
    if not dynamo:
        # That exporter takes scripted parts only within a traced whole.
        model = torch.jit.trace(model, rows, check_trace=False)
    with contextlib.redirect_stdout(io.StringIO()):
        program = torch.onnx.export(model, (rows,), None if dynamo else target, **how)
    if dynamo:
        program.save(target, external_data=False)
    return onnx.load_model_from_string(target.getvalue())


def finish(made, stats, options):
    """Adds what Casement looks for, and removes where in whose files each node comes from."""
    graph = made.graph
    for part in [made, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *made.functions]:
        if "metadata_props" in part.DESCRIPTOR.fields_by_name:
            del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]
    stated = made.metadata_props.add()
    stated.key, stated.value = SCALE_KEY, "0-1" if options.output_scale == "0-1" else "0-100"
    for name, values in zip(("feature_mean", "feature_std"), stats):
        values = values.numpy().astype(np.float32)
        same = [t for t in graph.initializer if t.name.endswith(name) and t.data_type == onnx.TensorProto.FLOAT]
        same = [t for t in same if np.array_equal(numpy_helper.to_array(t).reshape(-1), values)]
        if not same:
            graph.initializer.append(numpy_helper.from_array(values, name))
        elif all(t.name != name for t in graph.initializer):
            old, same[0].name = same[0].name, name
            for node in graph.node:
                for place, read_name in enumerate(node.input):
                    if read_name == old:
                        node.input[place] = name
    return made.SerializeToString()


def refused(made):
    used = {node.op_type for holder in [made.graph, *made.functions] for node in holder.node}
    inner = any(a.HasField("g") or a.graphs for n in made.graph.node for a in n.attribute)
    return sorted(used & REFUSED) + (["a graph within the graph"] if inner else [])


def differences(made, batch, rows, expected, options):
    """The largest differences from the model: of the position in points, and of the log variance."""
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(made, quiet, providers=["CPUExecutionProvider"])
    parts = rows.split(batch) if batch else [rows, rows[:1], rows[:3]]
    points = 100 if options.output_scale == "0-1" else 1
    worst, at = [0.0, 0.0], 0
    for part in parts:
        answers = session.run(None, {"features": part.numpy()})
        for place, (answer, theirs) in enumerate(zip(answers, expected)):
            start = at if batch else 0
            off = np.abs(answer.reshape(-1) - theirs[start : start + len(part)].numpy())
            if not np.isfinite(off).all():
                return [math.inf, math.inf]
            worst[place] = max(worst[place], float(off.max()) * (points if place == 0 else 1))
        at += len(part)
    return worst


def attempts(model, scripted):
    """Ways of exporting, best first: for any number of rows, then for one row, whose shapes are all known."""
    for batch in (None, 1):
        for dynamo in (False,) if scripted else (True, False):
            yield batch, dynamo


def folded(made):
    """The model with all that does not depend on its inputs computed: with one row, every shape is known."""
    with tempfile.TemporaryDirectory() as folder:
        how = onnxruntime.SessionOptions()
        how.log_severity_level = 3
        how.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        how.optimized_model_filepath = os.path.join(folder, "folded.onnx")
        onnxruntime.InferenceSession(made.SerializeToString(), how, providers=["CPUExecutionProvider"])
        return onnx.load(how.optimized_model_filepath)


def main():
    options = arguments()
    # What exporters say to each other helps nobody who reads this script's output.
    warnings.simplefilter("ignore")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    model = load(options).eval()
    stats = statistics(model, options)
    torch.manual_seed(options.seed)
    rows = stats[0] + stats[1] * torch.randn(options.rows, INPUTS)
    dtype = next((p.dtype for p in [*model.parameters(), *model.buffers()] if p.is_floating_point()), torch.float32)
    with torch.no_grad():
        found = len(columns(model(rows.to(dtype))))
        if found != len(options.returns):
            stop(f"the model returns {found} numbers for a row; name each: --returns position,… (`_` is left out)")
        scripted = isinstance(model, torch.jit.ScriptModule)
        own = Exported(model, [s.to(dtype) for s in stats], options)
        expected = [column.float() for column in own(rows.to(dtype))]
        whole = Exported(model.float(), stats, options).eval()
    check_scale(expected[0], options)
    reasons = []
    for batch, dynamo in attempts(model, scripted):
        way = f"{'any number of rows' if batch is None else 'one row at a time'}, {'torch.export' if dynamo else 'trace'}"
        try:
            made = export(whole, batch, dynamo, options)
            if batch and refused(made):
                made = folded(made)
            if used := refused(made):
                reasons.append(f"{way}: Casement refuses {', '.join(used)}")
                continue
            made = finish(made, stats, options)
            worst = differences(made, batch, rows, expected, options)
        except Exception as error:  # Each way fails in its own manner; the next may do.
            reasons.append(f"{way}: {type(error).__name__}: {str(error).strip().splitlines()[0][:200] if str(error) else ''}")
            continue
        if len(made) > LARGEST_FILE:
            stop(f"the file has {len(made)} bytes; Casement takes {LARGEST_FILE} at most")
        if max(worst) <= options.tolerance:
            return write(made, way, worst, expected, options)
        reasons.append(f"{way}: differs by {worst[0]:.2g} points, log variance by {worst[1]:.2g}")
    stop("no way of exporting gives the model's own answers:\n  " + "\n  ".join(reasons))


def check_scale(position, options):
    low, high = position.min().item(), position.max().item()
    top = 1 if options.output_scale == "0-1" else 100
    if low < -0.01 * top or high > 1.01 * top:
        stop(f"for inputs like those of its training the model answers {low:.4g} to {high:.4g}, which is not {options.output_scale}")
    if options.output_scale == "0-100" and high <= 1:
        print(f"warning: all positions are below 1 ({low:.4g} to {high:.4g}) on a scale of 0-100", file=sys.stderr)


def write(made, way, worst, expected, options):
    with open(options.out, "wb") as file:
        file.write(made)
    print(f"{options.out}: {len(made)} bytes, for {way}; inputs features, outputs {', '.join(names_of_outputs(options))}")
    print(f"largest difference from the model on {options.rows} random rows: position {worst[0]:.2g} points", end="")
    print(f", log variance {worst[1]:.2g}" if len(expected) > 1 else "")
    more = "" if len(expected) > 1 else " --examples FILE.jsonl (else its confidence is unknown, 0)"
    print(f"next: casement models add {options.out} --version NAME{more}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="FILE.py:CLASS, a whole module (.pth) or TorchScript")
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--output-scale", required=True, choices=["0-1", "0-100", "logit"])
    parser.add_argument("--returns", default="", metavar="NAMES", help="its columns, such as position,log_variance")
    parser.add_argument("--weights", metavar="FILE", help="the state dict of the class")
    parser.add_argument("--args", default="{}", metavar="JSON", help="keyword arguments of the class")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="FILE", help="Python files of a pickle's classes")
    parser.add_argument("--statistics", metavar="FILE", help="examples of the training, as JSON lines")
    parser.add_argument("--normalise", action="store_true", help="the model expects (x - mean) / std")
    parser.add_argument("--rows", type=int, default=256, help="random rows of the check")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest difference, in points")
    options = parser.parse_args()
    options.returns = [name for name in options.returns.split(",") if name] or ["position"]
    known = {"position", "log_variance", "variance", "std", "_"}
    if options.returns.count("position") != 1 or set(options.returns) - known or len(set(options.returns) - {"_"}) > 2:
        parser.error("--returns names position once, at most one of log_variance, variance and std, and _ for the rest")
    return options


if __name__ == "__main__":
    main()
