#!/usr/bin/env python3
"""hooktail beside other programs that look for many patterns in a log: one table of ratios.

    benches/peers.py [--mib 512] [--rounds 3] [--short] [--rules 1,10,100,1000] [--binary target/release/hooktail]

Makes a log and rules of its own, runs every program that is installed on the same bytes, pinned to one core and in
turns, and compares only where all count the same matching lines. hooktail does all of its work (captures, folding,
throttling, posting to a receiver on this machine); the others count. `--short` is for CI: little data, one round; it
fails on wrong counts, never on time. Programs that are very slow are given the log's beginning.
"""
import argparse, json, os, random, re, shutil, subprocess, sys, tempfile, time

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


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.core = max(os.sched_getaffinity(0))
        self.hyperscan = self.build_hyperscan()
        self.sink, self.webhook = None, None

    def build_hyperscan(self):
        program = os.path.join(self.folder, "hyperscan")
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-o", program, os.path.join(HERE, "hyperscan.c"), "-lhs"]
        if not shutil.which("cc") or not os.path.exists("/usr/include/hs/hs.h"):
            return None
        return program if subprocess.run(command).returncode == 0 else None

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

    def write(self, name, texts):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write("".join(text + "\n" for text in texts))
        return path

    def programs(self, count, made):
        """Name: (command for a log, how many MiB it is given at most, how to read its count)."""
        patterns = [pattern for pattern, _ in made]
        wrapped = self.write(f"{count}.wrapped", (f"(?:{plain(pattern)})" for pattern in patterns))
        last = lambda out: int(out.strip().split(":")[-1] or 0)
        rg = ["rg", "--no-config", "-a", "--no-mmap", "-c", "-f", wrapped]
        tuned = ["--no-unicode", "--dfa-size-limit", "1G", "--regex-size-limit", "1G"]
        cap = lambda *mib: dict(zip((1, 10, 100, 1000), mib)).get(count, mib[-1])
        found = {"hooktail": (lambda log: self.hooktail(count, made, log), self.args.mib, self.read_report)}
        if shutil.which("rg"):
            found["rg, tuned"] = (lambda log: rg + tuned + [log], self.args.mib, last)
            found["rg"] = (lambda log: rg + [log], cap(2048, 2048, 4, 0.25), last)
        if self.hyperscan:
            once = self.write(f"{count}.hyperscan", (plain(pattern).replace("[^ ", r"[^ \n") for pattern in patterns))
            found["Hyperscan"] = (lambda log: [self.hyperscan, once, log], self.args.mib, last)
        if shutil.which("grep"):
            ere = self.write(f"{count}.ere", map(posix, patterns))
            found["grep -E"] = (lambda log: ["env", "LC_ALL=C", "grep", "-a", "-c", "-E", "-f", ere, log], cap(2048, 512, 4, 1), last)
        return found

    def hooktail(self, count, made, log):
        webhook = {"url": self.webhook, "rate": "1000/s"}
        rule = lambda at, pattern: {"name": f"rule-{at}", "match": pattern, "throttle": {"rate": "6/m"}}
        config = {"webhooks": {"sink": webhook}, "inputs": {"log": {"files": log}},
                  "rules": [rule(at, pattern) for at, (pattern, _) in enumerate(made)]}
        path = self.write(f"{count}.yaml", [json.dumps(config)])
        self.report = os.path.join(self.folder, "report.json")
        return [self.args.binary, "run", "-c", path, "--until-eof", "--state-dir", "none", "--drain", "60s", "--report", self.report]

    def read_report(self, _):
        with open(self.report) as file:
            return sum(rule["matches"] for rule in json.load(file)["rules"].values())

    def run(self, command):
        began = time.monotonic()
        pin = lambda: os.sched_setaffinity(0, {self.core})
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=pin)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall = time.monotonic() - began
            out.seek(0), err.seek(0)
            if child.returncode not in (0, 1):
                sys.exit(f"{command[:2]} ended with {child.returncode}: {err.read()[-2000:]}")
            return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, out.read()

    def compare(self, count):
        made = rules(count)
        whole = os.path.join(self.folder, "log")
        if not os.path.exists(whole):
            corpus(whole, self.args.mib, FIRST)
        results = {}
        programs = self.programs(count, made)
        for turn in range(self.args.rounds):
            for name, (command, mib, read) in programs.items():
                log = f"{whole}.{mib}" if mib < self.args.mib else whole
                # Of what takes a minute, one turn says enough.
                if turn > 0 and log != whole:
                    continue
                if not os.path.exists(log):
                    with open(whole, "rb") as file:
                        head = file.read(int(mib * (1 << 20)))
                    with open(log, "wb") as file:
                        file.write(head[:head.rfind(b"\n") + 1])
                cpu, wall, resident, out = self.run(command(log))
                results.setdefault(name, []).append((cpu, wall, resident, read(out), os.path.getsize(log), log))
        return self.judge(count, results)

    def judge(self, count, results):
        counts = {}
        for name, runs in results.items():
            for run in runs:
                counts.setdefault(run[5], {}).setdefault(run[3], set()).add(name)
        # What only a slow program was given is counted by hooktail too.
        for log in list(counts):
            if "hooktail" not in set().union(*counts[log].values()):
                *_, out = self.run(self.hooktail(count, rules(count), log))
                counts[log].setdefault(self.read_report(out), set()).add("hooktail")
        for log, by_count in counts.items():
            if len(by_count) > 1:
                sys.exit(f"{count} rules: the counts differ, so nothing is compared: {by_count}")
        ours = min(run[0] for run in results["hooktail"]) / results["hooktail"][0][4]
        rows = []
        for name, runs in results.items():
            best = min(runs)
            mib = best[4] / (1 << 20)
            wall = min(run[1] for run in runs)
            rows.append((count, name, mib / best[0], mib / wall, best[0] / best[4] / ours, best[2], best[3]))
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rules")
    parser.add_argument("--binary", default=os.path.join(HERE, "../target/release/hooktail"))
    args = parser.parse_args()
    if args.short:
        args.mib, args.rounds = 1, 1
    args.rules = args.rules or ("1,10,100" if args.short else "1,10,100,1000")
    args.binary = os.path.abspath(args.binary)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        bench.start_sink()
        try:
            print("| rules | program | MiB/s of CPU | MiB/s | hooktail is faster by | MiB resident | lines |")
            print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
            for count in map(int, args.rules.split(",")):
                for rules_, name, cpu, wall, ratio, resident, lines in bench.compare(count):
                    print(f"| {rules_} | {name} | {cpu:,.1f} | {wall:,.1f} | {ratio:,.2f} | {resident:.0f} | {lines} |", flush=True)
        finally:
            bench.sink.kill()
            bench.sink.wait()


main()
