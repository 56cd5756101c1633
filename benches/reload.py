#!/usr/bin/env python3
"""How long lines wait at a reload: a line a millisecond through standard input with `passthrough`, and one to a file,
while the rules are exchanged again and again.

    benches/reload.py [--reloads 20] [--rules 100,1000] [--binary target/release/hooktail]

What is passed on comes from the thread that reads, so a gap there is a pause of reading. Beside it stands the longest gap of
as many seconds without a reload: that is what the machine does. Ends with an error if a line is lost.

Then the same for a stream that is written as fast as it can be: how long 256 KiB of it take, while what to look for is chosen
anew after the first 64 KiB a rule.
"""
import json, os, signal, subprocess, sys, tempfile, threading, time

import command_line

WORDS = "disk net cart login queue cache store mail job page".split()


def rules(count, turn):
    match = lambda n: rf"(?i)error {n}: {WORDS[n % 10]} (?P<what>\w+) failed after (?P<ms>[0-9]+) ms \({turn}\)"
    made = [{"name": f"rule-{n}", "match": match(n), "where": "ms > 100"} for n in range(count)]
    made[0]["tests"] = [{"lines": [f"error 0: disk sda failed after 200 ms ({turn})"], "expect": [{"kind": "opened"}]}]
    return made


def write(folder, count, turn):
    config = {"webhooks": {"ops": {"url": "http://127.0.0.1:9/services/T0/B0/X"}},
              "inputs": {"pipe": {"stdin": True, "passthrough": True}, "file": {"files": "app.log"}},
              "rules": rules(count, turn)}
    with open(f"{folder}/rules.yaml.new", "w") as file:
        json.dump(config, file)
    os.rename(f"{folder}/rules.yaml.new", f"{folder}/rules.yaml")


class Lines:
    """Writes a line a millisecond, and notes when each came through."""

    def __init__(self, agent, log):
        self.agent, self.log, self.gaps, self.read, self.written, self.over = agent, log, [], 0, 0, False
        self.threads = [threading.Thread(target=self.write_all), threading.Thread(target=self.read_all)]
        for thread in self.threads:
            thread.start()

    def write_all(self):
        while not self.over:
            line = f"line {self.written}\n".encode()
            self.agent.stdin.write(line)
            self.log.write(line)
            self.written += 1
            time.sleep(0.001)
        self.agent.stdin.close()

    def read_all(self):
        last = time.monotonic()
        while piece := os.read(self.agent.stdout.fileno(), 65536):
            now = time.monotonic()
            self.gaps.append((now, now - last))
            last, self.read = now, self.read + piece.count(b"\n")

    def longest(self, since):
        return max((gap for at, gap in self.gaps if at >= since), default=0) * 1000


def measure(binary, count, reloads):
    with tempfile.TemporaryDirectory() as folder:
        write(folder, count, 0)
        said = open(f"{folder}/said", "w+")
        agent = subprocess.Popen([binary, "run", "-c", "rules.yaml", "--state-dir", "state"], cwd=folder, bufsize=0,
                                 env={"RUST_LOG": "warn,hooktail::notice=info"},
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)
        told = lambda text: open(f"{folder}/said").read().count(text)
        while not told("started"):
            time.sleep(0.01)
        lines = Lines(agent, open(f"{folder}/app.log", "wb", buffering=0))
        time.sleep(1)
        began = time.monotonic()
        time.sleep(3)
        calm = lines.longest(began)
        worst, took = [], []
        for turn in range(1, reloads + 1):
            write(folder, count, turn)
            began = time.monotonic()
            agent.send_signal(signal.SIGHUP)
            while told("hooktail reloaded") < turn:
                time.sleep(0.002)
            took.append((time.monotonic() - began) * 1000)
            time.sleep(0.1)
            worst.append(lines.longest(began))
        lines.over = True
        lines.threads[0].join()
        # Standard input has ended, and the file goes on.
        agent.send_signal(signal.SIGTERM)
        lines.threads[1].join()
        agent.wait(60)
        if lines.read != lines.written:
            sys.exit(f"{lines.written} lines were written, {lines.read} passed on")
        worst.sort(), took.sort()
        middle = len(worst) // 2
        print(f"| {count} | {took[middle]:.0f} ms | {worst[middle]:.1f} ms | {worst[-1]:.1f} ms | {calm:.1f} ms |", flush=True)


def choosing(binary, count):
    piece = b"2026-01-01T10:00:00Z INFO request 17 of user 4711 served in 31 ms from cache, status 200\n"
    piece *= (256 << 10) // len(piece)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, count, 0)
        open(f"{folder}/app.log", "w").close()
        agent = subprocess.Popen([binary, "run", "-c", "rules.yaml", "--state-dir", "none"], cwd=folder, bufsize=0,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        took = []
        for _ in range(max(count // 4 * 3, 100)):
            began = time.monotonic()
            writer = threading.Thread(target=agent.stdin.write, args=(piece,))
            writer.start()
            left = len(piece)
            while left:
                left -= len(os.read(agent.stdout.fileno(), 65536))
            writer.join()
            took.append((time.monotonic() - began) * 1000)
        agent.stdin.close()
        agent.terminate()
        agent.wait(60)
    # The first one waits for the start.
    took = sorted(took[1:])
    print(f"| {count} | {took[len(took) // 2]:.1f} ms | {took[-1]:.1f} ms |", flush=True)


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--rules", default="100,1000")
    args = parser.parse_args()
    print("| rules | a reload takes | longest gap, half of them | all of them | without a reload |")
    print("| ---: | ---: | ---: | ---: | ---: |", flush=True)
    for count in map(int, args.rules.split(",")):
        measure(args.binary, count, args.reloads)
    print("\n| rules | 256 KiB take | the longest |\n| ---: | ---: | ---: |", flush=True)
    for count in map(int, args.rules.split(",")):
        choosing(args.binary, count)


main()
