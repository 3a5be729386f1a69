// clickhouse-go over HTTP against the embedded engine: usage: go run . PORT
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func options(user string, method clickhouse.CompressionMethod) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{"127.0.0.1:" + os.Args[1]},
		Auth:        clickhouse.Auth{Database: "default", Username: user},
		Compression: &clickhouse.Compression{Method: method},
		Settings:    clickhouse.Settings{"max_execution_time": 20},
	}
}

type row struct {
	When   time.Time         `ch:"when"`
	Device string            `ch:"device"`
	Value  float64           `ch:"value"`
	Note   *string           `ch:"note"`
	Tags   []string          `ch:"tags"`
	Counts map[string]uint64 `ch:"counts"`
	Price  decimal.Decimal   `ch:"price"`
	ID     uuid.UUID         `ch:"id"`
	From   netip.Addr        `ch:"from"`
	State  string            `ch:"state"`
	Big    *big.Int          `ch:"big"`
	Pair   map[string]any    `ch:"pair"`
}

func columns(conn driver.Conn) {
	ctx := context.Background()
	must(conn.Exec(ctx, "DROP TABLE IF EXISTS go_columns"))
	must(conn.Exec(ctx, `CREATE TABLE go_columns (when DateTime64(3, 'UTC'), device LowCardinality(String), value Float64,
		note Nullable(String), tags Array(String), counts Map(String, UInt64), price Decimal(18, 4), id UUID, from IPv6,
		state Enum8('open' = 1, 'shut' = 2), big Int256, pair Tuple(x Int32, y String)) ENGINE = MergeTree ORDER BY when`))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO go_columns")
	must(err)
	start := time.Date(2025, 10, 24, 12, 0, 0, 123_000_000, time.UTC)
	note := "it's"
	rows := make([]row, 10_000)
	for i := range rows {
		rows[i] = row{
			When: start.Add(time.Duration(i) * time.Millisecond), Device: fmt.Sprintf("d-%d", i%7), Value: float64(i) / 3,
			Tags: []string{"a", "b"}[:i%3%2], Counts: map[string]uint64{"k": uint64(i)}, Price: decimal.New(int64(i), -4),
			ID: uuid.New(), From: netip.MustParseAddr("2001:db8::1"), State: []string{"open", "shut"}[i%2],
			Big: big.NewInt(int64(-i)), Pair: map[string]any{"x": int32(i), "y": "z"},
		}
		if i%2 == 0 {
			rows[i].Note = &note
		}
		must(batch.AppendStruct(&rows[i]))
	}
	must(batch.Send())
	var got []row
	must(conn.Select(ctx, &got, "SELECT * FROM go_columns ORDER BY when"))
	if len(got) != len(rows) {
		panic(fmt.Sprintf("%d rows", len(got)))
	}
	for i := range rows {
		a, b := rows[i], got[i]
		if !a.When.Equal(b.When) || !a.Price.Equal(b.Price) || a.Big.Cmp(b.Big) != 0 {
			panic(fmt.Sprintf("%+v %+v", a, b))
		}
		a.When, a.Price, a.Big = b.When, b.Price, b.Big
		if len(a.Tags) == 0 {
			a.Tags, b.Tags = nil, nil
		}
		if !reflect.DeepEqual(a, b) {
			panic(fmt.Sprintf("%+v %+v", a, b))
		}
	}
	var count uint64
	must(conn.QueryRow(ctx, "SELECT count() FROM go_columns WHERE device = ? AND value > ?", "d-3", 1.0).Scan(&count))
	if count != 1428 {
		panic(count)
	}
	// Blocks as they come.
	stream, err := conn.Query(ctx, "SELECT number, toString(number) FROM numbers(300000)")
	must(err)
	var sum, number uint64
	var text string
	for stream.Next() {
		must(stream.Scan(&number, &text))
		sum += number
	}
	must(stream.Err())
	if sum != 299_999*300_000/2 {
		panic(sum)
	}
}

func documents(conn driver.Conn, flattened int) {
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{
		"output_format_native_use_flattened_dynamic_and_json_serialization": flattened,
	}))
	must(conn.Exec(ctx, "DROP TABLE IF EXISTS go_documents"))
	must(conn.Exec(ctx, "CREATE TABLE go_documents (k UInt8, j JSON(a UInt32), d Dynamic) ENGINE = MergeTree ORDER BY k"))
	must(conn.Exec(ctx, `INSERT INTO go_documents FORMAT JSONEachRow {"k": 1, "j": {"a": 1, "b": {"c": "x"}}, "d": 5}`))
	must(conn.Exec(ctx, `INSERT INTO go_documents FORMAT JSONEachRow {"k": 2, "j": {"a": 2, "e": [1, 2]}, "d": "text"}`))
	rows, err := conn.Query(ctx, "SELECT j, d FROM go_documents ORDER BY k")
	must(err)
	var found []string
	for rows.Next() {
		var j clickhouse.JSON
		var d clickhouse.Dynamic
		must(rows.Scan(&j, &d))
		document, err := json.Marshal(&j)
		must(err)
		found = append(found, fmt.Sprintf("%s %v", document, d.Any()))
	}
	must(rows.Err())
	expected := []string{`{"a":1,"b":{"c":"x"}} 5`, `{"a":2,"e":[1,2]} text`}
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("%q", found))
	}
}

