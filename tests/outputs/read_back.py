"""Loads one answer's parquet, csv and ndjson with the libraries that analysts use, and compares them.

usage: read_back.py PARQUET CSV NDJSON
"""

import csv
import json
import sys
from datetime import datetime, timezone

import duckdb
import pandas
import polars
import pyarrow.parquet

parquet, csv_file, ndjson = sys.argv[1:]
rows = [json.loads(line) for line in open(ndjson, encoding="utf-8")]
names = list(rows[0])
assert len(rows) > 10


def simple(value):
    """A value as ndjson has it: times in UTC as text, lists as lists, nothing as None."""
    if isinstance(value, datetime):
        assert value.tzinfo is not None, "a time says its zone"
        value = value.astimezone(timezone.utc)
        text = value.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f"{value.microsecond:06}"
        if value.microsecond:
            text += "." + (fraction[:3] if fraction.endswith("000") else fraction)
        return text + "Z"
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [simple(item) for item in value]
    if isinstance(value, dict):
        return {name: simple(item) for name, item in value.items()}
    return value


def same(library, found):
    assert len(found) == len(rows), f"{library}: {len(found)} rows, not {len(rows)}"
    for number, (theirs, ours) in enumerate(zip(found, rows)):
        for name in names:
            assert simple(theirs[name]) == ours[name], f"{library}: row {number}, {name}: {theirs[name]!r}, {ours[name]!r}"
    print(f"{library}: {len(found)} rows of {len(names)} columns")


table = pyarrow.parquet.read_table(parquet)
assert table.column_names == names
same("pyarrow", table.to_pylist())
same("polars", polars.read_parquet(parquet).to_dicts())
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
cursor = connection.execute("SELECT * FROM read_parquet(?)", [parquet])
columns = [column[0] for column in cursor.description]
same("duckdb", [dict(zip(columns, row)) for row in cursor.fetchall()])

frame = pandas.read_parquet(parquet)
assert list(frame.columns) == names and len(frame) == len(rows)
for name in names:
    kinds = {type(row[name]) for row in rows} - {type(None)}
    if name.endswith(("_at", "_time", "_until")):
        assert str(frame[name].dtype).endswith("UTC]"), f"pandas: {name} is {frame[name].dtype}"
    for theirs, row in zip(frame[name], rows):
        ours = row[name]
        if ours is None:
            assert theirs is None or pandas.isna(theirs), f"pandas: {name}: {theirs!r} is not null"
        elif kinds == {list}:
            assert [simple(item) for item in theirs] == ours, f"pandas: {name}: {theirs!r}"
        elif isinstance(theirs, pandas.Timestamp):
            assert simple(theirs.to_pydatetime()) == ours, f"pandas: {name}: {theirs!r}"
        else:
            assert simple(theirs) == ours, f"pandas: {name}: {theirs!r}, {ours!r}"
print(f"pandas: {len(frame)} rows of {len(names)} columns")

# A spreadsheet takes a cell that begins so for a formula, unless it is a number.
with open(csv_file, encoding="utf-8", newline="") as file:
    cells = list(csv.DictReader(file))
assert len(cells) == len(rows)
for cell, row in zip(cells, rows):
    for name in names:
        text, ours = cell[name], row[name]
        if text[:1] in tuple("=+-@\t\r\n＝＋－＠"):
            float(text)
        if isinstance(ours, str) and "\\u" not in text:
            assert text.removeprefix("'") == ours.removeprefix("'"), f"csv: {name}: {text!r}, {ours!r}"
        if isinstance(ours, list):
            assert json.loads(text) == ours, f"csv: {name}: {text!r}"
        if ours is None:
            assert text == ""
assert len(pandas.read_csv(csv_file, dtype=str, keep_default_na=False)) == len(rows)
print(f"csv: {len(cells)} rows, no formula")
