"""Saves one regressor in every way that people save models with torch, and what torch says about some rows.

Writes files into a folder and, as JSON on standard output, for each the expected outputs, or null where it must be refused.
"""

import json
import sys
from pathlib import Path

import torch
from regressor import Regressor
from torch import nn

OUT = Path(sys.argv[1])


def strided(state):
    """The same weights as views into larger storages, with other strides and offsets."""
    views = {}
    for name, tensor in state.items():
        if tensor.dim() == 2:
            wide = torch.zeros(tensor.shape[1], tensor.shape[0] + 3)
            wide[:, 2:-1] = tensor.t()
            views[name] = wide[:, 2:-1].t()
        else:
            long = torch.zeros(2 * len(tensor) + 1)
            long[1::2] = tensor
            views[name] = long[1::2]
        assert torch.equal(views[name], tensor)
    return views


def shared(state):
    """All weights as pieces of one storage."""
    flat = torch.cat([tensor.flatten() for tensor in state.values()])
    pieces, at = {}, 0
    for name, tensor in state.items():
        pieces[name] = flat[at : at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    return pieces


def main():
    torch.manual_seed(11)
    rows = torch.randn(8, 50) * 2
    expected = {}

    def save(name, value, good=True, model=None, **how):
        torch.save(value, OUT / name, **how)
        expected[name] = outputs(model or net) if good else None

    def outputs(model):
        with torch.no_grad():
            position, log_variance = model.float()(rows)
        return {"position": position.tolist(), "log_variance": log_variance.tolist()}

    for widths in [(96, 96), (1,), (80, 40, 20), (33, 7)]:
        net = Regressor(widths).eval()
        save(f"h{'_'.join(map(str, widths))}.pth", net.state_dict())
    net = Regressor((96, 96)).eval()
    state = net.state_dict()
    save("plain_dict.pth", dict(state))
    save("parameters.pth", {**dict(net.named_parameters()), **dict(net.named_buffers())})
    save("legacy.pth", state, _use_new_zipfile_serialization=False)
    save("protocol5.pth", state, pickle_protocol=5)
    save("module.pth", net)
    save("module_legacy.pth", net, _use_new_zipfile_serialization=False)
    optimizer = torch.optim.Adam(net.parameters())
    net(rows)[0].sum().backward()
    optimizer.step()
    net.eval()
    state = net.state_dict()
    checkpoint = {"model_state_dict": state, "optimizer_state_dict": optimizer.state_dict(), "epoch": 7, "loss": 1.5}
    save("checkpoint.pth", checkpoint)
    save("lightning.pth", {"state_dict": {f"net.{k}": v for k, v in state.items()}, "hyper_parameters": {"lr": 1e-3}})
    save("data_parallel.pth", nn.DataParallel(net).state_dict())
    save("strided.pth", strided(state))
    save("shared.pth", shared(state))
    double = Regressor((96, 96)).double().eval()
    save("double.pth", double.state_dict(), model=double)
    save("half.pth", {k: v.half() for k, v in state.items()}, good=False)
    save("bfloat.pth", {k: v.bfloat16() for k, v in state.items()}, good=False)
    save("sparse.pth", {**state, "mean_head.weight": state["mean_head.weight"].to_sparse()}, good=False)
    save("nan.pth", {**state, "mean_head.bias": torch.tensor([float("nan")])}, good=False)
    save("list.pth", list(state.values()), good=False)
    save("tensor.pth", torch.zeros(3), good=False)
    torch.jit.save(torch.jit.trace(net, rows), OUT / "script.pth")
    expected["script.pth"] = None
    print(json.dumps({"torch": torch.__version__, "rows": rows.tolist(), "expected": expected}))


main()
