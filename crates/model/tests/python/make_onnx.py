"""Writes ONNX models into a folder: good ones in the forms that exporters write, and one for each way to be wrong.

Each is a single dense layer around PyTorch's names, made with the onnx package, so that no torch is needed.
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

OUT = Path(sys.argv[1])
RANDOM = np.random.default_rng(7)
WEIGHT, LOGVAR = (RANDOM.normal(0, 0.1, (1, 50)).astype(np.float32) for _ in range(2))
MEAN, STD = RANDOM.normal(0, 1, 50).astype(np.float32), RANDOM.uniform(0.5, 2, 50).astype(np.float32)


def model(
    name,
    *,
    batch="batch",
    width=50,
    kind=TensorProto.FLOAT,
    names=("features", "position", "log_variance"),
    tensors=None,
    scale=100.0,
    squeeze=False,
    extra_nodes=(),
    extra_outputs=(),
    drop_output=False,
    out_shape=None,
    stated=None,
):
    features, position, log_variance = names
    weights = {
        "feature_mean": MEAN[:width],
        "feature_std": STD[:width],
        "mean_head.weight": WEIGHT[:, :width],
        "mean_head.bias": np.zeros(1, np.float32),
        "logvar_head.weight": LOGVAR[:, :width],
        "logvar_head.bias": np.full(1, 2, np.float32),
        "scale": np.array(scale, np.float32),
        "axes": np.array([1], np.int64),
        "low": np.array(-6, np.float32),
        "high": np.array(8, np.float32),
    }
    weights.update(tensors or {})
    nodes = [] if kind == TensorProto.FLOAT else [helper.make_node("Cast", [features], ["cast"], to=TensorProto.FLOAT)]
    start = features if kind == TensorProto.FLOAT else "cast"
    last = ("p", "v") if squeeze else (position, log_variance)
    nodes += [
        helper.make_node("Sub", [start, "feature_mean"], ["centred"]),
        helper.make_node("Div", ["centred", "feature_std"], ["z"]),
        helper.make_node("Gemm", ["z", "mean_head.weight", "mean_head.bias"], ["mean"], transB=1),
        helper.make_node("Sigmoid", ["mean"], ["share"]),
        helper.make_node("Mul", ["share", "scale"], [last[0]]),
        helper.make_node("Gemm", ["z", "logvar_head.weight", "logvar_head.bias"], ["raw"], transB=1),
        helper.make_node("Clip", ["raw", "low", "high"], [last[1]]),
    ]
    if squeeze:
        nodes += [helper.make_node("Squeeze", [a, "axes"], [b]) for a, b in zip(last, (position, log_variance))]
    nodes += list(extra_nodes)
    shape = out_shape or ([batch] if squeeze else [batch, 1])
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in (position, log_variance)]
    outputs = outputs[: 1 if drop_output else 2] + list(extra_outputs)
    graph = helper.make_graph(
        nodes,
        "regressor",
        [helper.make_tensor_value_info(features, kind, [batch, width])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items() if value is not None],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if stated:
        helper.set_model_props(made, {"author": "somebody", "casement.output_scale": stated})
    save(made, OUT / f"{name}.onnx")
    return made


model("good")
model("good_squeezed", squeeze=True)
model("good_one_row", batch=1)
model("four_rows", batch=4)
model("input_name", names=("x", "position", "log_variance"))
whole = {"feature_mean": MEAN, "feature_std": STD, "mean_head.weight": WEIGHT, "logvar_head.weight": LOGVAR}
model("input_width", width=1, tensors=whole)
model("input_type", kind=TensorProto.DOUBLE)
model("output_name", names=("features", "position", "logvar"))
model("one_output", drop_output=True)
more = helper.make_tensor_value_info("share", TensorProto.FLOAT, ["batch", 1])
model("three_outputs", extra_outputs=[more])
model("no_mean", tensors={"feature_mean": None, "mu": MEAN})
model("short_std", tensors={"feature_std": STD[:7]})
model("zero_std", tensors={"feature_std": np.where(np.arange(50) == 3, 0, STD).astype(np.float32)})
model("nan_weight", tensors={"mean_head.weight": np.full((1, 50), np.nan, np.float32)})
model("double_mean", tensors={"feature_mean": MEAN.astype(np.float64)})
model("wild_position", scale=1e6)
model("share", scale=1.0, drop_output=True)
model("share_stated", scale=1.0, stated="0-1")
model("percent_stated", stated="0-100", drop_output=True)
model("unknown_scale", stated="percent")
model("share_that_is_percent", stated="0-1")
shape = helper.make_node("Constant", [], ["huge"], value=numpy_helper.from_array(np.array([1 << 40], np.int64)))
model("bomb", extra_nodes=[shape, helper.make_node("ConstantOfShape", ["huge"], ["zeros"])])
model("unknown_operator", extra_nodes=[helper.make_node("Teleport", ["z"], ["elsewhere"])])
body = helper.make_graph([], "body", [], [])
model("loop", extra_nodes=[helper.make_node("If", ["z"], ["y"], then_branch=body, else_branch=body)])
made = model("external")
for tensor in made.graph.initializer:
    if tensor.name == "mean_head.weight":
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../../etc/passwd")
(OUT / "external.onnx").write_bytes(made.SerializeToString())
(OUT / "torn.onnx").write_bytes((OUT / "good.onnx").read_bytes()[:700])
