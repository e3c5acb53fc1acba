"""What is measured, and the servers it stands on: started on free ports, with carts in them, stopped by pid."""
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import carts as bulk

SOURCE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import panier_process  # noqa: E402 (found by the line above)

START_S_MAX = 60
STOP_S_MAX = 30
VERIFY_S_MAX = 600  # of a million carts: about half a minute
POLL_S = 0.02
# More than all carts of a run: what is measured is the commit path, not the disk's random reads.
MARIADB_OPTIONS = ("--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G", "--max-connections=600")
BINLOG_OPTIONS = ("--log-bin=binlog", "--sync-binlog=1", "--binlog-format=ROW", "--server-id=1")


class Child:
    """A program of ours that prints one line when it listens, and ends on SIGTERM."""

    def __init__(self, command, ready, log, environment=None):
        self._log = Path(log)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log, "wb") as output:
            self.process = subprocess.Popen(command, env=panier_process.clean_environment(environment or {}),
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        self.found = self._wait_for(re.compile(ready))

    def _wait_for(self, ready):
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            found = ready.search(self._log.read_text(errors="replace"))
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(POLL_S)
        self.stop()
        raise RuntimeError(f"{self.process.args[0]} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    @property
    def port(self):
        return int(self.found.group(1))

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class MariaDb:
    """A private server that flushes at every COMMIT; with binlog it also syncs that at every COMMIT."""

    def __init__(self, directory, binlog):
        self._directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        options = MARIADB_OPTIONS + (BINLOG_OPTIONS if binlog else ())
        text = self._script("start", "--", *options)
        settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        self.port = int(settings["DB_LOCAL_PORT"])
        self.pid = int((directory / "pid").read_text())
        self.login, self.password = settings["DB_LOCAL_LOGIN"], settings["DB_LOCAL_PASSWORD"]
        self._databases = 0
        self.first_database = settings["DB_LOCAL_NAME"]
        # Databases are made as root, which logs in by the socket alone.
        command = Path(f"/proc/{(directory / 'pid').read_text().strip()}/cmdline").read_text().split("\0")
        self._socket = next(word.removeprefix("--socket=") for word in command if word.startswith("--socket="))

    def _script(self, command, *arguments):
        return subprocess.run([SOURCE / "scripts" / "stack-mariadb", command, self._directory, *arguments],
                              stdout=subprocess.PIPE, text=True, timeout=START_S_MAX * 2, check=True).stdout

    def new_database(self):
        """The settings that name a new, empty one."""
        self._databases += 1
        name = f"bench{self._databases}"
        with bulk.pymysql.connect(user="root", unix_socket=self._socket) as root, root.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"GRANT ALL ON {name}.* TO '{self.login}'@'%'")
        return {"DB_LOCAL_HOST": "127.0.0.1", "DB_LOCAL_PORT": self.port, "DB_LOCAL_LOGIN": self.login,
                "DB_LOCAL_PASSWORD": self.password, "DB_LOCAL_NAME": name}

    def version(self):
        with bulk.connect_mariadb(self, self.first_database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return cursor.fetchone()[0]

    def stop(self):
        self._script("stop")
        shutil.rmtree(self._directory / "data")  # gigabytes; the log stays


@dataclass(frozen=True)
class Spec:
    """What a system is made of. program: panier, or the kind of a peer (bench/peers), or `limit`: stores alone."""
    name: str
    carts: tuple
    program: str = "panier"
    policy: str = "strict"
    ledger: str = "mariadb"  # mariadb | mariadb-binlog | sqlite
    mirror: str = "double"  # double | mongodb | sqlite | none
    delay_us: int = 2000
    lanes: int = 0  # 0: panier's own default
    sync_delay_us: int = 0  # how much slower than this machine's the service's disk is


class System:
    """One running system with its stores. port: where it serves carts."""

    def __init__(self, spec, directory, programs, ledger_server, mongo_uri):
        self.spec, self._directory, self._programs = spec, directory, programs
        self._mongo_uri, self._children = mongo_uri, []
        self._mongo_database = self.process = self.ready_s = None
        shutil.rmtree(directory, ignore_errors=True)
        self.settings = {"PANIER_WRITE_POLICY": spec.policy, "PANIER_DATA_DIR": directory / "data",
                         # The continuous verify of idle systems would disturb the one that is measured.
                         "PANIER_VERIFY_ROWS_PER_S": 0}
        if spec.sync_delay_us:
            self.settings |= {"LD_PRELOAD": programs["panier-slow-sync.so"], "BENCH_SYNC_DELAY_US": spec.sync_delay_us}
        if spec.lanes:
            self.settings["PANIER_LANES"] = spec.lanes
        try:
            self._make_stores(ledger_server)
            self._fill(ledger_server)
            if spec.program != "limit":
                self.start()
        except BaseException:
            self.stop()
            raise

    def _make_stores(self, ledger_server):
        spec = self.spec
        self.settings["PANIER_LEDGER"] = "mariadb" if ledger_server else "sqlite"
        self.settings["PANIER_MIRROR"] = "mongodb" if spec.mirror == "double" else spec.mirror
        if ledger_server:
            self.settings |= ledger_server.new_database()
        if spec.mirror == "double":
            command = [self._programs["panier-wire-double"], "--port", "0", "--delay-us", str(spec.delay_us)]
            double = Child(command, r"MONGO_URI_PANIERS=(\S+)\n", self._directory / "double.log")
            self._children.append(double)
            self.settings["MONGO_URI_PANIERS"] = double.found.group(1)
            self._mongo_database = "Paniers"
        elif spec.mirror == "mongodb":
            self._mongo_database = f"panier_bench_{os.getpid()}_{self.settings['DB_LOCAL_NAME']}"
            base, _, options = self._mongo_uri.partition("?")
            host = re.match(r"mongodb(\+srv)?://[^/]+", base).group(0)
            self.settings["MONGO_URI_PANIERS"] = f"{host}/{self._mongo_database}" + (f"?{options}" if options else "")
        # Both stores get their tables and indexes from panier itself, on its first start.
        panier = self._panier()
        panier.start()
        panier.stop()

    def _fill(self, ledger_server):
        step = bulk.PANIER_TEXT_STEP if self.spec.program in ("panier", "limit") else bulk.PEER_TEXT_STEP
        for one in self.spec.carts:
            if ledger_server:
                with bulk.connect_mariadb(ledger_server, self.settings["DB_LOCAL_NAME"]) as connection:
                    bulk.fill_mariadb(connection, one, step)
            else:
                bulk.fill_sqlite(self.settings["PANIER_DATA_DIR"] / "ledger.sqlite3", one, step, mirror=False)
            if self._mongo_database:
                bulk.fill_mongodb(bulk.mongo_collection(self.settings["MONGO_URI_PANIERS"], self._mongo_database), one)
            elif self.spec.mirror == "sqlite":
                bulk.fill_sqlite(self.settings["PANIER_DATA_DIR"] / "mirror.sqlite3", one, step, mirror=True)

    def _panier(self):
        return panier_process.Panier(self._directory, self.settings)

    def start(self):
        if self.spec.program == "panier":
            self.process = self._panier().start()
            self.port, self.pid, self.ready_s = self.process.port, self.process.process.pid, self.process.ready_s
        else:
            command = [self._programs["panier-peer"], self.spec.program, "--port", "0"]
            self.process = Child(command, r"listening on \S+:(\d+)\n", self._directory / "peer.log", self.settings)
            self.port, self.pid = self.process.port, self.process.process.pid

    def restart(self):
        """Seconds until it listens again."""
        self.process.stop()
        self.start()
        return self.ready_s

    def mirror_pid(self):
        return self._children[0].process.pid

    def rss_mib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")

    def verify(self):
        """What `panier verify` says unless it finds both stores equal; then nothing."""
        result = panier_process.run_command(["verify"], self.settings, timeout_s=VERIFY_S_MAX)
        return "" if result.returncode == 0 else f"exit {result.returncode}: {(result.stdout + result.stderr)[-2000:].strip()}"

    def stop(self):
        if self.process:
            self.process.stop()
        if self.spec.mirror == "mongodb" and self._mongo_database:
            client = bulk.mongo_collection(self.settings["MONGO_URI_PANIERS"], self._mongo_database).database.client
            client.drop_database(self._mongo_database)
        for child in self._children:
            child.stop()
        shutil.rmtree(self._directory / "data", ignore_errors=True)


class Systems:
    """Those that run now, each started when it is first asked for."""

    def __init__(self, build_dir, mongo_uri):
        self._build, self.mongo_uri = Path(build_dir).resolve(), mongo_uri
        names = ("panier", "panier-peer", "panier-limit", "panier-wire-double", "panier-slow-sync.so")
        self.programs = {name: self._build / name for name in names}
        missing = [str(path) for path in self.programs.values() if not os.access(path, os.X_OK)]
        if missing:
            raise SystemExit(f"bench: not built: {' '.join(missing)} (make bench builds them)")
        panier_process.BINARY = str(self.programs["panier"])
        self.directory = self._build / "bench-run"
        self._running, self._servers, self._null = {}, {}, None

    def _server(self, ledger):
        if ledger == "sqlite":
            return None
        if ledger not in self._servers:
            self._servers[ledger] = MariaDb(self.directory / ledger, binlog=ledger == "mariadb-binlog")
        return self._servers[ledger]

    def get(self, spec):
        if spec not in self._running:
            started = time.monotonic()
            self._running[spec] = System(spec, self.directory / spec.name, self.programs, self._server(spec.ledger),
                                         self.mongo_uri)
            print(f"  {spec.name}: ready in {time.monotonic() - started:.1f} s", flush=True)
        return self._running[spec]

    def port(self, spec):
        """Where it serves; None: the route that answers at once, on panier's own HTTP room."""
        if spec is not None:
            return self.get(spec).port
        if self._null is None:
            self._null = Child([self.programs["panier-limit"], "http", "--port", "0"], r"listening on \S+:(\d+)\n",
                               self.directory / "null.log")
        return self._null.port

    def keep_only(self, specs):
        for spec in [one for one in self._running if one not in specs]:
            self._running.pop(spec).stop()

    def server_pid(self, ledger):
        return self._server(ledger).pid

    def mariadb_version(self):
        return self._server("mariadb").version()

    def stop(self):
        for system in self._running.values():
            system.stop()
        if self._null:
            self._null.stop()
        for server in self._servers.values():
            server.stop()
