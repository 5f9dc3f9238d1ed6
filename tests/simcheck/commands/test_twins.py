from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import httpx


def free_ports(how_many: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(how_many)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def start(smsc: int, smtp: int, page: int) -> subprocess.Popen:
    words = ["twins", "--smsc", str(smsc), "--smtp", str(smtp), "--page", str(page)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCHECK_")}
    return subprocess.Popen(
        [sys.executable, "-m", "simcheck.cli", *words], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_they_serve_until_ctrl_c():
    smsc, smtp, page = free_ports(3)
    process = start(smsc, smtp, page)
    try:
        for _ in range(1200):
            try:
                assert "Trial inbox" in httpx.get(f"http://127.0.0.1:{page}/").text
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", smtp), 5) as mail:
            assert mail.recv(100).startswith(b"220 ")
        socket.create_connection(("127.0.0.1", smsc), 5).close()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
