import java.sql.*;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.*;

/** Asks a server through pgjdbc as Metabase and other tools do; ends with 0 where every answer is as it must be. */
public class Jdbc {
    static void must(boolean good, Object what) {
        if (!good) throw new AssertionError(String.valueOf(what));
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/rolecall";
        Properties properties = new Properties();
        properties.setProperty("user", "anybody");
        properties.setProperty("prepareThreshold", "1");
        properties.setProperty("ApplicationName", "tests");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            DatabaseMetaData meta = connection.getMetaData();
            Set<String> schemas = new TreeSet<>();
            try (ResultSet rows = meta.getSchemas()) {
                while (rows.next()) schemas.add(rows.getString("TABLE_SCHEM"));
            }
            must(schemas.contains("public"), schemas);
            Set<String> tables = new TreeSet<>();
            try (ResultSet rows = meta.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})) {
                while (rows.next()) tables.add(rows.getString("TABLE_NAME"));
            }
            must(tables.containsAll(List.of("events", "sessions", "session_events", "failures", "coverage")), tables);
            Map<String, Integer> columns = new LinkedHashMap<>();
            try (ResultSet rows = meta.getColumns(null, "public", "sessions", "%")) {
                while (rows.next()) columns.put(rows.getString("COLUMN_NAME"), rows.getInt("DATA_TYPE"));
            }
            must(columns.getOrDefault("session_id", 0) == Types.VARCHAR, columns);
            must(columns.getOrDefault("issued_at", 0) == Types.TIMESTAMP, columns);
            must(columns.getOrDefault("chain_path", 0) == Types.ARRAY, columns);
            must(columns.getOrDefault("event_count", 0) == Types.BIGINT, columns);
            must(columns.getOrDefault("issue_seen", 0) == Types.BIT, columns);
            meta.getPrimaryKeys(null, "public", "sessions").close();
            meta.getImportedKeys(null, "public", "sessions").close();

            String sql = "SELECT session_id, issued_at, chain_depth, chain_path, issue_seen FROM sessions "
                + "WHERE issued_at >= ? AND chain_depth >= ? ORDER BY issued_at, session_id";
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                List<String> first = null;
                // Often enough for the server's own prepared statement and binary results.
                for (int i = 0; i < 8; i++) {
                    statement.setObject(1, OffsetDateTime.of(2026, 11, 18, 0, 0, 0, 0, ZoneOffset.UTC));
                    statement.setInt(2, 3);
                    List<String> ids = new ArrayList<>();
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next()) {
                            ids.add(rows.getString(1));
                            must(rows.getObject(2, OffsetDateTime.class).getYear() == 2026, rows.getString(2));
                            must(((String[]) rows.getArray(4).getArray()).length == rows.getInt(3), rows.getString(4));
                            must(rows.getString(4).startsWith("{"), rows.getString(4));
                        }
                    }
                    must(!ids.isEmpty() && (first == null || first.equals(ids)), ids);
                    first = ids;
                }
            }
            // A time is the same instant whatever the zone of this machine.
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT issued_at, extract(epoch FROM issued_at) FROM sessions WHERE issue_seen LIMIT 1")) {
                for (int i = 0; i < 8; i++) {
                    try (ResultSet rows = statement.executeQuery()) {
                        must(rows.next() && rows.getTimestamp(1).getTime() == Math.round(rows.getDouble(2) * 1000), rows.getString(1));
                    }
                }
            }
            // What Metabase asks of columns, with its parameters.
            try (PreparedStatement statement = connection.prepareStatement(arguments[1])) {
                for (int i = 0; i < 8; i++) {
                    for (int at = 1; at <= 4; at++) statement.setString(at, at % 2 == 1 ? "public" : "sessions");
                    try (ResultSet rows = statement.executeQuery()) {
                        must(rows.next() && rows.getString("name").equals("session_id"), "no columns");
                        must(rows.getString("database-type").equals("text") && !rows.getBoolean("pk?"), rows.getString(2));
                        int n = 1;
                        while (rows.next()) {
                            must(rows.getString("table-name").equals("sessions"), rows.getString("table-name"));
                            n++;
                        }
                        must(n == columns.size(), n);
                    }
                }
            }
            // Rows a few at a time, inside a transaction.
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(50);
                int n = 0;
                try (ResultSet rows = statement.executeQuery("SELECT event_id FROM events")) {
                    while (rows.next()) n++;
                }
                must(n > 500, n);
            }
            connection.commit();
            connection.setAutoCommit(true);
            connection.setReadOnly(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE events");
                must(false, "a table was dropped");
            } catch (SQLException refused) {
                must(refused.getSQLState().equals("25006"), refused.getSQLState() + " " + refused.getMessage());
            }
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                statement.executeQuery("SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b "
                    + "WHERE a.value % 7 = b.value % 11");
                must(false, "it was not cancelled");
            } catch (SQLException canceled) {
                must(canceled.getSQLState().equals("57014"), canceled.getSQLState() + " " + canceled.getMessage());
            }
        }
        System.out.println("all as it must be");
    }
}
