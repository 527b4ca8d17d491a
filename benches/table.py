#!/usr/bin/env python3
"""What rolecall costs, beside its peers and beside decompression alone: one table, with the machine it was measured on.

    benches/table.py --corpora DIR [--tools DIR] [--bin target/release/rolecall] [--runs 3] [--only PART,...] [--lakes DIR]

--corpora holds the folders week, small, large and one-object that the tools' corpora.sh makes; optional are day (one day of five
million events) and hour (another organisation's logs, one hour of which is taken), both made by corpus.py. --tools is where
bench_peers.py stands. Parts: raw, unfiltered, ingest, memory, hour, answers, lookups, pairs, scaling, start. The peers need
`pip install duckdb chdb polars pytz`, the floor `apt-get install libdeflate-tools`. What is not there is left out with a word.

Every figure is the median of --runs runs, each a process of its own; wall and CPU in seconds, memory in megabytes at its peak.
Ratios say more than seconds: machines differ, and shared ones are noisy.
"""
import argparse, glob, json, os, platform, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
PARTS = ["raw", "unfiltered", "ingest", "memory", "hour", "answers", "lookups", "pairs", "scaling", "start"]

# Questions that both engines are asked over the same Parquet files of `events`: SQL that either takes as it is.
PAIRS = {
    "events by name": "SELECT event_source, event_name, count(*) AS n FROM events GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50",
    "calls by day": "SELECT event_date, count(*) AS n, count(DISTINCT access_key_id) AS keys FROM events GROUP BY 1 ORDER BY 1",
    "who came from an address": "SELECT identity_arn, access_key_id, count(*) AS n, min(event_time) AS first, max(event_time) AS last FROM events "
                                "WHERE source_ip_address = '{ip}' GROUP BY 1, 2 ORDER BY 1, 2",
    "one key": "SELECT event_time, event_source, event_name, source_ip_address FROM events WHERE access_key_id = '{key}' ORDER BY event_time, event_id",
    "one event": "SELECT event_time, event_name, request_parameters FROM events WHERE event_id = '{id}'",
    "roles taken": "SELECT recipient_account_id, identity_type, count(*) AS n, count(DISTINCT source_ip_address) AS ips FROM events "
                   "WHERE event_source = 'sts.amazonaws.com' AND event_name = 'AssumeRole' AND error_code IS NULL GROUP BY 1, 2 ORDER BY 1, 2",
    "refusals": "SELECT identity_arn, error_code, count(*) AS n FROM events WHERE error_code IS NOT NULL GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 100",
    "one role's day": "SELECT session_name, source_ip_address, count(*) AS n FROM events WHERE event_date = DATE '{date}' "
                      "AND session_issuer_arn = '{role}' GROUP BY 1, 2 ORDER BY 1, 2",
    "addresses shared by many": "SELECT source_ip_address, count(DISTINCT identity_principal_id) AS who, count(*) AS n FROM events "
                                "GROUP BY 1 HAVING count(DISTINCT identity_principal_id) > 3 ORDER BY who DESC, 1 LIMIT 50",
    "agents of a service": "SELECT user_agent, count(*) AS n FROM events WHERE event_source = 's3.amazonaws.com' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20",
    "writes by account": "SELECT recipient_account_id, event_name, count(*) AS n FROM events WHERE read_only = false GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50",
    "what a session did": "SELECT event_name, count(*) AS n FROM events WHERE session_name = '{name}' GROUP BY 1 ORDER BY n DESC, 1",
}


def place(file, to):
    """The same file once more, as a link where that can be."""
    os.makedirs(os.path.dirname(to), exist_ok=True)
    try:
        os.link(file, to)
    except OSError:
        shutil.copy(file, to)


