"""clickhouse-connect against the embedded engine: usage: connect.py PORT"""

import sys
from datetime import datetime, timezone

import clickhouse_connect

client = clickhouse_connect.get_client(host="127.0.0.1", port=int(sys.argv[1]))
client.command("CREATE TABLE t (a UInt32, b String, c Float64, d DateTime64(3, 'UTC'), e Array(String), f Nullable(Int64), g LowCardinality(String), h Bool) ENGINE = MergeTree ORDER BY a")
when = datetime(2025, 10, 24, 12, 0, tzinfo=timezone.utc)
rows = [[i, f"row {i}", i / 3, when, ["x"] * (i % 3), None if i % 2 else i, f"k{i % 5}", i % 2 == 0] for i in range(5000)]
client.insert("t", rows, column_names=list("abcdefgh"))
count = client.command("SELECT count() FROM t")
assert count == 5000, count

result = client.query("SELECT * FROM t ORDER BY a")
assert result.row_count == 5000, result.row_count
for expected, got in zip(rows, result.result_rows):
    assert list(got[:3]) == expected[:3] and list(got[4:]) == expected[4:], (expected, got)
    assert got[3].replace(tzinfo=timezone.utc) == when, got[3]

big = client.query("SELECT number, toString(number) FROM numbers(300000)")
assert big.row_count == 300000 and big.result_rows[-1] == (299999, "299999"), big.result_rows[-1]
assert client.query("SELECT {x:String} AS x", parameters={"x": "it's"}).first_row == ("it's",)
assert client.query("SELECT a FROM t WHERE 0").result_rows == []
try:
    client.query("SELECT * FROM nosuch")
except clickhouse_connect.driver.exceptions.DatabaseError as error:
    assert "60" in str(error), error
else:
    raise AssertionError("an unknown table must be an error")
print("ok")
