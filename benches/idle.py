#!/usr/bin/env python3
"""What files cost in which nothing happens: memory, processor, wake-ups, descriptors.

    benches/idle.py [--files 100,10000] [--seconds 60] [--binary target/release/hooktail]

Makes that many small logs in one folder, lets hooktail settle, and looks at its process for a while (Linux only).
"""
import os, pathlib, subprocess, tempfile, time

import command_line

SETTLE_SECONDS = 12


def memory(pid):
    """Resident and anonymous memory, in MiB."""
    lines = open(f"/proc/{pid}/status").read().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "RssAnon"))}
    return kib["VmRSS"] / 1024, kib["RssAnon"] / 1024


def used(pid):
    """Seconds of processor time, and by thread, how often it went to sleep."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    sleeps = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/task/{thread}/status"))
        sleeps[thread, status["Name"].strip()] = int(status["voluntary_ctxt_switches"])
    return seconds, sleeps


def measure(binary, files, seconds):
    with tempfile.TemporaryDirectory(prefix="hooktail-idle-") as folder:
        folder = pathlib.Path(folder)
        (folder / "logs").mkdir()
        for n in range(files):
            (folder / "logs" / f"{n:06}.log").write_text(f"a quiet line of file {n}\n" * 20)
        (folder / "rules.yaml").write_text(
            "webhooks: { ops: { url: 'http://127.0.0.1:9/services/T/B/X' } }\n"
            f"inputs: {{ logs: {{ files: '{folder}/logs/*.log' }} }}\n"
            "rules: [{ name: errors, match: ERROR }]\n"
        )
        arguments = [binary, "run", "-c", folder / "rules.yaml", "--state-dir", folder / "state"]
        agent = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        try:
            time.sleep(SETTLE_SECONDS)
            (before, slept), began = used(agent.pid), time.monotonic()
            time.sleep(seconds)
            (after, sleeps), took = used(agent.pid), time.monotonic() - began
            resident, anonymous = memory(agent.pid)
            open_files = len(os.listdir(f"/proc/{agent.pid}/fd"))
        finally:
            agent.terminate()
            agent.wait()
    share = 100 * (after - before) / took
    woken = {thread: count - slept.get(thread, 0) for thread, count in sleeps.items()}
    who = ", ".join(f"{name} {count}" for (_, name), count in woken.items() if count) or "none"
    wakes = sum(woken.values()) / took
    print(f"| {files} | {resident:.1f} | {anonymous:.1f} | {share:.3f} | {wakes:.2f} | {who} | {open_files} |", flush=True)


def main():
    parser = command_line.parser(__doc__)
    parser.add_argument("--files", default="100,10000")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print("| files | resident, MiB | anonymous, MiB | of a core, % | wake-ups a second | by thread, in all | descriptors |")
    print("| ---: | ---: | ---: | ---: | ---: | --- | ---: |")
    for files in options.files.split(","):
        measure(options.binary, int(files), options.seconds)


if __name__ == "__main__":
    main()
