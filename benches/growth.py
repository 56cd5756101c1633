#!/usr/bin/env python3
"""Whether cost grows as work grows: more bytes, the same bytes in more files, and these by several threads.

    benches/growth.py [--mib 1024] [--rounds 3] [--short] [--binary target/release/hooktail]

Makes a log in which one line in a hundred matches one of ten rules, cuts it into files, and reads them to their ends
with the whole agent, which posts nothing (its messages wait for a receiver that isn't there, in memory). The least
processor time of some rounds counts. `--short` is for CI: it fails where lines or matches are not those that were
written, never on time.
"""
import itertools, json, os, pathlib, random, subprocess, sys, tempfile, time

import command_line

CALM = "2026-03-29T01:{m:02}:{s:02}Z INFO [pool-{b}] request {n} of shop/basket done in {b} ms"
HOT = "2026-03-29T01:{m:02}:{s:02}Z ERROR [pool-{b}] code E_{k}_{n}: the store said no"


def block(rng):
    """About a mebibyte of whole lines, and how many of them match."""
    lines, matches = [], 0
    for _ in range(14000):
        hot = rng.random() < 0.01
        matches += hot
        numbers = dict(m=rng.randrange(60), s=rng.randrange(60), b=rng.randrange(64), n=rng.randrange(10**6), k=rng.randrange(10))
        lines.append((HOT if hot else CALM).format(**numbers))
    return ("\n".join(lines) + "\n").encode(), len(lines), matches


def measure(options, blocks, mib, files, threads):
    """The least processor and wall time of reading so many MiB in so many files, for each number of threads."""
    with tempfile.TemporaryDirectory(prefix="hooktail-growth-") as folder:
        folder = pathlib.Path(folder)
        (folder / "logs").mkdir()
        size = lines = matches = 0
        turn = itertools.cycle(blocks)
        for file in range(files):
            with open(folder / "logs" / f"{file:04}.log", "wb") as out:
                # Whole copies of a file that was read would be known, and passed over.
                head = f"the log of part {file}\n".encode()
                out.write(head)
                size, lines = size + len(head), lines + 1
                share = (file + 1) * mib * (1 << 20) // files
                while size < share:
                    text, all_lines, hot = next(turn)
                    out.write(text)
                    size, lines, matches = size + len(text), lines + all_lines, matches + hot
        rules = [{"name": f"rule-{k}", "match": rf"E_{k}_(?P<code>\d+)"} for k in range(10)]
        report = folder / "report.json"
        command = [options.binary, "run", "-c", folder / "rules.yaml", "--until-eof", "--state-dir", "none", "--drain", "1ms", "--report", report]
        runs = {number: [] for number in threads}
        for number in options.rounds * threads:
            config = {"webhooks": {"ops": {"url": "http://127.0.0.1:9/services/T/B/X"}}, "threads": number,
                      "inputs": {"logs": {"files": f"{folder}/logs/*.log"}}, "rules": rules}
            (folder / "rules.yaml").write_text(json.dumps(config))
            began = time.monotonic()
            agent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(agent.pid, 0)
            agent.returncode = os.waitstatus_to_exitcode(status)
            runs[number].append((used.ru_utime + used.ru_stime, time.monotonic() - began))
            if agent.returncode not in (0, 3):
                sys.exit(f"hooktail ended with {agent.returncode}")
            told = json.loads(report.read_text())
            found = sum(rule["matches"] for rule in told["rules"].values())
            if (told["bytes"], told["lines"], found) != (size, lines, matches):
                sys.exit(f"{size} bytes, {lines} lines, {matches} matches were written, and {told['bytes']}, {told['lines']}, {found} read")
    return size, {number: (min(cpu for cpu, _ in runs), min(wall for _, wall in runs)) for number, runs in runs.items()}


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if options.short:
        options.mib, options.rounds = 16, 1
    rng = random.Random(1)
    blocks = [block(rng) for _ in range(16)]
    print("| MiB | files | `threads` | CPU, s | wall, s | CPU for a GiB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    most = options.mib
    for mib, files, threads in ((most // 4, 10, [1]), (most // 2, 10, [1]), (most, 10, [1, 2]), (most, 1, [1, 2]), (most, 100, [1, 2])):
        size, runs = measure(options, blocks, mib, files, threads)
        for number, (cpu, wall) in runs.items():
            print(f"| {size / 2**20:.0f} | {files} | {number} | {cpu:.3f} | {wall:.3f} | {cpu * 2**30 / size:.3f} |", flush=True)


main()
