// The official client for Node.js against the embedded engine: node clients.mjs PORT
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { createClient, ClickHouseError, ClickHouseLogLevel } from "@clickhouse/client";

const url = `http://127.0.0.1:${process.argv[2]}`;
// What is refused on purpose is no matter for its log.
const log = { level: ClickHouseLogLevel.OFF };
const client = createClient({ url, log });
const rows = [
  { id: 1, name: "it's", tags: ["a", "b"], note: null },
  { id: 2, name: "grüße\n\t\\", tags: [], note: "x" },
];

async function table(name, columns = "id UInt64, name String, tags Array(String), note Nullable(String)") {
  await client.command({ query: `CREATE OR REPLACE TABLE ${name} (${columns}) ENGINE = MergeTree ORDER BY tuple()` });
}

async function read(from = client, query = "SELECT * FROM node_rows ORDER BY id", more = {}) {
  const result = await from.query({ query, format: "JSONEachRow", ...more });
  return result.json();
}

async function code(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ClickHouseError, `${error}`);
    assert.ok(!error.message.includes("DB::Exception: Code"), error.message);
    return { code: error.code, type: error.type, message: error.message };
  }
  assert.fail("it must be refused");
}

const cases = {
  async ping() {
    assert.equal((await client.ping()).success, true);
    assert.equal((await client.ping({ select: true })).success, true);
  },
  async "an insert of objects, and what comes back"() {
    await table("node_rows");
    const inserted = await client.insert({ table: "node_rows", values: rows, format: "JSONEachRow" });
    assert.equal(inserted.executed, true);
    assert.equal(inserted.summary.written_rows, "2");
    assert.deepEqual(await read(), rows);
  },
  async "every JSON format"() {
    for (const format of [
      "JSON", "JSONStrings", "JSONCompact", "JSONCompactStrings", "JSONColumnsWithMetadata", "JSONObjectEachRow",
      "JSONEachRow", "JSONStringsEachRow", "JSONCompactEachRow", "JSONCompactStringsEachRow",
      "JSONCompactEachRowWithNames", "JSONCompactEachRowWithNamesAndTypes",
      "JSONCompactStringsEachRowWithNames", "JSONCompactStringsEachRowWithNamesAndTypes",
    ]) {
      const result = await client.query({ query: "SELECT number AS n FROM numbers(3)", format });
      const text = JSON.stringify(await result.json());
      for (const n of ["0", "1", "2"]) assert.ok(text.includes(n), `${format}: ${text}`);
    }
  },
  async "rows with progress"() {
    const result = await client.query({
      query: "SELECT number AS n FROM numbers(3)",
      format: "JSONEachRowWithProgress",
      clickhouse_settings: { interactive_delay: "1" },
    });
    const found = [];
    for await (const batch of result.stream())
      for (const row of batch) {
        const value = row.json();
        if (value.row) found.push(value.row.n);
      }
    assert.deepEqual(found.map(String), ["0", "1", "2"]);
  },
  async "text formats, in and out"() {
    for (const [format, lines] of [
      ["CSV", '1,"a"\n2,"b"\n'],
      ["CSVWithNames", '"id","name"\n1,"a"\n2,"b"\n'],
      ["CSVWithNamesAndTypes", '"id","name"\n"UInt64","String"\n1,"a"\n2,"b"\n'],
      ["TabSeparated", "1\ta\n2\tb\n"],
      ["TabSeparatedRaw", "1\ta\n2\tb\n"],
      ["TabSeparatedWithNames", "id\tname\n1\ta\n2\tb\n"],
      ["TabSeparatedWithNamesAndTypes", "id\tname\nUInt64\tString\n1\ta\n2\tb\n"],
    ]) {
      await table("node_text", "id UInt64, name String");
      await client.insert({ table: "node_text", values: Readable.from([lines], { objectMode: false }), format });
      const result = await client.query({ query: "SELECT * FROM node_text ORDER BY id", format });
      assert.equal(await result.text(), lines, format);
    }
  },
  async "custom separators"() {
    const result = await client.query({
      query: "SELECT 1 AS a, 'x' AS b",
      format: "CustomSeparated",
      clickhouse_settings: { format_custom_field_delimiter: "|", format_custom_row_after_delimiter: "!" },
    });
    assert.equal((await result.text()).trim(), "1|x!");
  },
  async "a stream of objects in, and one out"() {
    await table("node_stream", "n UInt64");
    const values = Readable.from((function* () { for (let n = 0; n < 20000; n++) yield { n }; })());
    await client.insert({ table: "node_stream", values, format: "JSONEachRow" });
    const result = await client.query({ query: "SELECT n FROM node_stream", format: "JSONEachRow" });
    let sum = 0;
    for await (const batch of result.stream()) for (const row of batch) sum += Number(row.json().n);
    assert.equal(sum, (19999 * 20000) / 2);
  },
  async "a long stream ended early leaves the client usable"() {
    const result = await client.query({ query: "SELECT number FROM numbers(10000000)", format: "JSONEachRow" });
    result.close();
    assert.deepEqual(await read(client, "SELECT 1 AS one"), [{ one: 1 }]);
  },
  async "chosen and left-out columns"() {
    await table("node_columns", "a UInt8, b UInt8 DEFAULT 7");
    await client.insert({ table: "node_columns", values: [{ a: 1 }], format: "JSONEachRow", columns: ["a"] });
    await client.insert({ table: "node_columns", values: [{ a: 2 }], format: "JSONEachRow", columns: { except: ["b"] } });
    assert.deepEqual(await read(client, "SELECT * FROM node_columns ORDER BY a"), [{ a: 1, b: 7 }, { a: 2, b: 7 }]);
  },
  async "compact and other inserts"() {
    await table("node_compact", "a UInt8, b String");
    await client.insert({ table: "node_compact", values: [[1, "x"]], format: "JSONCompactEachRow" });
    await client.insert({ table: "node_compact", values: [["a", "b"], [2, "y"]], format: "JSONCompactEachRowWithNames" });
    await client.insert({
      table: "node_compact", values: { meta: [{ name: "a", type: "UInt8" }, { name: "b", type: "String" }], data: [{ a: 3, b: "z" }] }, format: "JSON",
    });
    await client.insert({ table: "node_compact", values: { row_1: { a: 4, b: "q" } }, format: "JSONObjectEachRow" });
    await client.insert({ table: "node_compact", values: [], format: "JSONEachRow" });
    assert.equal((await read(client, "SELECT sum(a) AS s FROM node_compact"))[0].s, 10);
  },
  async "INSERT … SELECT, and INSERT … VALUES as a command"() {
    await table("node_select", "n UInt64");
    await client.command({ query: "INSERT INTO node_select SELECT number FROM numbers(5)" });
    await client.command({ query: "INSERT INTO node_select VALUES (10), (20)" });
    assert.equal((await read(client, "SELECT sum(n) AS s FROM node_select"))[0].s, 40);
  },
  async "parameters of every kind"() {
    const query_params = {
      n: -5, big: 18446744073709551615n, f: 1.5, s: "it's \\ \t\n", b: true, none: null,
      a: [1, 2], as: ["a'b", "c"], t: new Date("2025-10-24T12:00:00.123Z"), m: { k: "v" },
      mm: new Map([["x", 1]]), name: "node_rows",
    };
    const query = `SELECT {n:Int32} AS n, {big:UInt64} AS big, {f:Float64} AS f, {s:String} AS s, {b:Bool} AS b,
      {none:Nullable(String)} AS none, {a:Array(UInt8)} AS a, {as:Array(String)} AS as_,
      {t:DateTime64(3,'UTC')} AS t, {m:Map(String, String)} AS m, {mm:Map(String, UInt8)} AS mm,
      (SELECT count() FROM {name:Identifier}) AS c`;
    const [row] = await read(client, query, { query_params });
    assert.deepEqual(row, {
      n: -5, big: 18446744073709551615, f: 1.5, s: "it's \\ \t\n", b: true, none: null, a: [1, 2],
      as_: ["a'b", "c"], t: "2025-10-24 12:00:00.123", m: { k: "v" }, mm: { x: 1 }, c: 2,
    });
  },
  async "many and long parameters as a form"() {
    const query_params = { long: "x".repeat(100_000), list: Array.from({ length: 5000 }, (_, n) => n) };
    const [row] = await read(client, "SELECT length({long:String}) AS l, arraySum({list:Array(UInt32)}) AS s", {
      query_params, use_multipart_params: true,
    });
    assert.deepEqual(row, { l: 100000, s: (4999 * 5000) / 2 });
    const auto = createClient({ url, log, use_multipart_params_auto: true });
    assert.equal((await read(auto, "SELECT length({long:String}) AS l", { query_params }))[0].l, 100000);
    await auto.close();
  },
  async "settings of client and query"() {
    const other = createClient({ url, log, clickhouse_settings: { max_block_size: "7" } });
    const query = "SELECT getSetting('max_block_size') AS b, getSetting('join_use_nulls') AS j";
    const [row] = await read(other, query, { clickhouse_settings: { join_use_nulls: 1 } });
    assert.deepEqual([String(row.b), Number(row.j)], ["7", 1]);
    await other.close();
  },
  async "a session with a temporary table"() {
    const session = createClient({ url, log, session_id: `node-${process.pid}`, max_open_connections: 1 });
    await session.command({ query: "CREATE TEMPORARY TABLE mine (a UInt8)" });
    await session.insert({ table: "mine", values: [{ a: 7 }], format: "JSONEachRow" });
    assert.deepEqual(await read(session, "SELECT * FROM mine"), [{ a: 7 }]);
    await session.close();
  },
  async "exec, with and without a stream of values"() {
    const { stream } = await client.exec({ query: "SELECT 1 AS a FORMAT CSV" });
    let text = "";
    for await (const piece of stream) text += piece;
    assert.equal(text, "1\n");
    await table("node_exec", "a UInt8");
    const values = Readable.from(["1\n", "2\n"], { objectMode: false });
    const inserted = await client.exec({ query: "INSERT INTO node_exec FORMAT CSV", values });
    for await (const _ of inserted.stream);
    assert.equal((await read(client, "SELECT sum(a) AS s FROM node_exec"))[0].s, 3);
  },
  async "compression both ways"() {
    const packed = createClient({ url, log, compression: { request: true, response: true } });
    await table("node_packed", "n UInt64, s String");
    const values = Array.from({ length: 5000 }, (_, n) => ({ n, s: "x".repeat(n % 50) }));
    await packed.insert({ table: "node_packed", values, format: "JSONEachRow" });
    const found = await read(packed, "SELECT * FROM node_packed ORDER BY n");
    assert.deepEqual([found.length, found[4999].s.length], [5000, 49]);
    const refused = await code(packed.query({ query: "SELECT * FROM nosuch" }));
    assert.deepEqual([refused.code, refused.type], ["60", "UNKNOWN_TABLE"]);
    assert.match(refused.message, /nosuch/);
    await packed.close();
  },
  async "errors with their code, type and words"() {
    for (const [query, number, type] of [
      ["SELECT * FROM nosuch", "60", "UNKNOWN_TABLE"],
      // In small letters: the client takes the first word of capitals in parentheses for the type.
      ["selec 1", "62", "SYNTAX_ERROR"],
      ["SELECT nosuch(1)", "46", "UNKNOWN_FUNCTION"],
      ["SELECT throwIf(1, 'my words')", "395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"],
      ["SELECT 1 SETTINGS nosuch = 1", "115", "UNKNOWN_SETTING"],
      ["DROP TABLE nosuch", "60", "UNKNOWN_TABLE"],
    ]) {
      for (const run of [() => client.query({ query, format: "JSON" }), () => client.command({ query })]) {
        const refused = await code(run());
        assert.deepEqual([refused.code, refused.type], [number, type], query);
      }
    }
    assert.match((await code(client.query({ query: "SELECT throwIf(1, 'my words')" }))).message, /my words/);
    await table("node_bad", "a UInt8");
    const bad = { table: "node_bad", values: [{ a: "x" }], format: "JSONEachRow" };
    assert.equal((await code(client.insert(bad))).code, "27");
  },
  async "an error within a stream"() {
    const result = await client.query({
      query: "SELECT number, throwIf(number = 500000, 'in the middle') FROM numbers(1000000)",
      format: "JSONEachRow",
      clickhouse_settings: { max_block_size: "1000", max_threads: 1 },
    });
    await assert.rejects(async () => {
      for await (const batch of result.stream()) for (const row of batch) row.json();
    }, /in the middle/);
    await assert.rejects(async () => {
      const again = await client.query({
        query: "SELECT number, throwIf(number = 500000, 'in the middle') FROM numbers(1000000)",
        format: "JSONEachRow",
        clickhouse_settings: { max_block_size: "1000", max_threads: 1, wait_end_of_query: 1 },
      });
      await again.text();
    }, /in the middle/);
  },
  async "a query of its own id, aborted and killed"() {
    const abort = new AbortController();
    const query_id = `node-abort-${process.pid}`;
    const endless = client.query({
      query: "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1",
      query_id, abort_signal: abort.signal,
    });
    const running = async () => Number((await read(client, `SELECT count() AS n FROM system.processes WHERE query_id = '${query_id}'`))[0].n);
    while ((await running()) === 0);
    abort.abort();
    await assert.rejects(endless);
    while ((await running()) !== 0);
    const named = await client.query({ query: "SELECT 1", query_id: "node-mine" });
    assert.equal(named.query_id, "node-mine");
    await named.text();
  },
  async "headers of the answer"() {
    const result = await client.query({ query: "SELECT 1", format: "TabSeparated" });
    assert.equal(result.response_headers["x-clickhouse-format"], "TabSeparated");
    assert.ok(result.response_headers["x-clickhouse-summary"]);
    await result.text();
    const { summary } = await client.command({
      query: "INSERT INTO node_select SELECT number FROM numbers(3)",
      clickhouse_settings: { wait_end_of_query: 1 },
    });
    assert.equal(summary.written_rows, "3");
  },
  async "progress in headers of a long statement"() {
    await client.command({
      query: "INSERT INTO node_select SELECT number FROM numbers(3)",
      clickhouse_settings: { send_progress_in_http_headers: 1, http_headers_progress_interval_ms: "110000" },
    });
  },
  async "types"() {
    const query = `SELECT toDate('2025-10-24') AS d, toDateTime64('2025-10-24 12:00:00.5', 3, 'UTC') AS t,
      CAST('open' AS Enum8('open' = 1)) AS e, toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS u,
      toDecimal64(1.25, 2) AS dec, (1, 'x') AS tup, map('k', 1) AS m, toIPv4('127.0.0.1') AS ip,
      '{"a": {"b": 1}}'::JSON AS j, 5::Variant(UInt8, String) AS v, 5::Dynamic AS dy, toTime64('12:00:01', 0) AS tm`;
    const [row] = await read(client, query);
    assert.deepEqual(row, {
      d: "2025-10-24", t: "2025-10-24 12:00:00.500", e: "open", u: "61f0c404-5cb3-11e7-907b-a6006ad3dba0", dec: 1.25,
      tup: [1, "x"], m: { k: 1 }, ip: "127.0.0.1", j: { a: { b: 1 } }, v: 5, dy: row.dy, tm: row.tm,
    });
  },
  async "Parquet out and in"() {
    await table("node_parquet", "n UInt64, s String");
    const { stream } = await client.exec({ query: "SELECT number AS n, toString(number) AS s FROM numbers(1000) FORMAT Parquet" });
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    const values = Readable.from([Buffer.concat(pieces)], { objectMode: false });
    const { stream: end } = await client.exec({ query: "INSERT INTO node_parquet FORMAT Parquet", values });
    for await (const _ of end);
    assert.equal((await read(client, "SELECT count() AS c FROM node_parquet"))[0].c, 1000);
  },
  async "users, credentials of a query and of the URL"() {
    const reader = createClient({ url, log, username: "reader" });
    assert.equal((await read(reader, "SELECT 1 AS one"))[0].one, 1);
    assert.equal((await code(reader.command({ query: "DROP TABLE node_rows" }))).code, "164");
    const named = await client.query({ query: "SELECT 2 AS two", auth: { username: "reader", password: "" }, format: "JSONEachRow" });
    assert.deepEqual(await named.json(), [{ two: 2 }]);
    const stranger = createClient({ url, log, username: "stranger", password: "x" });
    assert.equal((await code(stranger.query({ query: "SELECT 1" }))).type, "AUTHENTICATION_FAILED");
    const pinged = await stranger.ping({ select: true });
    assert.equal(pinged.success, false);
    const in_url = createClient({ log, url: `http://default:@127.0.0.1:${process.argv[2]}/default?application=casement` });
    assert.equal((await read(in_url, "SELECT 3 AS three"))[0].three, 3);
    for (const one of [reader, stranger, in_url]) await one.close();
  },
  async "a database of its own"() {
    await client.command({ query: "CREATE DATABASE IF NOT EXISTS node_db" });
    const other = createClient({ url, log, database: "node_db" });
    await other.command({ query: "CREATE OR REPLACE TABLE t (a UInt8) ENGINE = Memory" });
    await other.insert({ table: "t", values: [{ a: 1 }], format: "JSONEachRow" });
    assert.equal((await read(client, "SELECT count() AS c FROM node_db.t"))[0].c, 1);
    const missing = createClient({ url, log, database: "nosuch" });
    assert.equal((await code(missing.query({ query: "SELECT 1" }))).code, "81");
    await other.close();
    await missing.close();
  },
  async "roles, headers and an application's name"() {
    const named = createClient({ url, log, application: "casement", http_headers: { "X-Mine": "1" }, keep_alive: { enabled: false } });
    assert.equal((await read(named, "SELECT 1 AS one"))[0].one, 1);
    await named.close();
  },
  async "many at once"() {
    const wide = createClient({ url, log, max_open_connections: 20 });
    const all = await Promise.all(Array.from({ length: 100 }, (_, n) => read(wide, `SELECT ${n} AS n`)));
    all.forEach(([row], n) => assert.equal(row.n, n));
    await wide.close();
  },
  async "comments, semicolons and byte order marks"() {
    assert.deepEqual(await read(client, "-- first\nSELECT 1 AS one;"), [{ one: 1 }]);
    assert.deepEqual(await read(client, "\uFEFFSELECT 1 AS one"), [{ one: 1 }]);
    const { stream } = await client.exec({ query: "SELECT 1;" });
    for await (const _ of stream);
  },
  async "statements that read, in JSON"() {
    await table("node_shown", "a UInt8");
    for (const query of [
      "SHOW TABLES", "DESCRIBE TABLE node_shown", "EXISTS TABLE node_shown", "SHOW CREATE TABLE node_shown",
      "EXPLAIN SELECT 1", "EXPLAIN AST SELECT 1", "EXPLAIN PIPELINE SELECT count() FROM node_shown", "SHOW DATABASES",
      "SHOW PROCESSLIST", "WITH 1 AS x SELECT x", "(SELECT 1) UNION ALL (SELECT 2)", "SELECT 1 SETTINGS max_threads = 1",
    ]) {
      for (const format of ["JSON", "JSONEachRow"]) {
        const result = await client.query({ query, format });
        const found = await result.json();
        assert.ok((found.data ?? found).length > 0, query);
      }
    }
  },
  async "tables that are changed"() {
    await table("node_changed", "a UInt8, b UInt8");
    await client.insert({ table: "node_changed", values: [{ a: 1, b: 1 }, { a: 2, b: 2 }], format: "JSONEachRow" });
    for (const query of [
      "ALTER TABLE node_changed DELETE WHERE a = 1 SETTINGS mutations_sync = 1", "ALTER TABLE node_changed ADD COLUMN c UInt8 DEFAULT 9",
      "OPTIMIZE TABLE node_changed FINAL", "DELETE FROM node_changed WHERE a = 7", "RENAME TABLE node_changed TO node_renamed",
    ]) await client.command({ query, clickhouse_settings: { wait_end_of_query: 1 } });
    assert.deepEqual(await read(client, "SELECT a, c FROM node_renamed"), [{ a: 2, c: 9 }]);
    await client.command({ query: "TRUNCATE TABLE node_renamed" });
    await client.command({ query: "DROP TABLE node_renamed SYNC" });
  },
  async "a query that may only read"() {
    const clickhouse_settings = { readonly: "1" };
    assert.deepEqual(await read(client, "SELECT 1 AS one", { clickhouse_settings }), [{ one: 1 }]);
    const refused = await code(client.command({ query: "CREATE TABLE node_never (a UInt8) ENGINE = Memory", clickhouse_settings }));
    assert.equal(refused.code, "164");
  },
  async "binary formats"() {
    for (const format of ["RowBinary", "RowBinaryWithNamesAndTypes", "Native", "Arrow", "ArrowStream", "Avro", "MsgPack", "BSONEachRow"]) {
      await table("node_binary", "n UInt64, s String");
      const { stream } = await client.exec({ query: `SELECT number AS n, toString(number) AS s FROM numbers(1000) FORMAT ${format}` });
      const pieces = [];
      for await (const piece of stream) pieces.push(piece);
      const values = Readable.from([Buffer.concat(pieces)], { objectMode: false });
      const end = await client.exec({ query: `INSERT INTO node_binary FORMAT ${format}`, values });
      for await (const _ of end.stream);
      assert.deepEqual(await read(client, "SELECT count() AS c, sum(n) AS s FROM node_binary"), [{ c: 1000, s: 499500 }], format);
    }
  },
  async "a megabyte of rows, packed and in a stream"() {
    await table("node_large", "n UInt64, s String");
    const packed = createClient({ url, log, compression: { request: true, response: true } });
    const values = Readable.from((function* () { for (let n = 0; n < 20000; n++) yield { n, s: "x".repeat(100) }; })());
    await packed.insert({ table: "node_large", values, format: "JSONEachRow" });
    assert.equal((await read(packed, "SELECT n FROM node_large")).length, 20000);
    await packed.close();
  },
  async "a session that must exist"() {
    const session = createClient({ url, log, session_id: "node-missing", clickhouse_settings: { session_check: "1" } });
    assert.equal((await code(session.query({ query: "SELECT 1" }))).code, "372");
    await session.close();
  },
  async "an error in every format"() {
    for (const format of ["JSON", "JSONEachRow", "CSV", "TabSeparated", "JSONCompact", "JSONEachRowWithProgress"])
      assert.equal((await code(client.query({ query: "SELECT throwIf(number = 3) FROM numbers(10)", format }))).code, "395", format);
  },
  async "async inserts are inserts"() {
    await table("node_async", "a UInt8");
    for (const wait of [0, 1]) {
      await client.insert({
        table: "node_async", values: [{ a: 1 }], format: "JSONEachRow",
        clickhouse_settings: { async_insert: 1, wait_for_async_insert: wait },
      });
    }
    assert.equal((await read(client, "SELECT count() AS c FROM node_async"))[0].c, 2);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.log(`${name}: ${error.stack}`);
  }
}
await client.close();
console.log(`${Object.keys(cases).length - failed} of ${Object.keys(cases).length} cases passed`);
process.exit(failed === 0 ? 0 : 1);
