#!/usr/bin/env python3
"""hooktail beside other programs that look for many patterns in a log: one table of ratios.

    benches/peers.py [--mib 512] [--rounds 3] [--short] [--rules 1,10,100,1000] [--binary target/release/hooktail]
                     [--before OTHER_BINARY] [--only NAME,…]

Makes a log and rules of its own, runs every program that is installed on the same bytes, pinned to one core and in
turns, and compares only where all count the same matching lines. hooktail does all of its work (captures, folding,
throttling, posting to a receiver on this machine); the others count. `--short` is for CI: little data, one round; it
fails on wrong counts, never on time. Programs that are very slow are given the log's beginning. `--before` puts another
build of hooktail beside this one. What is installed: see PROGRAMS; on Debian,
`apt-get install ripgrep grep libhyperscan-dev gcc sec swatch mtail fail2ban`.
"""
import json, multiprocessing, os, random, re, shutil, subprocess, sys, tempfile, threading, time
from dataclasses import dataclass
from typing import Callable

import command_line

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICES = ("basket till parcel ledger stock search mailer tickets seats billing profile media rooms menu badge courier"
            " voucher loyalty pricing returns").split()
PARTS = "api worker queue cache store loader cron relay gate sync index pump mixer proxy".split()
PEOPLE = "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy".split()
CALM = ["request done in {n} ms", "cache hit for key item:{n}", "job {n} was put into the queue", "token of {p} renewed for 3600 s",
        "page {n} written", "peer 10.1.{b}.{c} joined the ring", "compaction of segment {n} done", "Anfrage {n} für Müller erledigt",
        "注文 {n} を受け付けました", "read 4096 bytes at offset {n}", "health check passed", "lease for shard {b} extended"]

# One word marks each rule, so that a line matches one rule at most: then the lines that any rule matches are the sum.
FIRST = [
    (r"(?i)meltdown|collapse", "total Collapse of pool {b}"),
    (r"wrong password for (?P<user>[^ ]+) from (?P<ip>[0-9.]+)", "wrong password for {p} from 192.0.2.{b}"),
    (r"heap exhausted", "heap exhausted after {n} objects"),
    (r"peer refused us", "dial 10.0.{b}.{c}: peer refused us"),
    (r"stack trace follows", "unexpected state, stack trace follows"),
    (r"bad page at 0x[0-9a-f]+", "bad page at 0x{n}f00"),
    (r'" (?P<status>5[0-9][0-9]) [0-9]+ "gateway', '"GET /menu/{n}" 503 {b} "gateway"'),
    (r'"outcome": ?"(?P<outcome>aborted|lost)"', '{{"outcome":"lost","order":{n}}}'),
    (r"(?i)disk quota (?:reached|exceeded)", "DISK QUOTA reached on volume {b}"),
    (r"intruder? .* at door", "an intruder was seen at door {b}"),
]
SHAPES = [
    (r"{s}-{k}\[[0-9]+\]: .*could not (?P<what>[a-z]+)", "{s}-{k}[{n}]: it could not flush"),
    (r"{s}-{k} .*(?P<ms>[0-9]{{5,}}) ms late", "{s}-{k} was {n}00000 ms late"),
    (r'"unit": ?"{s}\.{k}".*"level": ?"(?:grave|dire)"', '{{"unit":"{s}.{k}","n":{n},"level":"dire"}}'),
    (r"(?i){s}[-_ ]{k} (?:halted|stalled|unreachable)", "{s} {k} Stalled for {n} s"),
    (r"E_{S}_{K}_[0-9]+", "code E_{S}_{K}_{n}"),
    (r"/v[0-9]+/{s}/{k}[^ ]* -> (?P<status>5[0-9][0-9])", "/v2/{s}/{k}/{n} -> 502"),
    (r"backlog {s}:{k} of (?P<depth>[0-9]{{4,}})", "backlog {s}:{k} of {n}0000"),
    (r"\[{s}/{k}\] (?:GRAVE|DIRE)", "[{s}/{k}] DIRE {n}"),
]
WEAK = [(r"^[A-Z]{{{a}}}[0-9]{{2}}: [a-z]+$", None), (r"\b[g-k]{{3}}[0-9]{{{a}}}-[g-k]{{3}}\b", None)]


