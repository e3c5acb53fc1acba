"""The servers that the suites start: two side by side leave each other alone, whatever runs beside them."""
import subprocess

import pytest

from databases import START_TIMEOUT_S, MariaDb


@pytest.fixture
def mariadb(tmp_path, source_dir):
    mariadb = MariaDb(tmp_path / "mariadb", source_dir)
    mariadb.start()
    mariadb.use_database("one")
    yield mariadb
    mariadb.stop()


def test_temporary_tables_outlive_the_start_of_a_neighbour(mariadb, tmp_path, source_dir):
    """A server that starts clears its temporary directory. An installation lives on temporary tables: one of 20 failed."""
    with mariadb.connected() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (n INT) ENGINE=Aria")
        cursor.execute("INSERT INTO kept VALUES (1)")
        subprocess.run([source_dir / "scripts" / "stack-mariadb", "init", tmp_path / "neighbour"], timeout=START_TIMEOUT_S,
                       check=True)
        cursor.execute("ALTER TABLE kept ADD COLUMN m INT DEFAULT 2")
        cursor.execute("SELECT n, m FROM kept")
        assert cursor.fetchall() == [{"n": 1, "m": 2}]


@pytest.mark.parametrize("left", ["data/mysql/user.frm", "init.sql"])
def test_an_installation_of_which_a_part_is_left_is_made_anew(left, tmp_path, source_dir):
    (tmp_path / "cut" / left).parent.mkdir(parents=True)
    (tmp_path / "cut" / left).write_text("SELECT 1;\n")
    mariadb = MariaDb(tmp_path / "cut", source_dir)
    mariadb.start()
    try:
        mariadb.use_database("one")
        assert mariadb.query("SELECT 1 AS n") == [{"n": 1}]
    finally:
        mariadb.stop()
