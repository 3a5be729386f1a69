"""Every kind of column through clickhouse-connect, in and out: usage: columns.py PORT"""

import ipaddress
import math
import sys
import uuid
from datetime import date, datetime, timezone
from decimal import Decimal

import clickhouse_connect

client = clickhouse_connect.get_client(host="127.0.0.1", port=int(sys.argv[1]))
when = datetime(2025, 10, 24, 12, 0, 0, 123000)

# name: type, two values, and what comes back where it is not the same
COLUMNS = {
    "i8": ("Int8", [-128, 127]),
    "u64": ("UInt64", [0, 2**64 - 1]),
    "i128": ("Int128", [-(2**127), 2**127 - 1]),
    "u256": ("UInt256", [0, 2**256 - 1]),
    "f32": ("Float32", [0.5, -0.25]),
    "f64": ("Float64", [math.pi, -1e300]),
    "b": ("Bool", [True, False]),
    "s": ("String", ["", "grüße 'n\\\t\n"]),
    "fs": ("FixedString(4)", [b"abcd", b"\x00\x01\x02\x03"]),
    "d": ("Date", [date(1970, 1, 1), date(2149, 6, 6)]),
    "d32": ("Date32", [date(1900, 1, 1), date(2299, 12, 31)]),
    "dt": ("DateTime('UTC')", [when.replace(microsecond=0)] * 2),
    "dt64": ("DateTime64(3, 'UTC')", [when, when]),
    "dec9": ("Decimal(9, 2)", [Decimal("1.25"), Decimal("-9999999.99")]),
    "dec38": ("Decimal(38, 10)", [Decimal("12345678901234567890.0123456789"), Decimal("-1.5")]),
    "dec76": ("Decimal(76, 2)", [Decimal("1.25"), Decimal("-1.25")]),
    "id": ("UUID", [uuid.UUID(int=1), uuid.UUID("d2f0a1a8-7b1e-4f0a-9a53-1c3a50d0a000")]),
    "v4": ("IPv4", [ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv4Address("10.1.2.3")]),
    "v6": ("IPv6", [ipaddress.IPv6Address("::1"), ipaddress.IPv6Address("2001:db8::1")]),
    "e8": ("Enum8('open' = 1, 'it\\'s, (shut)' = -1)", ["open", "it's, (shut)"]),
    "e16": ("Enum16('a' = 300, 'b' = 400)", ["a", "b"]),
    "n": ("Nullable(Int32)", [None, 7]),
    "ns": ("Nullable(String)", ["x", None]),
    "lc": ("LowCardinality(String)", ["x", "y"]),
    "lcn": ("LowCardinality(Nullable(String))", [None, "y"]),
    "a": ("Array(Float64)", [[], [1.0, 2.0, 3.0]]),
    "aa": ("Array(Array(Nullable(String)))", [[["a", None], []], []]),
    "m": ("Map(String, Array(UInt8))", [{"k": [1, 2]}, {}]),
    "ml": ("Map(LowCardinality(String), Float64)", [{"k": 1.0, "l": 2.0}, {}]),
    "t": ("Tuple(Int32, String)", [(1, "x"), (-1, "")]),
    "tn": ("Tuple(x Int32, `the y` Nullable(Float64))", [{"x": 1, "the y": None}, {"x": 2, "the y": 0.5}]),
    "j": ("JSON", [{"a": 1, "b": {"c": "x"}}, {"b": {"c": [1, 2]}, "d": True}]),
    "jt": ("JSON(a.b UInt32, max_dynamic_paths = 1)", [{"a": {"b": 7}, "x": "y", "z": "w"}, {"a": {"b": 8}}]),
    "p": ("Point", [(1.0, 2.0), (3.0, 4.0)]),
}

types = ", ".join(f"`{name}` {kind}" for name, (kind, _) in COLUMNS.items())
client.command(f"CREATE TABLE wide (k UInt8, {types}) ENGINE = MergeTree ORDER BY k")
rows = [[index, *(values[index] for _, values in COLUMNS.values())] for index in range(2)]
client.insert("wide", rows, column_names=["k", *COLUMNS])

result = client.query("SELECT * FROM wide ORDER BY k")
for index, got in enumerate(result.result_rows):
    for (name, (kind, values)), value in zip(COLUMNS.items(), got[1:]):
        assert value == values[index], (name, kind, values[index], value)

# Many blocks, of every form, and none at all.
many = client.query(
    "SELECT number, [toString(number)] AS a, if(number % 2, NULL, number) AS n, toLowCardinality(toString(number % 10)) AS l, "
    "map('k', number) AS m, number::Variant(UInt64, String) AS v, number::Dynamic AS dy FROM numbers(200000)"
)
assert many.row_count == 200_000, many.row_count
assert many.result_rows[-1] == (199_999, ["199999"], None, "9", {"k": 199_999}, 199_999, 199_999), many.result_rows[-1]
assert client.query("SELECT * FROM wide WHERE k = 9").result_rows == []

# With compression of every kind.
for compression in ["gzip", "zstd", "lz4", False]:
    other = clickhouse_connect.get_client(host="127.0.0.1", port=int(sys.argv[1]), compress=compression)
    other.insert("wide", rows, column_names=["k", *COLUMNS])
    assert other.query("SELECT count(), sum(u64 = 0) FROM wide WHERE k < 2").first_row[0] % 2 == 0
    assert other.query("SELECT number FROM numbers(100000)").row_count == 100_000
zone = client.query("SELECT now('Europe/Berlin') AS t").first_row[0]
assert abs(zone.astimezone(timezone.utc) - datetime.now(timezone.utc)).total_seconds() < 3600
print("ok")