def rules(count):
    """Patterns with a line that each matches, in Rust's syntax; the words of POSIX and Perl but for `(?i)`, `(?P<`."""
    made = list(FIRST)
    weak = [(pattern.format(a=a), None) for a in range(5, 15) for pattern, _ in WEAK]
    spread = [(s, k, shape) for shape in SHAPES for s in SERVICES for k in PARTS]
    random.Random(7).shuffle(spread)
    for at, (s, k, (pattern, line)) in enumerate(spread):
        words = dict(s=s, k=k, S=s.upper(), K=k.upper())
        made.append((pattern.format(**words), line.format(**words, n="{n}", b="{b}") if "{{" not in line else
                     line.format(**words, n="{n}", b="{b}").replace("{", "{{").replace("}", "}}")
                     .replace("{{n}}", "{n}").replace("{{b}}", "{b}")))
        if at % 48 == 47 and weak:
            made.append(weak.pop())
    return made[:count]


def corpus(path, mib, made):
    """A log of so many MiB; one line in a hundred matches one of the rules `made`."""
    rng = random.Random(1)
    hits = [line for _, line in made if line]
    words = lambda: dict(n=rng.randint(1, 99999), b=rng.randint(1, 250), c=rng.randint(1, 250), p=rng.choice(PEOPLE))

    def calm():
        s, k, text = rng.choice(SERVICES), rng.choice(PARTS), rng.choice(CALM).format(**words())
        match rng.randint(0, 4):
            case 0: return f'{{"at":"@","unit":"{s}.{k}","level":"info","trace":"{rng.getrandbits(64):016x}","text":"{text}"}}'
            case 1: return f'192.0.2.{rng.randint(1, 250)} - - [@] "GET /v{rng.randint(1, 3)}/{s}/{k}/{rng.randint(1, 9999)} HTTP/1.1" 200 {rng.randint(50, 90000)} "-" "agent/1.0 (X11; Linux)"'
            case 2: return f"at=@ level=info unit={s}/{k} text=\"{text}\" shard={rng.randint(0, 63)}"
            case 3: return f"@ web-{rng.randint(1, 40)} {s}-{k}[{rng.randint(100, 65000)}]: {text}"
            case _: return f"@ INFO  [pool-{rng.randint(1, 9)}] org.example.{s}.{k}: {text}"
    lines = [calm() for _ in range(40000)]
    hot = [f"@ WARN  [main] {rng.choice(hits).format(**words())}" for _ in range(4000)]
    done, second = 0, 0
    pool = [rng.choice(hot) if rng.random() < 0.01 else rng.choice(lines) for _ in range(200000)]
    with open(path, "wb") as out:
        while done < mib << 20:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_750_000_000 + second))
            second += 1
            piece = ("\n".join(rng.choices(pool, k=2000)) + "\n").replace("@", stamp).encode()
            out.write(piece)
            done += len(piece)


def plain(pattern):
    return re.sub(r"\(\?P<\w+>", "(", pattern)


def posix(pattern):
    """For `grep -E`: no `(?i)`, no `(?:`."""
    insensitive, pattern = pattern.startswith("(?i)"), plain(pattern).replace("(?:", "(").removeprefix("(?i)")
    return re.sub(r"(?<!\\)[a-zA-Z]", lambda m: f"[{m[0].lower()}{m[0].upper()}]", pattern) if insensitive else pattern


def slashed(pattern):
    """For a program that writes a pattern between slashes."""
    return re.sub(r"(?<!\\)/", r"\/", pattern)


@dataclass
class Program:
    """A program with its rules, ready to be run on a log."""

    command: Callable  # of a log's path
    mib: float  # how much of the log it is given at most
    count: Callable  # of what it wrote: the lines that any rule matches
    counts_matches: bool = True


