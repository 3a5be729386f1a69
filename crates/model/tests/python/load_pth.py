"""Loads a .pth file as torch.load(weights_only=True) does and prints its tensors as JSON.

With torch installed it is torch itself; without, a restricted unpickler of the standard library with the same few
names that torch allows, and torch's rules for the container.
"""

import json
import math
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from io import BytesIO


def by_torch(path):
    import torch

    state = torch.load(path, weights_only=True, mmap=True)
    return {name: {"shape": list(t.shape), "values": t.flatten().tolist()} for name, t in state.items()}


class Storage:
    def __init__(self, values):
        self.values = values


class FloatStorage:
    pass


def rebuild(storage, offset, size, stride, requires_grad, hooks):
    assert isinstance(hooks, OrderedDict) and requires_grad is False
    expected = [math.prod(size[i + 1 :]) for i in range(len(size))]
    assert list(stride) == expected, (stride, expected)
    count = math.prod(size)
    return {"shape": list(size), "values": storage.values[offset : offset + count]}


def by_hand(path):
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    root = archive.namelist()[0].split("/")[0]
    assert archive.namelist()[0] == f"{root}/data.pkl"
    assert archive.read(f"{root}/version") == b"3\n" and archive.read(f"{root}/byteorder") == b"little"
    raw = open(path, "rb").read()
    for info in archive.infolist():
        assert info.compress_type == zipfile.ZIP_STORED
        name, extra = struct.unpack("<HH", raw[info.header_offset + 26 : info.header_offset + 30])
        assert (info.header_offset + 30 + name + extra) % 64 == 0, info.filename

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            return {
                ("collections", "OrderedDict"): OrderedDict,
                ("torch._utils", "_rebuild_tensor_v2"): rebuild,
                ("torch", "FloatStorage"): FloatStorage,
            }[module, name]

        def persistent_load(self, pid):
            kind, storage_type, key, location, count = pid
            assert (kind, storage_type, location) == ("storage", FloatStorage, "cpu")
            data = archive.read(f"{root}/data/{key}")
            assert len(data) == 4 * count
            return Storage(list(struct.unpack(f"<{count}f", data)))

    state = Unpickler(BytesIO(archive.read(f"{root}/data.pkl"))).load()
    assert isinstance(state, OrderedDict)
    return state


def main():
    try:
        loader, tensors = "torch", by_torch(sys.argv[1])
    except ModuleNotFoundError:
        loader, tensors = "python", by_hand(sys.argv[1])
    print(json.dumps({"loader": loader, "tensors": tensors}))


main()
