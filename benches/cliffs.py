#!/usr/bin/env python3
"""Where hooktail could fall off a cliff: sets of rules, and logs, that are hard to scan. One table.

    benches/cliffs.py [--mib 64] [--only NAME] [--rules 100,1000] [--binary target/release/hooktail]

Makes its own logs and rules. A run does all of hooktail's work, folding included, but posts nothing (`--dry-run`). What
counts is processor time, user and system, the start included. `--short` takes little data and fails on a wrong count of
matches, which it knows by Python's own regexes, never on time.
"""
import json, os, random, re, subprocess, sys, tempfile, time

import command_line

WORDS = "basket parcel ledger stock search mailer ticket billing profile media voucher courier pricing loyalty".split()
BEYOND = ["Anfrage für Müller erledigt", "注文を受け付けました", "запрос выполнен за", "déconnecté après délai", "σφάλμα δίσκου"]


def plain(rng):
    return f"2026-01-0{rng.randint(1, 9)}T10:00:{rng.randint(10, 59)} INFO {rng.choice(WORDS)}[{rng.randint(100, 99999)}] request {rng.getrandbits(32):08x} done in {rng.randint(1, 999)} ms, {rng.choice(WORDS)} calm"


def coded(rng):
    """Holds words such as `abc123x`, which rules of `boundary` match."""
    word = lambda: "".join(rng.choices("abcdef", k=3)) + str(rng.randint(100, 999)) + rng.choice("xyz")
    return f"{plain(rng)} {word()} {word()}"


def some_beyond(line):
    return lambda rng: f"{line(rng)} {rng.choice(BEYOND)}" if rng.random() < 0.04 else line(rng)


def all_beyond(rng):
    return f"2026-01-01 {rng.choice(BEYOND)} {rng.randint(1, 999)} {rng.choice(BEYOND)} {rng.choice(WORDS)} {rng.choice(BEYOND)}"


def boundary(at):
    """Literal-free, with Unicode's word boundary; of a hundred about nine match each line of `coded`."""
    return rf"\b[a-f]{{3}}\d+\S{{{at // 10 % 3 + 1}}}\S*\b" if at % 10 == 0 and at < 100 else rf"\b[a-f]{{2}}{at % 10}[g-k]{{{1 + at // 10 % 7}}}\S+{at // 100}\b"


def free(at):
    return rf"[A-F]{{{3 + at % 5}}}[0-9]{{{2 + at // 5 % 6}}}[g-m]{{{1 + at // 30 % 9}}}[0-9]{{{1 + at // 270}}}"


def classes(at):
    return rf"(?P<what>\w+)\s+{WORDS[at % len(WORDS)]}\[{at}\d*\]: (?P<who>\w+) (?P<n>\d+)"


def captured(at):
    """Of these a few match each line."""
    return rf"(?P<who>\w+)\[{at % 100}\d*\] (?P<what>\w+) (?P<id>\w*{at // 100}\w*)"


def beyond(at):
    return rf"(?i)\b{BEYOND[at % len(BEYOND)].split()[0]} {at}\d*\b.*\b(?P<what>\w+)$"


# Name: (a line of the log, the rule at a place).
CASES = {
    "\\b, some lines beyond ASCII": (some_beyond(coded), boundary),
    "\\b, all lines beyond ASCII": (all_beyond, beyond),
    "\\b and \\w, all beyond ASCII": (all_beyond, lambda at: rf"\b(?P<a>\w+) {at}\d* (?P<b>\w+)\b"),
    "no literal": (plain, free),
    "Unicode classes": (some_beyond(plain), classes),
    "several rules match each line": (some_beyond(plain), captured),
    "one prefix for all": (plain, lambda at: rf"request [0-9a-f]+ done in {at} (?P<unit>\w+)"),
    "a rule matches every line": (plain, lambda at: r"INFO (?P<who>[a-z]+)\[" if at == 0 else rf"rule-{at} (?P<x>\w+)"),
    "one line": (None, lambda at: rf"rule {at} (?P<x>\w+)"),
}


def log(path, line, mib):
    rng = random.Random(3)
    with open(path, "wb") as out:
        if line is None:
            for _ in range(int(mib * 16)):
                out.write(("one line goes on and on " * 2731)[:1 << 16].encode())
            return
        pool = [line(rng) for _ in range(20000)]
        while out.tell() < mib * 2**20:
            out.write(("\n".join(rng.choices(pool, k=1000)) + "\n").encode())


class Run:
    def __init__(self, binary, folder, log, patterns):
        self.patterns, self.log = patterns, log
        config = os.path.join(folder, "rules.yaml")
        self.report = os.path.join(folder, "report.json")
        rules = [{"name": f"rule-{at}", "match": pattern, "dedup": {"by": []}} for at, pattern in enumerate(patterns)]
        with open(config, "w") as out:
            json.dump({"webhooks": {"w": {"url": "http://127.0.0.1:9/"}}, "inputs": {"log": {"files": log}}, "rules": rules}, out)
        command = [binary, "run", "-c", config, "--until-eof", "--dry-run", "--state-dir", "none", "--report", self.report]
        began = time.monotonic()
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                out.seek(0)
                sys.exit(f"hooktail ended with {child.returncode}: {out.read()[-2000:].decode()}")
        self.wall, self.cpu, self.mib = time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        with open(self.report) as file:
            rules = json.load(file)["rules"]
        self.matches = {name: rule["matches"] for name, rule in rules.items()}

    def check(self):
        with open(self.log, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for at, pattern in enumerate(self.patterns):
            expected = sum(re.search(pattern, line) is not None for line in lines)
            if self.matches[f"rule-{at}"] != expected:
                sys.exit(f"`{pattern}` matches {expected} lines; hooktail counted {self.matches[f'rule-{at}']}")


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--mib", type=float, default=64)
    parser.add_argument("--only")
    parser.add_argument("--rules", default="100,1000")
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    if args.short:
        args.mib, args.rules = 0.125, "100"
    print("| log and rules | rules | MB/s of CPU | MiB resident | matches | matches a second of CPU |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (line, rule) in CASES.items():
            if args.only and args.only not in name:
                continue
            path = os.path.join(folder, "log")
            mib = 1024 if line is None and not args.short else args.mib
            log(path, line, mib)
            for count in map(int, args.rules.split(",")):
                run = Run(args.binary, folder, path, [rule(at) for at in range(count)])
                if args.short:
                    run.check()
                matches = sum(run.matches.values())
                print(f"| {name} | {count} | {os.path.getsize(path) / 1e6 / run.cpu:,.1f} | {run.mib:.0f} | {matches:,} | {matches / run.cpu:,.0f} |", flush=True)


main()
