"""SQLAlchemy through clickhouse-connect's dialect: usage: alchemy.py PORT"""

import sys
from datetime import datetime

from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import DateTime64, Float64, LowCardinality, String
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree
import sqlalchemy as sa

engine = sa.create_engine(f"clickhousedb://default@127.0.0.1:{sys.argv[1]}/default")
metadata = sa.MetaData()
readings = sa.Table(
    "readings",
    metadata,
    sa.Column("timestamp", DateTime64(3)),
    sa.Column("device_id", LowCardinality(String)),
    sa.Column("value", Float64),
    MergeTree(order_by=["device_id", "timestamp"]),
)
when = datetime(2025, 10, 24, 12, 0)
with engine.begin() as connection:
    metadata.create_all(connection)
    rows = [{"timestamp": when, "device_id": f"d-{i % 3}", "value": i / 4} for i in range(300)]
    connection.execute(readings.insert(), rows)
    query = (
        sa.select(readings.c.device_id, sa.func.count().label("n"), sa.func.max(readings.c.value))
        .where(readings.c.value >= 10)
        .group_by(readings.c.device_id)
        .order_by(readings.c.device_id)
    )
    found = [tuple(row) for row in connection.execute(query)]
    assert found == [("d-0", 86, 74.25), ("d-1", 87, 74.5), ("d-2", 87, 74.75)], found
    assert connection.execute(sa.text("SELECT :x"), {"x": "it's"}).scalar() == "it's"

inspector = sa.inspect(engine)
assert "readings" in inspector.get_table_names(), inspector.get_table_names()
columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("readings")}
assert list(columns) == ["timestamp", "device_id", "value"], columns
reflected = sa.Table("readings", sa.MetaData(), autoload_with=engine)
with engine.connect() as connection:
    assert connection.execute(sa.select(sa.func.count()).select_from(reflected)).scalar() == 300
    try:
        connection.execute(sa.text("SELECT * FROM nosuch"))
    except sa.exc.DatabaseError as error:
        assert "60" in str(error), error
    else:
        raise AssertionError("an unknown table must be an error")
reader = sa.create_engine(f"clickhousedb://reader@127.0.0.1:{sys.argv[1]}/default")
with reader.connect() as connection:
    assert connection.execute(sa.text("SELECT count() FROM readings")).scalar() == 300
    try:
        connection.execute(sa.text("DROP TABLE readings"))
    except sa.exc.DatabaseError as error:
        assert "readonly" in str(error), error
    else:
        raise AssertionError("a reader must not drop a table")
print("ok")
