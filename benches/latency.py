#!/usr/bin/env python3
"""How long a line waits: from its append to the decision, and to the request at a receiver on this machine.

    benches/latency.py [--probes 500] [--files 100] [--short] [--binary target/release/hooktail]

Appends one line at a time to one of many followed files, and looks when the engine decided (as the history has it, by
a clock that is set by the wall clock at the start) and when the request came. With state on the disk, so each alert was
stored first. `--short` is for CI: it fails where an alert is missing or doubled, never on time.
"""
import http.server, json, pathlib, re, sqlite3, subprocess, sys, tempfile, threading, time

import command_line

# Between two probes: each has its own message.
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 30


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers as Slack does, and notes when each probe came."""

    protocol_version = "HTTP/1.1"
    # An answer in two packets would be waited for by 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    came = {}
    doubled = []

    def do_POST(self):
        now = time.time_ns()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        for n in map(int, re.findall(r'"title":"[^"]*probe (\d+)', body)):
            if n in self.came:
                self.doubled.append(n)
            self.came.setdefault(n, now)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def wait(what, until):
    end = time.monotonic() + PATIENCE_SECONDS
    while not until():
        if time.monotonic() > end:
            sys.exit(f"{what} did not come within {PATIENCE_SECONDS} s")
        time.sleep(0.001)


def measure(options):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="hooktail-latency-") as folder:
        folder = pathlib.Path(folder)
        logs = [folder / "logs" / f"{n:04}.log" for n in range(options.files)]
        logs[0].parent.mkdir()
        for log in logs:
            log.write_text("a quiet line\n" * 20)
        webhook = {"url": f"http://127.0.0.1:{server.server_port}/services/T/B/X", "rate": "1000/s", "burst": 1000}
        rule = {"name": "probe", "match": r"probe (?P<n>\d+)", "dedup": "off", "message": {"title": "probe {{ n }}"}}
        config = {"webhooks": {"ops": webhook}, "rules": [rule],
                  "inputs": {"logs": {"files": f"{folder}/logs/*.log", "start": "beginning"}}}
        (folder / "rules.yaml").write_text(json.dumps(config))
        agent = subprocess.Popen([options.binary, "run", "-c", folder / "rules.yaml", "--state-dir", folder / "state"],
                                 stdin=subprocess.DEVNULL, stderr=open(folder / "said", "w"))
        try:
            appended = {}
            # The first ones show that it reads, and open the connection.
            for n in range(-10, options.probes):
                log = logs[n % len(logs)]
                with open(log, "ab", buffering=0) as out:
                    line = f"probe {n + 10}\n".encode()
                    appended[n + 10] = time.time_ns()
                    out.write(line)
                if n < 0:
                    wait(f"probe {n + 10}", lambda: n + 10 in Receiver.came)
                time.sleep(PAUSE_SECONDS)
            wait("the last probe", lambda: len(Receiver.came) >= len(appended))
        finally:
            agent.terminate()
            agent.wait()
        history = sqlite3.connect(folder / "state" / "history.db")
        decided = {}
        for at, alert in history.execute("SELECT decided, alert FROM alerts"):
            decided[int(re.search(r"probe (\d+)", alert)[1])] = at
        history.close()
    if Receiver.doubled or set(decided) != set(appended) or set(Receiver.came) != set(appended):
        sys.exit(f"{len(appended)} lines, {len(decided)} alerts, {len(Receiver.came)} messages, twice {Receiver.doubled}")
    measured = range(10, options.probes + 10)
    for name, at in (("the decision", decided), ("the request", Receiver.came)):
        waits = sorted((at[n] - appended[n]) / 1e6 for n in measured)
        part = lambda share: waits[min(len(waits) - 1, int(share * len(waits)))]
        print(f"| {name} | {part(0.5):.2f} | {part(0.9):.2f} | {part(0.99):.2f} | {waits[-1]:.2f} |", flush=True)


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--probes", type=int, default=500)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if options.short:
        options.probes, options.files = 20, 3
    print("| from the append to | p50, ms | p90 | p99 | longest |")
    print("| --- | ---: | ---: | ---: | ---: |")
    measure(options)


main()