// refusals checks that each statement is refused with that code and those words, said once.
func refusals(conn driver.Conn, code int32, words string, statements ...string) {
	for _, statement := range statements {
		refused(conn.Exec(context.Background(), statement), code, words, statement)
	}
}

func refused(err error, code int32, words, statement string) {
	var exception *clickhouse.Exception
	if err == nil || !errors.As(err, &exception) {
		panic(fmt.Sprintf("%s: no exception, but %v", statement, err))
	}
	if exception.Code != code || !strings.Contains(exception.Message, words) || strings.Contains(exception.Message, "DB::Exception") {
		panic(fmt.Sprintf("%s: %d, %q", statement, exception.Code, exception.Message))
	}
}

// failures checks that code and words of an error arrive, whatever answers are packed in.
func failures(conn driver.Conn) {
	ctx := context.Background()
	for _, failing := range []struct {
		statement string
		code      int32
		words     string
	}{
		{"SELECT * FROM nosuch", 60, "nosuch"},
		{"SELEC 1", 62, "Syntax error"},
		{"SELECT throwIf(number = 3, 'my words') FROM numbers(10)", 395, "my words"},
		{"SELECT 1 SETTINGS nosuch = 1", 115, "Unknown setting"},
		{"SELECT * FROM file('/etc/passwd')", 497, "not allowed here"},
	} {
		rows, err := conn.Query(ctx, failing.statement)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		refused(err, failing.code, failing.words, failing.statement)
		refusals(conn, failing.code, failing.words, failing.statement)
	}
	// After blocks have arrived.
	late := "SELECT number, throwIf(number = 500000, 'in the middle') FROM numbers(1000000) SETTINGS max_block_size = 10000, max_threads = 1"
	rows, err := conn.Query(ctx, late)
	must(err)
	count := 0
	for rows.Next() {
		count++
	}
	if count == 0 {
		panic("no rows before the error")
	}
	refused(rows.Err(), 395, "in the middle", late)
	must(conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS go_bad (a UInt8) ENGINE = Memory"))
	refusals(conn, 117, "Expected end of line", "INSERT INTO go_bad FORMAT CSV x")
}

func external(conn driver.Conn) {
	table, err := ext.NewTable("known", ext.Column("id", "UInt32"), ext.Column("name", "LowCardinality(String)"), ext.Column("at", "DateTime64(3, 'UTC')"))
	must(err)
	for i := range 1000 {
		must(table.Append(uint32(i), fmt.Sprintf("it's %d", i%3), time.UnixMilli(int64(i))))
	}
	ctx := clickhouse.Context(context.Background(), clickhouse.WithExternalTable(table))
	var count, names uint64
	must(conn.QueryRow(ctx, "SELECT count(), uniqExact(name) FROM known WHERE id IN (SELECT number FROM numbers(500))").Scan(&count, &names))
	if count != 500 || names != 3 {
		panic(fmt.Sprint(count, names))
	}
	refusals(conn, 60, "known", "SELECT * FROM known")
}

func main() {
	for _, method := range []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP,
		clickhouse.CompressionDeflate, clickhouse.CompressionBrotli,
	} {
		conn, err := clickhouse.Open(options("default", method))
		must(err)
		must(conn.Ping(context.Background()))
		version, err := conn.ServerVersion()
		must(err)
		if version.Version.Major < 20 {
			panic(version)
		}
		columns(conn)
		failures(conn)
		external(conn)
		must(conn.Close())
		stranger, err := clickhouse.Open(options("stranger", method))
		must(err)
		refused(stranger.Ping(context.Background()), 516, "Authentication failed", "a stranger's ping")
	}
	writer, err := clickhouse.Open(options("default", clickhouse.CompressionLZ4))
	must(err)
	documents(writer, 0)
	documents(writer, 1)
	reader, err := clickhouse.Open(options("reader", clickhouse.CompressionLZ4))
	must(err)
	var count uint64
	must(reader.QueryRow(context.Background(), "SELECT count() FROM go_columns").Scan(&count))
	external(reader)
	refusals(reader, 164, "readonly", "DROP TABLE go_columns", "CREATE TABLE x (a UInt8) ENGINE = Memory")

	// database/sql, as most programs use it.
	db := clickhouse.OpenDB(options("default", clickhouse.CompressionGZIP))
	var one int
	must(db.QueryRow("SELECT 1 + {x:UInt8}", clickhouse.Named("x", 1)).Scan(&one))
	tx, err := db.Begin()
	must(err)
	insert, err := tx.Prepare("INSERT INTO go_documents (k)")
	must(err)
	for k := range 100 {
		_, err = insert.Exec(uint8(k))
		must(err)
	}
	must(tx.Commit())
	var stored sql.NullInt64
	must(db.QueryRow("SELECT count() FROM go_documents").Scan(&stored))
	if one != 2 || stored.Int64 != 102 {
		panic(fmt.Sprint(one, stored))
	}
	fmt.Println("ok")
}
