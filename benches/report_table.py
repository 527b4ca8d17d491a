#!/usr/bin/env python3
"""What the nightly report finds and how many rows it costs, with an ablation: one table, as the README has it.

    benches/report_table.py --tools DIR [--bin target/release/rolecall] [--seeds 11,12,13,14,15] [--work DIR] [--only attacks|quiet]

--tools is where corpus.py and score.py stand. For each seed it makes 21 days of an organisation's logs with every attack on the last
day, and the same without attacks (--work keeps logs and lakes as nSEED, nSEEDq and lake-nSEED, lake-nSEEDq, so that a second run only
reports), takes both into lakes of their own, and reports the last night three ways:

rarity only      the detections whose header's `needs` begins with `baseline`, each row as it is: no roll-up, adding up, learning, history
plus paths       every detection (chains, cycles, pairs of networks, sequences, known bad facts), each row as it is
plus processing  the report as it is: roll-up, adding up of weak signals, one row for one cause, learning, states

An attack is found as score.py says: a new or worsened finding of severity high or critical names one of its session keys. Rows are those at medium or
above, `other` those of them that name no attack. `quiet nights` are the last seven nights without attacks: the median of rows at medium or above, and
the most that were high.
"""
import argparse, collections, datetime, glob, json, os, re, statistics, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(command, good=(0,)):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in good:
        sys.exit(f"{' '.join(command)[:300]}\nended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout


def resting_on_history():
    """The ids of the detections that rest on a baseline, by their headers."""
    found = []
    for file in sorted(glob.glob(os.path.join(TOP, "queries/detections/*.sql"))):
        head = dict(re.findall(r"^-- (\w+): (.*)$", open(file).read(), re.M))
        if head["needs"].startswith("baseline"):
            found.append(head["id"])
    return found


class Bench:
    def __init__(self, a):
        self.a = a
        self.work = a.work or tempfile.mkdtemp(prefix="rolecall-report-")

    def lake(self, name, seed, attacks):
        logs, lake = os.path.join(self.work, name), os.path.join(self.work, "lake-" + name)
        if not os.path.exists(os.path.join(logs, "truth/summary.json")):
            run([sys.executable, os.path.join(self.a.tools, "corpus.py"), "--out", logs, "--days", "21", "--seed", str(seed), "--attacks", attacks])
        if not os.path.exists(lake):
            run([self.a.bin, "ingest", os.path.join(logs, "logs"), "--lake", lake, "--quiet"])
        return logs, lake

    def night(self, logs):
        summary = json.load(open(os.path.join(logs, "truth/summary.json")))
        days = re.findall(r"\d+", summary["start"])
        return (datetime.date(*map(int, days)) + datetime.timedelta(days=summary["days"] - 1)).isoformat()

    def scored(self, logs, lake, more):
        """Attacks, those found, rows at medium or above, and those that name no attack."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            out = run([self.a.bin, "report", "--night", self.night(logs), "--lake", lake, "--format", "ndjson", "--quiet", *more])
            file.write(out)
            file.flush()
            said = run([sys.executable, os.path.join(self.a.tools, "score.py"), "report", "--corpus", logs, "--findings", file.name], good=(0, 1))
        attacks = [line for line in said.splitlines() if "found by" in line or line.endswith("MISSED")]
        other = int(re.search(r"that name no attack: (\d+)", said)[1])
        rows = [json.loads(line) for line in out.splitlines()]
        loud = sum(r["severity"] in ("medium", "high", "critical") and r["state"] not in ("suppressed", "resolved") for r in rows)
        missed = [line.split()[0] for line in attacks if line.endswith("MISSED")]
        return len(attacks), len(attacks) - len(missed), loud, other, missed

    def quiet(self, seed):
        """Per night of the last seven: rows at medium or above, and high ones among them."""
        logs, lake = self.lake(f"n{seed}q", seed, "none")
        out = run([self.a.bin, "report", "--night", self.night(logs), "--lake", lake, "--backtest", "7d", "--quiet"])
        nights = [tuple(map(int, line.split()[1:3])) for line in out.splitlines() if re.match(r"\d{4}-", line)]
        return [act + look for act, look in nights], [act for act, _ in nights]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tools", required=True)
    p.add_argument("--bin", default=os.path.join(TOP, "target/release/rolecall"))
    p.add_argument("--seeds", default="11,12,13,14,15")
    p.add_argument("--work")
    p.add_argument("--only", choices=["attacks", "quiet"])
    a = p.parse_args()
    a.bin = os.path.abspath(a.bin)
    bench, history = Bench(a), resting_on_history()
    named = [word for id in history for word in ("--detection", id)]
    ways = [("rarity only", ["--raw", *named]), ("plus paths", ["--raw"]), ("plus processing", [])]
    seeds = [int(seed) for seed in a.seeds.split(",")]
    print("| seed | " + " | ".join(f"{name}: found | rows, other" for name, _ in ways) + " | quiet nights: median | most high |")
    print("|---|" + "---|" * (2 * len(ways) + 2))
    missed, totals = collections.defaultdict(collections.Counter), collections.defaultdict(list)
    for seed in seeds:
        cells = []
        for name, more in ways:
            if a.only == "quiet":
                cells += ["", ""]
                continue
            attacks, found, loud, other, gone = bench.scored(*bench.lake(f"n{seed}", seed, "all"), more)
            cells += [f"{found} of {attacks}", f"{loud}, {other}"]
            missed[name].update(gone)
            totals[name].append((found, attacks, loud, other))
        if a.only == "attacks":
            cells += ["", ""]
        else:
            rows, high = bench.quiet(seed)
            cells += [f"{statistics.median(rows):g}", str(max(high))]
        print(f"| {seed} | " + " | ".join(cells) + " |", flush=True)
    for name, _ in ways:
        if totals[name]:
            found, attacks, loud, other = (sum(column) for column in zip(*totals[name]))
            gone = ", ".join(f"{id} {n}" for id, n in sorted(missed[name].items()))
            print(f"\n{name}: {found} of {attacks} attacks, {loud / len(seeds):g} rows a night, {other / len(seeds):g} of them other" + (f"; missed: {gone}" if gone else ""))


if __name__ == "__main__":
    main()
