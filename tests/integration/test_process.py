"""The process: how it starts, stops, refuses wrong settings, and how much it takes."""
import errno
import os
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from bulk import add_request, send_all
from http_client import Client
from load import Adder, run_adders
from panier_process import Panier, run_command, spawn
from preload import library, preloading
from waiting import eventually

IDLE_RSS_MIB = 30
FULL_RSS_MIB = 150
READY_S = 1.0

sanitized = pytest.mark.skipif(bool(os.environ.get("PANIER_SANITIZED")), reason="sanitizers take their own memory")


# --- stopping ---

def test_sigterm_finishes_what_is_in_flight(shop):
    panier = shop.start()
    adders = [Adder(lambda: panier.port, f"term-{n}", retry=False) for n in range(8)]
    stopped = {}

    def stop_under_load():
        time.sleep(1.0)
        started = time.monotonic()
        panier.signal(signal.SIGTERM)
        stopped["code"] = panier.wait()
        stopped["seconds"] = time.monotonic() - started

    run_adders(adders, stop_under_load)

    assert stopped["code"] == 0
    assert stopped["seconds"] < 10
    panier.assert_stores_agree()
    panier.start()
    for adder in adders:
        # Nobody was left without an answer: what was sent before the end was answered.
        assert adder.unknown <= 1
        kept = panier.client().quantities(adder.user)["a1"]
        assert adder.acknowledged <= kept <= adder.acknowledged + adder.unknown
    panier.stop()


def test_a_second_sigterm_changes_nothing(shop):
    panier = shop.start()
    idle = socket.create_connection(("127.0.0.1", panier.port))
    panier.signal(signal.SIGTERM)
    for _ in range(5):
        if panier.running():
            panier.signal(signal.SIGTERM)
    assert panier.wait() == 0
    idle.close()


def test_sigint_stops_too(shop):
    panier = shop.start()
    panier.signal(signal.SIGINT)
    assert panier.wait() == 0


def test_a_stopping_service_refuses_new_connections_and_closes_idle_ones(shop):
    panier = shop.start()
    keep_alive = panier.client()
    assert keep_alive.health().status == 200
    panier.stop()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", panier.port), timeout=1)


def test_what_was_written_before_sigterm_is_there_after(shop):
    panier = shop.start()
    panier.client().add("u", "a", 2)
    panier.stop()
    panier.start()
    assert panier.client().quantities("u") == {"a": 2}
    shop.settle_and_verify(panier)


# --- wrong settings: exit 2, one line that names the setting, nothing started ---

SERVERS = {"DB_LOCAL_HOST": "127.0.0.1", "DB_LOCAL_LOGIN": "u", "DB_LOCAL_PASSWORD": "hunter2", "DB_LOCAL_NAME": "n",
           "MONGO_URI_PANIERS": "mongodb://127.0.0.1:1/Paniers"}


def without(name):
    return {key: value for key, value in SERVERS.items() if key != name}