def run(command, lines=False, **more):
    """Runs a command: wall, CPU (user and system, children included), peak memory and bytes read, and what it printed, or how
    many lines that were. A process counts the memory of the one that started it as its own, so that nothing large is held here."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=err, **more)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - started
        with open(f"/proc/{child.pid}/io") as io:
            read = int(io.readline().split()[1])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        printed = sum(part.count(b"\n") for part in iter(lambda: out.read(1 << 20), b"")) if lines else out.read().decode()
        said = err.read().decode()
    if child.returncode not in (0, 3, 4):
        sys.exit(f"{' '.join(map(str, command))[:300]}\nended with {child.returncode}: {said[-800:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024, "read": read, "out": printed, "err": said}


def median(runs, what):
    return statistics.median(r[what] for r in runs)


def line(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def head(title, *columns):
    print(f"\n### {title}\n")
    line(*columns)
    line(*["---"] * len(columns))


def du(path, ending=""):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path, followlinks=True) for f in files if f.endswith(ending))


class Bench:
    def __init__(self, a):
        self.a = a
        self.bin = os.path.abspath(a.bin)
        self.lakes = os.path.abspath(a.lakes) if a.lakes else tempfile.mkdtemp(prefix="rolecall-lakes-")
        self.own_lakes = not a.lakes

    def logs(self, corpus):
        path = os.path.join(self.a.corpora, corpus, "logs")
        if not os.path.isdir(path):
            print(f"\n({corpus} is not there: left out)")
            return None
        return path

    def rolecall(self, *arguments, **more):
        return run([self.bin, "--quiet", *arguments], **more)

    def floor(self, logs):
        gunzip = f"find -L {logs} -name '*.json.gz' -print0 | xargs -0 -n 200 libdeflate-gunzip -c > /dev/null"
        return [run(["sh", "-c", gunzip]) for _ in range(self.a.runs)]

    def lake(self, corpus):
        """The corpus in a lake of its own, made once."""
        lake, logs = os.path.join(self.lakes, corpus), self.logs(corpus)
        if logs and not os.path.isdir(os.path.join(lake, "ledger")):
            self.rolecall("ingest", logs, "--lake", lake)
        return lake if logs else None

    def value(self, lake, sql):
        return json.loads(self.rolecall("sql", sql, "--lake", lake, "--format", "json")["out"])

    # -- the parts ------------------------------------------------------------------------------------------------------------

    def raw(self):
        self.peers("raw")

    def ingest(self):
        self.peers("parquet")
        head("Ingest into a committed lake", "corpus", "files", "records", "wall", "cpu", "peak MB", "records/s", "files/s", "lake / gzip")
        for corpus in ["week", "small"]:
            logs = self.logs(corpus)
            if not logs:
                continue
            runs = []
            for _ in range(self.a.runs):
                lake = os.path.join(self.lakes, corpus)
                shutil.rmtree(lake, ignore_errors=True)
                runs.append(self.rolecall("ingest", logs, "--lake", lake))
            self.ingested(corpus, logs, runs)

    def ingested(self, corpus, logs, runs):
        lake = os.path.join(self.lakes, corpus)
        books = self.value(lake, "SELECT count(*) AS files, sum(records) AS records FROM ledger WHERE status = 'ingested'")[0]
        wall = median(runs, "wall")
        line(corpus, books["files"], books["records"], f"{wall:.2f}", f"{median(runs, 'cpu'):.2f}", f"{max(r['mb'] for r in runs):.0f}",
             f"{books['records'] / wall:,.0f}", f"{books['files'] / wall:,.0f}", f"{du(lake) / du(logs, '.gz'):.2f}")

    def memory(self):
        head("Memory of an ingest: one run each", "corpus", "files", "records", "wall", "cpu", "peak MB", "records/s", "files/s", "lake / gzip")
        for corpus in ["one-object", "small", "week", "large"]:
            logs = self.logs(corpus)
            if logs:
                lake = os.path.join(self.lakes, corpus)
                shutil.rmtree(lake, ignore_errors=True)
                self.ingested(corpus, logs, [self.rolecall("ingest", logs, "--lake", lake)])

    def peers(self, task):
        peers = os.path.join(self.a.tools, "bench_peers.py")
        for corpus in ["week", "small"]:
            if not self.logs(corpus) or not os.path.exists(peers):
                continue
            names = {"raw": "rolecall_raw,duckdb_raw,chdb_raw,polars_raw,libdeflate_gunzip", "parquet": "rolecall_parquet,duckdb_parquet,chdb_parquet"}
            print(f"\n### {task} on {corpus}: bench_peers.py, every peer in turn\n\n```")
            sys.stdout.flush()
            subprocess.run([sys.executable, peers, "--corpus", os.path.join(self.a.corpora, corpus), "--bin", self.bin, "--runs", str(self.a.runs),
                            "--only", names[task]], check=True)
            print("```")

    def unfiltered(self):
        head("Questions over files that no filter narrows", "corpus", "question", "wall", "cpu", "cpu / floor")
        columns = self.a.columns.split(",") if self.a.columns else self.columns()
        every = "SELECT " + ", ".join(f"count({c})" for c in columns) + " FROM events"
        for corpus in ["week", "small"]:
            logs = self.logs(corpus)
            if not logs:
                continue
            floor = median(self.floor(logs), "cpu")
            line(corpus, "libdeflate-gunzip (the floor)", "", f"{floor:.2f}", "1.0")
            for name, sql in [("count(*) by event_name", "SELECT event_name, count(*) FROM events GROUP BY 1 ORDER BY 1"), ("count() of every column", every)]:
                runs = [self.rolecall("sql", sql, "--logs", logs) for _ in range(self.a.runs)]
                line(corpus, name, f"{median(runs, 'wall'):.2f}", f"{median(runs, 'cpu'):.2f}", f"{median(runs, 'cpu') / floor:.2f}")

    def columns(self):
        out = self.rolecall("sql", "SELECT * FROM events LIMIT 1", "--logs", os.path.join(TOP, "sample-logs"), "--format", "json")["out"]
        return list(json.loads(out)[0])

    def hour(self):
        """An hour's files into a day of millions of events, beside the same into an empty lake: the organisation's own hour, which the
        day lacks, and that of a smaller one (*hour*)."""
        logs = self.logs("day")
        if not logs:
            return
        top = tempfile.mkdtemp(prefix="hour-", dir=self.lakes)
        rest, own, other = (os.path.join(top, name) for name in ["rest", "own", "other"])
        is_hours = lambda file: "T12" in os.path.basename(file)
        pick = lambda logs, to, wanted: [place(file, os.path.join(to, os.path.relpath(file, logs)))
                                         for file in sorted(glob.glob(f"{logs}/**/*.json.gz", recursive=True)) if wanted(file)]
        pick(logs, rest, lambda file: not is_hours(file))
        hours = [("its own", own, len(pick(logs, own, is_hours)))]
        if self.logs("hour"):
            hours.append(("a smaller organisation's", other, len(pick(self.logs("hour"), other, is_hours))))
        day = os.path.join(top, "day")
        self.rolecall("ingest", rest, "--lake", day)
        events = self.value(day, "SELECT count(*) AS n FROM events")[0]["n"]
        head("One hour's files", "hour", "into", "files", "wall", "cpu", "bytes read, the files' own included")
        for name, files, count in hours:
            for into in ["an empty lake", f"a day of {events:,} events"]:
                runs = []
                for _ in range(self.a.runs):
                    lake = os.path.join(top, "lake")
                    if "events" in into:
                        subprocess.run(["cp", "-al", day, lake], check=True)
                    runs.append(self.rolecall("ingest", files, "--lake", lake))
                    shutil.rmtree(lake)
                line(name, into, count, f"{median(runs, 'wall'):.2f}", f"{median(runs, 'cpu'):.2f}", f"{median(runs, 'read'):,.0f}")
        shutil.rmtree(top)

    def answers(self):
        lake = self.lake("large")
        if not lake:
            return
        key = self.value(lake, "SELECT session_id FROM sessions WHERE chain_depth > 1 AND event_count > 5 ORDER BY session_id LIMIT 1")[0]["session_id"]
        head("Answers from the lake of *large*", "question", "wall", "cpu", "peak MB", "rows")
        asked = [("all sessions with chains and origins", ["sql", "SELECT session_id, role_arn, session_name, origin, chain_depth, chain_path, root_session_id FROM sessions"]),
                 ("who: one key's whole story", ["who", key])]
        listed = self.rolecall("ask", "--format", "json")["out"]
        known = self.known(lake)
        values = {"name": known["name"], "address": known["ip"], "session": key, "principal": known["role"], "role": known["role"]}
        for question in json.loads(listed):
            needed = [part.split(" ")[0] for part in (question["parameters"] or "").split(", ") if part.endswith("(needed)")]
            given = [f"{name}={values.get(name, known['name'])}" for name in needed]
            asked.append((f"ask {question['name']}", ["ask", question["name"], *given]))
        for name, command in asked:
            more = [] if command[0] == "who" else ["--format", "ndjson"]
            runs = [self.rolecall(*command, *more, "--lake", lake, lines=True) for _ in range(self.a.runs)]
            line(name, f"{median(runs, 'wall'):.2f}", f"{median(runs, 'cpu'):.2f}", f"{max(r['mb'] for r in runs):.0f}", runs[0]["out"])

    def known(self, lake):
        one = self.value(lake, "SELECT source_ip_address AS ip, access_key_id AS key, event_id AS id, CAST(event_date AS VARCHAR) AS date, session_issuer_arn AS role, session_name AS name "
                               "FROM events WHERE source_ip_kind = 'public' AND access_key_id IS NOT NULL AND session_issuer_arn IS NOT NULL AND session_name IS NOT NULL ORDER BY event_id LIMIT 1")
        return one[0]

    def lookups(self):
        lake = self.lake("large")
        if not lake:
            return
        known, size = self.known(lake), du(os.path.join(lake, "events"), ".parquet")
        head("What a look-up reads of the lake of *large*", "look-up", "wall", "bytes read", "of the table")
        for name in ["one key", "one event", "one role's day"]:
            sql = "EXPLAIN ANALYZE " + PAIRS[name].format(**known)
            runs = [self.rolecall("sql", sql, "--lake", lake, "--format", "json") for _ in range(self.a.runs)]
            read = scanned(runs[0]["out"])
            line(name, f"{median(runs, 'wall'):.2f}", f"{read:,.0f}", f"{100 * read / size:.2f} %")

    def pairs(self):
        lake = self.lake("large")
        try:
            import duckdb
        except ImportError:
            return print("\n(duckdb is not there: pairs left out)")
        if not lake:
            return
        known = self.known(lake)
        files = os.path.join(lake, "events", "event_date=*", "*.parquet")
        head("The same SQL over the same Parquet files (DuckDB without its start, rolecall with it)", "question", "rolecall", "DuckDB", "rolecall / DuckDB", "answers")
        ratios = []
        for name, sql in PAIRS.items():
            sql, ours, theirs = sql.format(**known), [], []
            for _ in range(self.a.runs):
                ours.append(self.rolecall("sql", sql, "--lake", lake, "--format", "ndjson"))
                started = time.monotonic()
                with duckdb.connect() as c:
                    c.execute("SET threads=2; SET TimeZone='UTC'")
                    c.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{files}', hive_partitioning=true)")
                    rows = c.execute(sql).fetchall()
                theirs.append({"wall": time.monotonic() - started})
            same = "same count" if ours[0]["out"].count("\n") == len(rows) else f"{ours[0]['out'].count(chr(10))} and {len(rows)} rows"
            ratios.append(median(ours, "wall") / median(theirs, "wall"))
            line(name, f"{median(ours, 'wall'):.2f}", f"{median(theirs, 'wall'):.2f}", f"{ratios[-1]:.2f}", same)
        line("median", "", "", f"{statistics.median(ratios):.2f}", f"largest {max(ratios):.2f}")

    def scaling(self):
        logs = self.logs("week")
        if not logs:
            return
        head("Two cores beside one (*week*)", "work", "one core", "two cores", "speed-up")
        ingest = lambda: self.ingest_again(logs)
        filtered = ["sql", "SELECT event_name, count(*) FROM events GROUP BY 1", "--logs", logs]
        for name, work in [("ingest", ingest), ("count(*) by event_name from the files", lambda: filtered)]:
            got = {}
            for cores in ["0", "0,1"]:
                got[cores] = [run(["taskset", "-c", cores, self.bin, "--quiet", *work()]) for _ in range(self.a.runs)]
            one, two = median(got["0"], "wall"), median(got["0,1"], "wall")
            line(name, f"{one:.2f}", f"{two:.2f}", f"{one / two:.2f}")

    def ingest_again(self, logs):
        lake = os.path.join(self.lakes, "again")
        shutil.rmtree(lake, ignore_errors=True)
        return ["ingest", logs, "--lake", lake]

    def start(self):
        lake = os.path.join(self.lakes, "sample")
        shutil.rmtree(lake, ignore_errors=True)
        self.rolecall("ingest", os.path.join(TOP, "sample-logs"), "--lake", lake)
        head("Start-up", "command", "wall, ms")
        for name, command in [("rolecall --version", ["--version"]), ("sql over a small lake", ["sql", "SELECT count(*) FROM events", "--lake", lake]),
                              ("ask over a small lake", ["ask", "long-chains", "--lake", lake])]:
            runs = [self.rolecall(*command) for _ in range(max(self.a.runs, 7))]
            line(name, f"{1000 * median(runs, 'wall'):.0f}")


def scanned(explained):
    """Sums the bytes that the scans of an EXPLAIN ANALYZE read."""
    total, units = 0.0, {"K": 1e3, "M": 1e6, "G": 1e9}
    for word in explained.replace("\\n", " ").split("bytes_scanned=")[1:]:
        number, unit = "", ""
        for c in word:
            if c.isdigit() or c == ".":
                number += c
            elif c == " " and not unit:
                continue
            else:
                unit = c
                break
        total += float(number or 0) * units.get(unit, 1)
    return total


def machine(binary):
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    memory = next(int(l.split()[1]) for l in open("/proc/meminfo") if l.startswith("MemTotal")) / 1e6
    version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "-C", TOP, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    peers = []
    for name in ["duckdb", "chdb", "polars"]:
        try:
            peers.append(f"{name} {__import__('importlib.metadata').metadata.version(name)}")
        except Exception:
            peers.append(f"{name} missing")
    print(f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}; {version} ({commit}); {', '.join(peers)}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--corpora", required=True)
    p.add_argument("--tools", default=os.path.join(TOP, "..", "shared", "tools"))
    p.add_argument("--bin", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(TOP, "target")), "release", "rolecall"))
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--only", default="")
    p.add_argument("--lakes", help="keep the lakes here, and take those that are there")
    p.add_argument("--columns", default="", help=argparse.SUPPRESS)
    a = p.parse_args()
    bench = Bench(a)
    machine(bench.bin)
    try:
        for part in [x for x in a.only.split(",") if x] or PARTS:
            getattr(bench, part)()
    finally:
        if bench.own_lakes:
            shutil.rmtree(bench.lakes, ignore_errors=True)


if __name__ == "__main__":
    main()