@dataclass
class Run:
    cpu: float
    wall: float
    resident_mib: float
    count: int
    bytes: int
    log: str


# By name: what must be there, and the method of Bench that makes it ready.
PROGRAMS = {
    "rg, tuned": ("rg", "rg_tuned"),
    "rg": ("rg", "rg"),
    "Hyperscan": ("cc", "hyperscan"),
    "grep -E": ("grep", "grep"),
    "SEC": ("sec", "sec"),
    "swatchdog": ("swatchdog", "swatchdog"),
    "mtail": ("mtail", "mtail"),
    "fail2ban-regex": ("fail2ban-regex", "fail2ban"),
    "read, count lines": ("cc", "count_lines"),
}

# Programs that are slow are given so many MiB of the log, by the number of rules.
CAPS = {
    "rg": {100: 4, 1000: 0.25},
    "grep -E": {10: 256, 100: 4, 1000: 1},
    "SEC": {1: 48, 10: 16, 100: 2, 1000: 0.5},
    "swatchdog": {1: 48, 10: 32, 100: 8, 1000: 1},
    "mtail": {1: 32, 10: 16, 100: 2, 1000: 0.5},
    "fail2ban-regex": {1: 16, 10: 8, 100: 2, 1000: 0.5},
}

# What takes so long is not run a second time: one turn says enough.
ONCE_SECONDS = 8
# What takes much longer than this is stuck.
TIMEOUT_SECONDS = 180


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.core = max(os.sched_getaffinity(0))
        self.sink, self.webhook = None, None
        self.built = {}

    def start_sink(self):
        said = os.path.join(self.folder, "sink")
        with open(said, "w") as out:
            command = [self.args.binary, "sink", "--listen", "127.0.0.1:0", "--rate", "100000"]
            self.sink = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + 30
        while self.sink.poll() is None and time.monotonic() < until:
            with open(said) as file:
                if found := re.search(r"http://127\.0\.0\.1:\d+/services/\S+", file.read()):
                    self.webhook = found[0]
                    return
            time.sleep(0.01)
        sys.exit("the receiver told no URL")

    def build(self, name, *more):
        """The program of benches/NAME.c; None where it can't be compiled."""
        if name not in self.built:
            program = os.path.join(self.folder, name)
            source = os.path.join(HERE, f"{name}.c")
            command = ["cc", "-O3", "-march=native", "-D_GNU_SOURCE", "-o", program, source, *more]
            built = subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
            self.built[name] = program if built else None
        return self.built[name]

    def write(self, name, texts):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write("".join(text + "\n" for text in texts))
        return path

    def programs(self, rules):
        """By name, those that are there."""
        found = {"hooktail": self.hooktail(rules, self.args.binary)}
        if self.args.before:
            found["hooktail before"] = self.hooktail(rules, os.path.abspath(self.args.before))
        for name, (needed, method) in PROGRAMS.items():
            wanted = not self.args.only or name in self.args.only.split(",")
            if wanted and shutil.which(needed) and (program := getattr(self, method)(rules)):
                program.mib = min(CAPS.get(name, {}).get(len(rules), self.args.mib), self.args.mib)
                found[name] = program
        return found

    # Each program, with its rules in its own dialect.

    def hooktail(self, rules, binary):
        rule = lambda at, pattern: {"name": f"rule-{at}", "match": pattern, "throttle": {"rate": "6/m"}}
        report = os.path.join(self.folder, "report.json")

        def command(log):
            config = {"webhooks": {"sink": {"url": self.webhook, "rate": "1000/s"}}, "inputs": {"log": {"files": log}},
                      "rules": [rule(at, pattern) for at, pattern in enumerate(rules)]}
            path = self.write(f"{len(rules)}.yaml", [json.dumps(config)])
            return [binary, "run", "-c", path, "--until-eof", "--state-dir", "none", "--drain", "60s", "--report", report]

        def count(_):
            with open(report) as file:
                return sum(rule["matches"] for rule in json.load(file)["rules"].values())

        return Program(command, self.args.mib, count)

    def rg(self, rules, *more):
        patterns = self.write("rg", (f"(?:{plain(pattern)})" for pattern in rules))
        command = ["rg", "--no-config", "-a", "--no-mmap", "-c", "-f", patterns, *more]
        return Program(lambda log: [*command, log], 0, last_number)

    def rg_tuned(self, rules):
        return self.rg(rules, "--no-unicode", "--dfa-size-limit", "1G", "--regex-size-limit", "1G")

    def hyperscan(self, rules):
        binary = self.build("hyperscan", "-lhs")
        patterns = self.write("hyperscan.rules", (plain(pattern).replace("[^ ", r"[^ \n") for pattern in rules))
        return binary and Program(lambda log: [binary, patterns, log], 0, last_number)

    def grep(self, rules):
        patterns = self.write("grep", map(posix, rules))
        return Program(lambda log: ["env", "LC_ALL=C", "grep", "-a", "-c", "-E", "-f", patterns, log], 0, last_number)

    def sec(self, rules):
        hit = "action=lcall %o -> ( sub { $main::hits++ } )"
        rule = lambda pattern: f"type=Single\nptype=RegExp\npattern={pattern}\ndesc=x\n{hit}\n"
        tell = 'action=lcall %o -> ( sub { print STDOUT "hits: ", $main::hits + 0, "\\n" } )'
        end = f"type=Single\nptype=SubStr\npattern=SEC_SHUTDOWN\ncontext=SEC_INTERNAL_EVENT\ndesc=end\n{tell}\n"
        config = self.write("sec.conf", [*map(rule, rules), end])
        options = ["--fromstart", "--notail", "--intevents", "--debug=1"]
        return Program(lambda log: ["sec", f"--conf={config}", f"--input={log}", *options], 0, last_number)

    def swatchdog(self, rules):
        config = self.write("swatch.conf", (f"watchfor /{slashed(pattern)}/\n    echo=normal" for pattern in rules))
        command = ["swatchdog", f"--config-file={config}", f"--script-dir={self.folder}"]
        # It writes what matches, after a blank line, a word about itself and another blank line.
        count = lambda out: sum(1 for line in out.splitlines() if line and not line.startswith("*** swatchdog"))
        return Program(lambda log: [*command, f"--examine={log}"], 0, count)

    def mtail(self, rules):
        rule = lambda pattern: f"/{slashed(pattern)}/ {{\n  hits++\n}}"
        program = self.write("peers.mtail", ["counter hits", *map(rule, rules)])
        options = ["--one_shot", "--logtostderr", "--stderrthreshold=FATAL", "--port=0", "--address=127.0.0.1"]
        count = lambda out: json.loads(out)["hits"][0]["LabelValues"][0]["Value"]["Value"]
        return Program(lambda log: ["mtail", f"--progs={program}", f"--logs={log}", *options], 0, count)

    def fail2ban(self, rules):
        # What is found must say whom to ban: nobody, here. Without a date pattern it looks for none.
        regexes = [f"{pattern}(?P<fid>)".replace("%", "%%") for pattern in rules]
        config = self.write("fail2ban.conf", ["[Definition]", "failregex = " + "\n            ".join(regexes), "datepattern = {NONE}"])
        count = lambda out: int(re.search(r"Lines: .* (\d+) matched", out)[1])
        return Program(lambda log: ["fail2ban-regex", "--print-no-missed", log, config], 0, count)

    def count_lines(self, _):
        binary = self.build("count_lines")
        return binary and Program(lambda log: [binary, log], 0, last_number, counts_matches=False)

    def run(self, program, log):
        command = program.command(log)
        pin = lambda: os.sched_setaffinity(0, {self.core})
        with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
            began = time.monotonic()
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=pin, cwd=self.folder)
            timer = threading.Timer(TIMEOUT_SECONDS, child.kill)
            timer.start()
            _, status, used = os.wait4(child.pid, 0)
            timer.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            wall = time.monotonic() - began
            out.seek(0), err.seek(0)
            if child.returncode not in (0, 1):
                raise Failed(f"`{os.path.basename(command[0])}` ended with {child.returncode}: {err.read()[-500:].strip()}")
            count = program.count(out.read())
        return Run(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, count, os.path.getsize(log), log)

    def log_of(self, mib):
        """The log, or its beginning."""
        whole = os.path.join(self.folder, "log")
        if not os.path.exists(whole):
            # By itself: what this process has grown to is the least that is told of a program's memory.
            maker = multiprocessing.get_context("fork").Process(target=corpus, args=(whole, self.args.mib, FIRST))
            maker.start()
            maker.join()
            if maker.exitcode != 0:
                sys.exit("no log could be made")
        if mib >= self.args.mib:
            return whole
        head = f"{whole}.{mib}"
        if not os.path.exists(head):
            left = int(mib * (1 << 20))
            with open(whole, "rb") as file, open(head, "wb") as out:
                while piece := file.read(min(left, 1 << 16)):
                    left -= len(piece)
                    out.write(piece if left else piece[:piece.rfind(b"\n") + 1])
        return head

    def compare(self, count):
        rules_ = [pattern for pattern, _ in rules(count)]
        programs, runs = self.programs(rules_), {}
        for turn in range(self.args.rounds):
            for name, program in list(programs.items()):
                if turn > 0 and runs[name][0].wall > ONCE_SECONDS:
                    continue
                try:
                    runs.setdefault(name, []).append(self.run(program, self.log_of(program.mib)))
                except Failed as why:
                    if name.startswith("hooktail"):
                        sys.exit(f"{count} rules: {why}")
                    print(f"{count} rules: {name} is left out: {why}", file=sys.stderr)
                    del programs[name]
                    runs.pop(name, None)
        self.refuse_to_compare(count, programs, runs)
        return self.rows(count, runs)

    def refuse_to_compare(self, count, programs, runs):
        """Where the counts differ."""
        for log in {run.log for of_one in runs.values() for run in of_one}:
            counts = {}
            for name, program in programs.items():
                for run in runs[name]:
                    if run.log == log and program.counts_matches:
                        counts.setdefault(run.count, set()).add(name)
            # What only a slow program was given is counted by hooktail too.
            if not any("hooktail" in names for names in counts.values()):
                counts.setdefault(self.run(programs["hooktail"], log).count, set()).add("hooktail")
            if len(counts) > 1:
                sys.exit(f"{count} rules: the counts differ, so nothing is compared: {counts}")

    def rows(self, count, runs):
        cost = {name: min(run.cpu / run.bytes for run in of_one) for name, of_one in runs.items()}
        floor = cost.get("read, count lines")
        for name, of_one in runs.items():
            best = min(of_one, key=lambda run: run.cpu)
            mib = best.bytes / (1 << 20)
            wall = min(run.wall for run in of_one)
            share = f"{100 * floor / cost[name]:.0f}" if floor else "?"
            yield (f"| {count} | {name} | {mib / max(best.cpu, 1e-9):,.1f} | {mib / wall:,.1f} | {cost[name] / cost['hooktail']:,.2f} "
                   f"| {share} | {best.resident_mib:.0f} | {best.count} |")


class Failed(Exception):
    """A program could not be run."""


def last_number(out):
    return int(re.findall(r"\d+", out)[-1]) if re.search(r"\d", out) else 0


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rules")
    parser.add_argument("--before")
    parser.add_argument("--only")
    args = parser.parse_args()
    if args.short:
        args.mib, args.rounds = 1, 1
    args.rules = args.rules or ("1,10,100" if args.short else "1,10,100,1000")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        bench.start_sink()
        try:
            print("| rules | program | MiB/s of CPU | MiB/s | hooktail is faster by | % of reading | MiB resident | lines |")
            print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
            for count in map(int, args.rules.split(",")):
                for row in bench.compare(count):
                    print(row, flush=True)
        finally:
            bench.sink.kill()
            bench.sink.wait()


main()
