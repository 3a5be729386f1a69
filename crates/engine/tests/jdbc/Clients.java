import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** The official JDBC driver against the embedded engine: java -cp JARS Clients.java PORT. */
public class Clients {
    private static String url;

    private static Connection connect(String... given) throws SQLException {
        Properties properties = new Properties();
        for (int i = 0; i < given.length; i += 2) properties.setProperty(given[i], given[i + 1]);
        return DriverManager.getConnection(url, properties);
    }

    private static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(String.valueOf(what));
    }

    private static void refused(Connection connection, String sql, String code, String words) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (statement.execute(sql)) while (statement.getResultSet().next());
        } catch (SQLException error) {
            String message = String.valueOf(error.getMessage());
            check(message.contains("Code: " + code + ".") && message.contains(words), message);
            check(message.split("DB::Exception", -1).length == 2, message);
            return;
        }
        throw new AssertionError(sql + " was not refused");
    }

    private static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
            check(result.next(), sql);
            return result.getLong(1);
        }
    }

    private static void tables(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS jdbc_rows");
            statement.execute("CREATE TABLE jdbc_rows (id UInt32, name String, value Nullable(Float64), price Decimal(18, 4),"
                + " at DateTime64(3, 'UTC'), tags Array(String)) ENGINE = MergeTree ORDER BY id");
        }
        LocalDateTime when = LocalDateTime.of(2025, 10, 24, 12, 0, 0, 123_000_000);
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO jdbc_rows (id, name, value, price, at, tags) VALUES (?, ?, ?, ?, ?, ?)")) {
            for (int i = 0; i < 1000; i++) {
                insert.setInt(1, i);
                insert.setString(2, "it's \\ " + i);
                insert.setObject(3, i % 2 == 0 ? null : i / 4.0);
                insert.setBigDecimal(4, new BigDecimal("1.25"));
                insert.setObject(5, when);
                insert.setArray(6, connection.createArrayOf("String", new Object[] {"a", "b'"}));
                insert.addBatch();
            }
            check(insert.executeBatch().length == 1000, "a batch");
        }
        check(number(connection, "SELECT count() FROM jdbc_rows") == 1000, "rows");
        try (PreparedStatement query = connection.prepareStatement("SELECT * FROM jdbc_rows WHERE id = ? AND name = ?")) {
            query.setInt(1, 7);
            query.setString(2, "it's \\ 7");
            try (ResultSet row = query.executeQuery()) {
                check(row.next(), "a row");
                check(row.getLong("id") == 7 && row.getDouble("value") == 1.75, row.getObject("value"));
                check(row.getBigDecimal("price").compareTo(new BigDecimal("1.25")) == 0, row.getObject("price"));
                check(row.getObject("at", LocalDateTime.class).equals(when), row.getObject("at"));
                check(((Object[]) row.getArray("tags").getArray()).length == 2, row.getObject("tags"));
                check(row.getMetaData().getColumnCount() == 6, "columns");
                check(!row.next(), "one row");
            }
        }
        List<String> names = new ArrayList<>();
        try (ResultSet found = connection.getMetaData().getTables(null, "default", "jdbc%", null)) {
            while (found.next()) names.add(found.getString("TABLE_NAME"));
        }
        check(names.contains("jdbc_rows"), names);
        try (ResultSet found = connection.getMetaData().getColumns(null, "default", "jdbc_rows", "%")) {
            int columns = 0;
            while (found.next()) columns++;
            check(columns == 6, columns);
        }
        try (Statement statement = connection.createStatement();
                ResultSet many = statement.executeQuery("SELECT number, toString(number) FROM numbers(200000)")) {
            long sum = 0;
            while (many.next()) sum += many.getLong(1);
            check(sum == 199_999L * 200_000 / 2, sum);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Class.forName("com.clickhouse.jdbc.Driver");
        url = "jdbc:clickhouse://127.0.0.1:" + arguments[0] + "/default";
        // Without credentials the driver sends the password "null".
        for (String[] properties : new String[][] {
            {}, {"user", "default"}, {"compress", "false"}, {"compress", "true", "decompress", "true"},
            {"client.use_http_compression", "true"}, {"client.use_http_compression", "true", "compress", "true", "decompress", "true"},
        }) {
            try (Connection connection = connect(properties)) {
                check(number(connection, "SELECT 1") == 1, "a query");
                check(connection.isValid(5), "a ping");
                tables(connection);
                refused(connection, "SELECT * FROM nosuch", "60", "UNKNOWN_TABLE");
                refused(connection, "SELECT 1 FORMAT Nope", "73", "Unknown format Nope");
                refused(connection, "SELECT throwIf(number = 3, 'my words') FROM numbers(10)", "395", "my words");
            }
            try (Connection stranger = connect(with(properties, "user", "stranger", "password", "x"))) {
                refused(stranger, "SELECT 1", "516", "Authentication failed");
            } catch (SQLException error) {
                check(String.valueOf(error.getMessage()).contains("Authentication failed"), error);
            }
        }
        try (Connection reader = connect("user", "reader")) {
            check(number(reader, "SELECT count() FROM jdbc_rows") == 1000, "a reader reads");
            refused(reader, "DROP TABLE jdbc_rows", "164", "readonly");
        }
        System.out.println("ok");
    }

    private static String[] with(String[] properties, String... more) {
        List<String> all = new ArrayList<>(List.of(more));
        for (int i = 0; i < properties.length; i += 2) {
            if (!properties[i].equals("user")) all.addAll(List.of(properties[i], properties[i + 1]));
        }
        return all.toArray(String[]::new);
    }
}
