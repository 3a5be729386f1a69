"""Writes goldens that need torch and onnxscript: hidden size 96, and a whole module in the container before PyTorch 1.6.

`python make_goldens.py GOLDENS`, the folder's absolute path; the files in the repository are from torch 2.15.0.
"""

import json
import math
import sys
from pathlib import Path

import onnx
import torch
from regressor import Regressor

OUT = Path(sys.argv[1])


def golden(net, rows):
    with torch.no_grad():
        position, log_variance = net(rows)
        position64, log_variance64 = net.double()(rows.double())
    net.float()
    sure = [math.erf(10 / (math.exp(v / 2) * math.sqrt(2))) for v in log_variance64.tolist()]
    return {
        "hidden": net.backbone[0].out_features,
        "input": rows.tolist(),
        "position": position.tolist(),
        "log_variance": log_variance.tolist(),
        "position_f64": position64.tolist(),
        "log_variance_f64": log_variance64.tolist(),
        "confidence_erf10": sure,
    }


torch.manual_seed(96)
net = Regressor((96, 96)).eval()
# So that positions and variances spread over their ranges.
with torch.no_grad():
    net.mean_head.weight.mul_(12)
    net.logvar_head.weight.mul_(12)
    net.logvar_head.bias.add_(3)
torch.save(net.state_dict(), OUT / "regressor_h96.pth")
rows = net.feature_mean + net.feature_std * torch.randn(24, 50)
(OUT / "regressor_h96.json").write_text(json.dumps(golden(net, rows)))
torch.onnx.export(
    net,
    (torch.zeros(2, 50),),
    OUT / "regressor_h96.onnx",
    input_names=["features"],
    output_names=["position", "log_variance"],
    dynamic_shapes={"features": {0: torch.export.Dim("batch")}},
    external_data=False,
)
# Exporters note where in whose files each node comes from.
made = onnx.load(OUT / "regressor_h96.onnx")
for part in [made, made.graph, *made.graph.node, *made.graph.value_info, *made.graph.input, *made.graph.output]:
    del part.metadata_props[:]
onnx.save(made, OUT / "regressor_h96.onnx")

# The old container carries each class's source and where it lies; neither belongs here.
torch.serialization.get_source_lines_and_file = lambda c: ([f"class {c.__name__}: ...\n"], 1, f"{c.__name__}.py")
small = Regressor((32, 32)).eval()
small.load_state_dict(torch.load(OUT / "regressor_h32.pth", weights_only=True))
torch.save(small, OUT / "regressor_h32.full.legacy.pth", _use_new_zipfile_serialization=False)
