"""Lets voicebench, as it is published, judge `duplex serve`.

Usage: run.py DUPLEX FOLDER. DUPLEX is the program; FOLDER holds `clips` and gets voicebench's
reports and the server's log. Exits with voicebench's verdict.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_WITHIN_S = 60
ENDS_WITHIN_S = 15


def wait_until_ready(address: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            urllib.request.urlopen(f"http://{address}/readyz", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError) as error:
            if server.poll() is not None:
                sys.exit(f"error: duplex serve ended with {server.returncode}")
            if time.monotonic() > until:
                sys.exit(f"error: duplex serve is not ready after {READY_WITHIN_S} s: {error}")
            time.sleep(0.1)


def judge(duplex: str, folder: Path) -> int:
    scenario = folder / "scenario.yaml"
    shutil.copyfile(Path(__file__).with_name("scenario.yaml"), scenario)
    with open(folder / "serve.log", "w") as log:
        server = subprocess.Popen(
            [duplex, "serve", "--listen", "127.0.0.1:0", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        line = server.stdout.readline()
        if not line:
            sys.exit(f"error: duplex serve did not begin: see {log.name}")
        listening = json.loads(line)
        wait_until_ready(listening["listening"], server)
        url = f"{listening['url']}?rate=16000"
        command = [sys.executable, "-m", "voicebench", "run", str(scenario)]
        verdict = subprocess.run([*command, "--url", url, "--out", str(folder / "report")])
        server.send_signal(signal.SIGINT)
        ended = server.wait(ENDS_WITHIN_S)
        if ended != 0:
            print(f"error: duplex serve ended with {ended}: see {log.name}", file=sys.stderr)
            return ended
        return verdict.returncode
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1], Path(sys.argv[2])))
