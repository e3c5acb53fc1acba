"""The real binary as a child process: settings in, ports out of its start-up log, stopped by pid."""
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from http_client import Client

START_TIMEOUT_S = 30.0 if os.environ.get("PANIER_SANITIZED") else 10.0
STOP_TIMEOUT_S = 10.0  # promised: SIGTERM ends the service in less

BINARY = os.environ.get("PANIER_BIN", "")


def clean_environment(settings):
    """Nothing of the caller's environment reaches the service but what finding libraries and sanitizers needs."""
    kept = ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment.update({name: str(value) for name, value in settings.items()})
    return environment


def run_command(command, settings, timeout_s=60.0):
    """`panier <command...>` to its end."""
    return subprocess.run([BINARY, *command], env=clean_environment(settings), timeout=timeout_s,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def spawn(settings, directory, stderr, limits=()):
    """`panier serve` as a child. limits: of prlimit, "--nofile=256"."""
    limited = ["prlimit", *limits] if limits else []
    return subprocess.Popen([*limited, BINARY, "serve"], env=clean_environment(settings), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=stderr, cwd=directory)


class Panier:
    """One service process. settings: what it gets as environment; ports default to free ones."""

    def __init__(self, directory, settings=None, limits=()):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.failed_log = self.directory / "failed_cart_requests.log"
        self.settings = {"PANIER_PORT": 0, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": self.directory / "data",
                         "PANIER_FAILED_LOG": self.failed_log, **(settings or {})}
        self.limits = limits
        self.log_path = self.directory / "panier.log"
        self.process = None
        self.port = None
        self.ops_port = None
        self.ready_s = None
        self._changed = threading.Condition()
        self._log = []  # guarded by _changed: parsed lines, a string where a line is not JSON
        self._ended = False

    def start(self):
        started = time.monotonic()
        with self._changed:
            self._log, self._ended = [], False
        self.process = spawn(self.settings, self.directory, subprocess.PIPE, self.limits)
        self._reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        self.ops_port = self.wait_for_log("ops listening", START_TIMEOUT_S)["port"]
        self.port = self.wait_for_log("listening", START_TIMEOUT_S)["port"]
        self.ready_s = time.monotonic() - started
        return self

    def _read_log(self, pipe):
        with pipe, open(self.log_path, "ab") as copy:
            for line in pipe:
                copy.write(line)
                copy.flush()
                try:
                    parsed = json.loads(line)
                except ValueError:
                    parsed = line.decode(errors="replace")
                with self._changed:
                    self._log.append(parsed)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def log(self):
        with self._changed:
            return list(self._log)

    def wait_for_log(self, message, within_s):
        """The first line of this run with that msg."""
        def found():
            return next((line for line in self._log if isinstance(line, dict) and line.get("msg") == message), None)

        with self._changed:
            if self._changed.wait_for(lambda: found() or self._ended, within_s) and found():
                return found()
            raise AssertionError(f"no log line {message!r}; the last ones: {self._log[-10:]}")

    def client(self):
        return Client(self.port)

    def ops(self):
        return Client(self.ops_port)

    def rss_mib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_s(self):
        """Of all its threads, since the start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        self.process.send_signal(number)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, timeout_s=STOP_TIMEOUT_S):
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def stop(self):
        """SIGTERM, and what is promised of it."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code}; the last log lines: {self.log()[-10:]}"

    def kill(self):
        """SIGKILL: nothing is finished, nothing is flushed."""
        self.signal(signal.SIGKILL)
        self.wait()

    def end(self):
        """Whatever happened in the test: leave no process behind."""
        if self.running():
            self.process.kill()
            self.process.wait()

    def verify(self, *arguments):
        """`panier verify` with this service's settings; the exit code is 0 where both stores agree."""
        return run_command(["verify", *arguments], {**self.settings, "PANIER_PORT": 0}, timeout_s=120.0)

    def assert_stores_agree(self):
        result = self.verify()
        assert result.returncode == 0, f"verify: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
