"""clickhouse-connect against the embedded engine: usage: connect.py PORT"""

import sys
from datetime import datetime, timezone

import clickhouse_connect
from clickhouse_connect.driver.external import ExternalData

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


def external(client, table):
    data = ExternalData(
        data="1,it's\n2,b\n".encode(), file_name="ids", fmt="CSV", structure=["id UInt32", "name LowCardinality(String)"]
    )
    data.add_file(data=b"7\tx\n8\ty\n", file_name="others", types=["UInt8", "String"])
    found = client.query(
        "SELECT i.id, i.name, o._2 FROM ids AS i, others AS o WHERE i.id IN {known:Array(UInt32)} AND o._1 = 7 ORDER BY id",
        external_data=data,
        parameters={"known": [1, 2]},
    )
    assert found.result_rows == [(1, "it's", "x"), (2, "b", "x")], found.result_rows
    frame = client.query(f"SELECT count() FROM {table} WHERE a IN (SELECT id FROM ids)", external_data=data)
    assert frame.first_row == (2,), frame.first_row
    text = client.raw_query("SELECT sum(id) FROM ids", external_data=data)
    assert text.strip() == b"3", text


external(client, "t")
reader = clickhouse_connect.get_client(host="127.0.0.1", port=int(sys.argv[1]), username="reader")
external(reader, "t")
plain = clickhouse_connect.get_client(host="127.0.0.1", port=int(sys.argv[1]), autogenerate_session_id=False, compress=False)
external(plain, "t")
for packed in [client, plain]:
    for query, code, words in [
        ("SELECT * FROM nosuch", "60", "nosuch"),
        ("SELECT throwIf(number = 3, 'my words') FROM numbers(10)", "395", "my words"),
        ("SELECT * FROM ids", "60", "ids"),
    ]:
        try:
            packed.query(query)
        except clickhouse_connect.driver.exceptions.DatabaseError as error:
            assert code in str(error) and words in str(error), error
        else:
            raise AssertionError(f"{query} must be an error")
print("ok")
