"""Asks a server through psycopg as programs do, and ends with 0 where every answer is as it must be.

    python psycopg_client.py PORT
"""
import datetime as dt
import sys
import threading
import time

import psycopg
from psycopg.rows import dict_row

where = f"host=127.0.0.1 port={sys.argv[1]} dbname=rolecall user=anybody"

with psycopg.connect(where) as connection:
    assert connection.info.server_version >= 150000
    one = connection.execute("SELECT count(*) FROM sessions WHERE role_name = %s", ["legacy-sync"]).fetchone()
    assert one[0] > 0, one
    # Types come as Python's own.
    row = connection.cursor(row_factory=dict_row).execute(
        "SELECT session_id, issued_at, issue_seen, chain_depth, chain_path, requested_seconds, session_tags FROM sessions"
        " WHERE chain_depth >= %s AND issue_seen ORDER BY issued_at, session_id LIMIT 1", [3]).fetchone()
    assert isinstance(row["issued_at"], dt.datetime) and row["issued_at"].utcoffset() == dt.timedelta(0), row
    assert row["issue_seen"] is True and row["chain_depth"] == len(row["chain_path"]) and isinstance(row["chain_path"], list), row
    # The same in the binary format.
    binary = connection.cursor(row_factory=dict_row, binary=True).execute(
        "SELECT session_id, issued_at, issue_seen, chain_depth, chain_path, requested_seconds, session_tags FROM sessions"
        " WHERE session_id = %s", [row["session_id"]]).fetchone()
    assert binary == row, (binary, row)
    # Times as parameters.
    day = dt.datetime(2026, 11, 18, tzinfo=dt.timezone.utc)
    n = connection.execute("SELECT count(*) FROM events WHERE event_time >= %s AND event_time < %s",
                           [day, day + dt.timedelta(days=1)]).fetchone()[0]
    whole = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    assert 0 < n <= whole, (n, whole)
    # JSON values, and what is null.
    role = connection.execute("SELECT request_parameters->'roleArn', request_parameters->>'roleArn', NULL FROM events"
                              " WHERE event_name = 'AssumeRole' AND request_parameters IS NOT NULL LIMIT 1").fetchone()
    assert role[0] == role[1] and role[0].startswith("arn:") and role[2] is None, role

with psycopg.connect(where, prepare_threshold=1) as connection:
    # Prepared statements, used again.
    for name in ["AssumeRole", "GetCallerIdentity", "AssumeRole", "ListBuckets"]:
        connection.execute("SELECT count(*) FROM events WHERE event_name = %s", [name]).fetchone()

with psycopg.connect(where, autocommit=True) as connection:
    # Rows a few at a time: DECLARE, FETCH, CLOSE.
    with connection.transaction(), connection.cursor(name="few") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT event_id FROM events ORDER BY event_id")
        ids = [row[0] for row in cursor]
    assert len(ids) == whole and ids == sorted(ids), (len(ids), whole)
    # A mistake is told as Postgres tells it, with our hint, and the connection goes on.
    try:
        connection.execute("SELECT role_anr FROM sessions")
        raise AssertionError("a column that is not there was found")
    except psycopg.errors.UndefinedColumn as error:
        assert "did you mean role_arn?" in str(error), error
    try:
        connection.execute("DELETE FROM events")
        raise AssertionError("events were deleted")
    except psycopg.errors.ReadOnlySqlTransaction:
        pass
    assert connection.execute("SELECT 1").fetchone() == (1,)

with psycopg.connect(where, autocommit=True) as connection:
    # Cancelling ends a statement at once, while its rows are made.
    threading.Thread(target=lambda: (time.sleep(1), connection.cancel_safe()), daemon=True).start()
    began = time.monotonic()
    try:
        connection.execute("SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
                           " WHERE a.value % 7 = b.value % 11")
        raise AssertionError("it was not cancelled")
    except psycopg.errors.QueryCanceled:
        pass
    assert time.monotonic() - began < 60
    assert connection.execute("SELECT 1").fetchone() == (1,)

print("all as it must be")