@pytest.mark.parametrize("settings, named", [
    ({"PANIER_PORT": "http"}, "PANIER_PORT"),
    ({"PANIER_PORT": "65536"}, "PANIER_PORT"),
    ({"PANIER_PORT": ""}, "PANIER_PORT"),
    ({"PANIER_PROT": "6004"}, "PANIER_PROT"),
    ({"PANIER_LANES": "0"}, "PANIER_LANES"),
    ({"PANIER_LANES": "65"}, "PANIER_LANES"),
    ({"PANIER_LANES": "4 "}, "PANIER_LANES"),
    ({"PANIER_WRITE_POLICY": "maybe"}, "PANIER_WRITE_POLICY"),
    ({"PANIER_WRITE_POLICY": '"strict"'}, "PANIER_WRITE_POLICY"),
    ({"PANIER_LEDGER": "oracle"}, "PANIER_LEDGER"),
    ({"PANIER_MIRROR_TIMEOUT_MS": "6000"}, "PANIER_MIRROR_TIMEOUT_MS"),
    ({"PANIER_RESERVATION_TTL_MS": "20000"}, "PANIER_RESERVATION_TTL_MS"),
    ({"PANIER_DATA_DIR": "/proc/nowhere"}, "PANIER_DATA_DIR"),
    ({"PANIER_HOST": "300.1.1.1"}, "PANIER_HOST"),
    (without("DB_LOCAL_HOST"), "DB_LOCAL_HOST"),
    (without("DB_LOCAL_PASSWORD"), "DB_LOCAL_PASSWORD"),
    (without("MONGO_URI_PANIERS"), "MONGO_URI_PANIERS"),
    ({"MONGO_URI_PANIERS": SERVERS["MONGO_URI_PANIERS"]}, "DB_LOCAL_HOST"),
    ({**SERVERS, "MONGO_URI_PANIERS": ""}, "MONGO_URI_PANIERS"),
    ({**SERVERS, "MONGO_URI_PANIERS": "mongodb://127.0.0.1:1/Paniers?w=0"}, "MONGO_URI_PANIERS"),
    ({**SERVERS, "MONGO_URI_PANIERS": "http://127.0.0.1/"}, "MONGO_URI_PANIERS"),
    ({**SERVERS, "DB_LOCAL_PORT": "x"}, "DB_LOCAL_PORT"),
    ({"PANIER_LEDGER": "mariadb"}, "DB_LOCAL_HOST"),
], ids=lambda value: value if isinstance(value, str) else None)
def test_a_wrong_setting(tmp_path, settings, named):
    base = {"PANIER_PORT": 0, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": tmp_path / "data"}
    result = run_command(["serve"], {**base, **settings}, timeout_s=10)
    assert result.returncode == 2, result
    lines = [line for line in (result.stderr + result.stdout).splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert named in lines[0]
    assert "hunter2" not in lines[0]


def test_what_a_killed_process_left_behind_is_not_told(tmp_path):
    """The MongoDB driver keeps counters in a file named after the pid, and pids come back."""
    left = [Path(f"/dev/shm/mongoc-{os.getpid() + n}") for n in range(1, 2000)]
    made = [path for path in left if not path.exists()]
    for path in made:
        path.write_bytes(b"")
    try:
        result = run_command(["version"], {"PANIER_DATA_DIR": tmp_path / "data"}, timeout_s=10)
    finally:
        for path in made:
            path.unlink(missing_ok=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_wrong_command(tmp_path):
    result = run_command(["srve"], {"PANIER_DATA_DIR": tmp_path}, timeout_s=10)
    assert result.returncode == 2
    assert "srve" in result.stderr


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {"PANIER_PORT": port, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": tmp_path / "data",
                    "PANIER_FAILED_LOG": tmp_path / "failed.log"}
        result = run_command(["serve"], settings, timeout_s=10)
    assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT)
    assert str(port) in result.stderr


def test_config_masks_secrets(tmp_path):
    result = run_command(["config"], {**SERVERS, "MONGO_URI_PANIERS": "mongodb://admin:hunter3@h:1/Paniers"}, timeout_s=10)
    assert result.returncode == 0, result
    assert "PANIER_PORT" in result.stdout and "DB_LOCAL_HOST" in result.stdout
    assert "hunter2" not in result.stdout and "hunter3" not in result.stdout


def test_an_env_file_as_the_platform_writes_it(tmp_path):
    env_file = tmp_path / "platform.env"
    env_file.write_bytes(b'\xef\xbb\xbfMONGO_URI_PANIERS = "mongodb://m:27017/Paniers"\r\n# a comment\r\n'
                         b"export DB_LOCAL_HOST=db\r\nDB_LOCAL_NAME=amazoff # the database\r\n"
                         b"DB_LOCAL_LOGIN = user\r\nDB_LOCAL_PASSWORD='pa#ss'\r\nDB_LOCAL_PORT=3306\r\nCORS_ORIGINS=*\r\n")
    result = run_command(["config", "--env-file", str(env_file)], {}, timeout_s=10)
    assert result.returncode == 0, result
    assert "amazoff" in result.stdout and "pa#ss" not in result.stdout


def test_version(tmp_path):
    result = run_command(["version"], {}, timeout_s=10)
    assert result.returncode == 0 and any(character.isdigit() for character in result.stdout)


# --- files ---

def test_sighup_reopens_the_failure_log(own_shop):
    panier = own_shop.start()
    own_shop.stores.mongodb.kill()
    client = panier.client()
    client.add("u", "a", 1)
    eventually(lambda: panier.failed_log.read_text(), 5.0, "a line in the failure log")
    rotated = panier.failed_log.with_suffix(".1")
    panier.failed_log.rename(rotated)
    panier.signal(signal.SIGHUP)
    eventually(panier.failed_log.exists, 5.0, "the log is opened anew")
    size = rotated.stat().st_size
    client.add("u", "a", 1)
    eventually(lambda: panier.failed_log.read_text(), 5.0, "a line in the new file")
    assert rotated.stat().st_size == size
    own_shop.stores.mongodb.restart()


def test_the_data_directory_is_made_and_private(tmp_path):
    panier = Panier(tmp_path, {"PANIER_DATA_DIR": tmp_path / "new" / "data"}).start()
    try:
        assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    finally:
        panier.end()


def test_two_processes_do_not_share_an_sqlite_ledger(tmp_path):
    first = Panier(tmp_path / "a", {"PANIER_DATA_DIR": tmp_path / "data"}).start()
    try:
        second = run_command(["serve"], {**first.settings, "PANIER_PORT": 0, "PANIER_OPS_PORT": 0}, timeout_s=20)
        assert second.returncode not in (0, -signal.SIGABRT)
        assert "PANIER_DATA_DIR" in second.stderr or "data" in second.stderr
        assert first.client().add("u", "a", 1).status == 201
    finally:
        first.end()


# Every write to a database's file fails while there is a certain other file.
BAD_DISK = """
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>
extern "C" ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  using Real = ssize_t (*)(int, const void*, size_t, off64_t);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "pwrite64"));
  const bool shared_memory = size == 1;  // of a database's processes; made byte by byte
  if (shared_memory || access(std::getenv("BAD_WHILE"), F_OK) != 0) return real(fd, bytes, size, at);
  errno = std::atoi(std::getenv("BAD_ERRNO"));
  return -1;
}
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }
"""

# A lane of a dead process leaves a reservation.
RESERVE = """UPDATE panier_lane SET token = randomblob(16), expires_at = 1 + (SELECT version FROM panier),
  reserved = (SELECT json_array(json_array(user_id, version + 1)) FROM panier) WHERE lane = 0"""


@pytest.fixture
def bad_disk(tmp_path):
    """A function of an errno: settings under which the disk can be bad, and the file that makes it so."""
    def disk(number):
        bad = tmp_path / "bad"
        return {"LD_PRELOAD": library(tmp_path, BAD_DISK), "BAD_WHILE": bad, "BAD_ERRNO": number}, bad

    return disk


def told(panier, message):
    return sum(isinstance(line, dict) and line["msg"] == message for line in panier.log())


def is_writable_again(panier, users):
    for user in users:
        eventually(lambda: panier.client().add(user, "a", 1).status == 201, 10.0, f"{user} is writable again")
    assert panier.client().health().json["status"] == "ok"
    assert panier.ops().request("GET", "/readyz").status == 200


@preloading
def test_a_start_on_a_full_disk_serves_reads_and_mends_itself(tmp_path, bad_disk):
    """A killed process left a reservation, and there is no room to abort it."""
    settings, full = bad_disk(errno.ENOSPC)
    panier = Panier(tmp_path, {**settings, "PANIER_MIRROR_TIMEOUT_MS": 400, "PANIER_RESERVATION_TTL_MS": 500}).start()
    try:
        assert panier.client().add("u", "a", 1).status == 201
        panier.kill()
        with sqlite3.connect(panier.directory / "data" / "ledger.sqlite3") as ledger:
            ledger.execute(RESERVE)
        ledger.close()
        full.touch()
        panier.start()
        assert panier.client().quantities("u") == {"a": 1}
        assert panier.wait_for_log("lists of the last run are still there; upkeep goes on trying", 1.0)["detail"]
        panier.wait_for_log("upkeep step failed", 5.0)
        assert panier.client().add("new", "a", 1).status == 503
        full.unlink()
        is_writable_again(panier, ["u", "new"])
        assert panier.client().quantities("u") == {"a": 2}
        assert told(panier, "upkeep step failed") <= 2  # of 5 tries a second
        panier.stop()
        panier.assert_stores_agree()
    finally:
        panier.end()


@preloading
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_ledger_that_answers_and_cannot_write_is_down(tmp_path, bad_disk, number):
    settings, bad = bad_disk(number)
    panier = Panier(tmp_path, settings).start()
    try:
        client = panier.client()
        assert client.add("u", "a", 1).status == 201
        bad.touch()
        writers = [Adder(lambda: panier.port, "u", retry=False) for _ in range(4)]

        def look():
            eventually(lambda: told(panier, "store down") == 2, 5.0, "the first may have been a restart")
            assert panier.ops().request("GET", "/readyz").status == 503
            for _ in range(100):
                health = client.health().json
                assert health["status"] == "degraded" and health["stores"]["sqlite_ledger"]["last_error"]
                time.sleep(0.02)
            assert client.quantities("u") == {"a": 1}

        run_adders(writers, look)
        for writer in writers:
            assert writer.acknowledged == 0 and writer.refused + writer.unknown > 0
            # Only of a sync that failed nobody knows what is on the disk.
            assert writer.unknown == 0 or number == errno.EIO
        assert told(panier, "store down") == 2
        bad.unlink()
        is_writable_again(panier, ["u"])
        assert client.quantities("u") == {"a": 2}
        panier.stop()
        panier.assert_stores_agree()
    finally:
        panier.end()


def test_a_full_log_pipe_loses_lines_not_requests(tmp_path):
    """Nobody reads stderr: after 64 KiB the pipe is full."""
    panier = Panier(tmp_path).start()
    panier.stop()
    read_end, write_end = os.pipe()
    process = spawn({**panier.settings, "PANIER_PORT": panier.port}, tmp_path, write_end)
    os.close(write_end)
    try:
        client = Client(panier.port)
        eventually(lambda: client.health().status == 200, 5.0, "it is up")
        for _ in range(3000):
            answer = client.request("PATCH", "/paniers/add_to_cart/u", "{")
            assert (answer.status, answer.seconds < 1.0) == (400, True)
        assert client.add("u", "a", 1).status == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read_end)


# --- what an operator sees of it ---

def test_threads_are_named_for_top(tmp_path):
    panier = Panier(tmp_path).start()
    try:
        tasks = Path(f"/proc/{panier.process.pid}/task")
        deadline = time.monotonic() + 10  # each thread names itself, as soon as it gets a processor
        while True:
            names = sorted((task / "comm").read_text().strip() for task in tasks.iterdir())
            if names.count("panier") == 1 or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        assert names.count("panier") == 1, f"only the main thread goes without a name of its own: {names}"
        assert {"http", "lane-0", "reader", "deadlines", "upkeep", "ledger-probe", "mirror-probe", "log",
                "failure-log"} <= set(names)
    finally:
        panier.end()


# --- how much it takes ---

@sanitized
def test_ready_in_a_second_and_small_when_idle(tmp_path):
    panier = Panier(tmp_path).start()
    try:
        assert panier.ready_s < READY_S
        assert panier.client().health().status == 200
        assert panier.rss_mib() < IDLE_RSS_MIB
    finally:
        panier.end()


@sanitized
def test_100_000_carts_of_5_lines(tmp_path):
    carts, lines = 100_000, 5
    panier = Panier(tmp_path).start()
    try:
        adds = (add_request(f"cart-{cart}", f"article-{line}") for line in range(lines) for cart in range(carts))
        statuses = send_all(panier.port, adds)
        assert statuses == {201: carts * lines}
        assert panier.client().quantities("cart-99999") == {f"article-{line}": 1 for line in range(lines)}
        assert panier.rss_mib() < FULL_RSS_MIB
    finally:
        panier.end()
