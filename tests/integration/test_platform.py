"""The platform as it is: its .env, its table, its gateways, its users service and its front, from the old service to panier
and back. docs/replacing-the-python-service.md promises this; its nginx lines are the ones used here."""
import json
import re
import signal

import pytest

from articles_stub import ArticlesStub, article
from gateway import Nginx
from http_client import Client
from panier_process import Panier, run_command
from predecessor import EXACT_FIELDS, Predecessor, line

pytestmark = pytest.mark.servers_only

ORIGIN = "http://localhost:4200"
# The platform's file, with its spaces round `=` and its quotes; only hosts and names are this test's.
ENV = """MONGO_URI_PANIERS = "{mongo}?retryWrites=true&w=majority"
CORS_ORIGINS=*
URL_ARTICLE_DOCKER_1 = "{articles}"
URL_ARTICLE_DOCKER_2 = "http://127.0.0.1:9/articles/"
URL_ARTICLE_SERVEUR_1 = "{articles}"
URL_ARTICLE_SERVEUR_2 = "http://127.0.0.1:9/articles/"
DB_LOCAL_HOST=127.0.0.1
DB_LOCAL_NAME={database}
DB_LOCAL_LOGIN={login}
DB_LOCAL_PASSWORD={password}
DB_LOCAL_PORT={port}
"""
USER = "66f1a2b3c4d5e6f708192a3b"  # the users service's ids are ObjectIds


class Platform:
    def __init__(self, shop, articles, directory):
        self.shop, self.articles, self.directory = shop, articles, directory
        self.old = Predecessor(users=30)
        self.old.user(USER, [line("chaise", 2.0), line("table", 1.5)])
        self.old.write_to(shop.stores)
        mariadb = shop.stores.mariadb
        self.env = directory / "platform.env"
        self.env.write_text(ENV.format(mongo=shop.stores.mongodb.uri(), articles=articles.url, database=mariadb.database,
                                       login=mariadb.login, password=mariadb.password, port=mariadb.port))
        self.started = []

    def command(self, *words):
        return run_command([*words, "--env-file", str(self.env)], {"PANIER_PORT": 0, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": self.directory / "data"},
                           timeout_s=60.0)

    def start(self, name):
        """A copy as the compose fragment starts it: the platform's file, and PANIER_CORS=off."""
        panier = Panier(self.directory / name, {"PANIER_CORS": "off", "PANIER_LEDGER": "mariadb", "PANIER_MIRROR": "mongodb"})
        (panier.directory / ".env").write_text(self.env.read_text())
        self.started.append(panier)
        return panier.start()

    def gateway(self, name, panier, **options):
        nginx = Nginx(self.directory / name, [panier.port], **options)
        self.started.append(nginx)
        return nginx

    def end(self):
        for one in reversed(self.started):
            one.stop() if isinstance(one, Nginx) else one.end()


@pytest.fixture
def platform(shop, tmp_path):
    stub = ArticlesStub({"chaise": article("Chaise", 19.99), "table": article("Table", 100)})
    platform = Platform(shop, stub, tmp_path)
    yield platform
    platform.end()
    stub.end()


def front_reads(gateway, user):
    """As the Angular front does: it takes the length of `name`, and sums `sous_total`."""
    answer = Client(gateway.port).request("GET", f"/paniers/{user}", headers={"Origin": ORIGIN})
    assert answer.status == 200 and answer.json["error"] is False
    assert answer.headers["access-control-allow-origin"] == ORIGIN, "once: two would be joined by a comma"
    for one in answer.rs["articles"]:
        assert len(one["name"]) > 0
        for field in ("id", "image", "prix", "stock", "reduction", "description", "quantite_utilisateur", "sous_total"):
            assert field in one, field
    return {one["id"]: one["quantite_utilisateur"] for one in answer.rs["articles"]}, sum(
        one["sous_total"] for one in answer.rs["articles"])


def sign_up(gateways, user):
    """The users service: the first gateway whose health is 2xx; an empty body; anything outside 2xx is an exception there."""
    gateway = next(one for one in gateways if Client(one.port).health().status // 100 == 2)
    answer = Client(gateway.port).request("POST", f"/paniers/create_cart/{user}")
    assert answer.status // 100 == 2 and answer.json["error"] is False
    assert re.fullmatch("[0-9a-f]{24}", answer.rs)
    return gateway


def close_account(gateway, user):
    answer = Client(gateway.port).request("DELETE", f"/paniers/delete_cart/{user}")
    assert answer.status // 100 == 2 and isinstance(answer.json["message"], str)


def test_there_and_back(platform):
    refused = platform.command("serve")
    assert refused.returncode == 2 and "panier migrate" in refused.stderr
    dry = platform.command("migrate", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert platform.command("migrate").stdout == dry.stdout
    assert platform.command("verify").returncode == 0

    copies = [platform.start("panier-1"), platform.start("panier-2")]
    gateways = [platform.gateway("nginx-1", copies[0]), platform.gateway("nginx-2", copies[1])]
    assert front_reads(gateways[0], USER) == ({"chaise": 2, "table": 1.5}, 39.98 + 150.0)
    front = Client(gateways[1].port)
    assert front.add(USER, "chaise", 1).rs["mariadb"] == "chaise"
    assert front.edit(USER, "table", 4).rs["mongo"] == "table"
    assert front.remove(USER, "chaise").status == 201
    assert front_reads(gateways[0], USER) == ({"table": 4}, 400.0)
    assert front.empty(USER).status == 200  # after payment
    assert front_reads(gateways[1], USER) == ({}, 0)
    newcomer = "66f1a2b3c4d5e6f708192a3c"
    gateway = sign_up(gateways, newcomer)
    sign_up(gateways, newcomer)
    assert front.add(newcomer, "chaise", 3).status == 201
    gone = next(iter(platform.old.carts))
    close_account(gateway, gone)
    close_account(gateway, gone)

    for copy in copies:
        copy.stop()
    platform.shop.stores.mariadb.execute("UPDATE panier_lane SET heartbeat = heartbeat - INTERVAL 1 MINUTE")
    undone = platform.command("migrate", "--undo")
    assert undone.returncode == 0, undone.stderr
    rows = {row["user_id"]: json.loads(row["articles"]) for row in platform.shop.stores.mariadb.query("SELECT * FROM panier")}
    documents = list(platform.shop.stores.mongodb.collection().find())
    assert all(set(document) == EXACT_FIELDS for document in documents)
    assert {document["user_id"]: document["articles"] for document in documents} == rows
    assert rows.keys() == platform.old.carts.keys() - {gone} | {newcomer}
    assert rows[USER] == [] and rows[newcomer] == [line("chaise", 3.0)]


def test_users_service_takes_the_gateway_that_answers(platform):
    platform.command("migrate")
    copies = [platform.start("panier-1"), platform.start("panier-2")]
    gateways = [platform.gateway("nginx-1", copies[0]), platform.gateway("nginx-2", copies[1])]
    copies[0].signal(signal.SIGKILL)
    copies[0].wait()
    assert sign_up(gateways, "66f1a2b3c4d5e6f708192a3d") is gateways[1]


def documented_location(source_dir):
    text = (source_dir / "docs" / "replacing-the-python-service.md").read_text()
    (block,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    return block


def test_the_documented_lines_let_a_browser_use_versions_and_keys(platform, source_dir):
    platform.command("migrate")
    panier = platform.start("panier")
    nginx = platform.gateway("nginx", panier, location=documented_location(source_dir), upstream="keepalive 32;")
    client = Client(nginx.port)
    preflight = client.request("OPTIONS", f"/paniers/add_to_cart/{USER}", headers={
        "Origin": ORIGIN, "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "content-type,if-match,idempotency-key"})
    assert preflight.status // 100 == 2
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert {"content-type", "if-match", "if-none-match", "idempotency-key"} <= allowed
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    shown = client.request("GET", f"/paniers/{USER}", headers={"Origin": ORIGIN})
    assert "ETag" in shown.headers["access-control-expose-headers"]
    assert client.add(USER, "chaise", 1, if_match=shown.headers["etag"], idempotency_key="once").status == 201
    assert client.add(USER, "chaise", 1, if_match=shown.headers["etag"]).status == 412
    assert client.add(USER, "chaise", 1, if_match=shown.headers["etag"], idempotency_key="once").status == 201
    assert client.quantities(USER)["chaise"] == 3


@pytest.mark.parametrize("key", ["MONGO_URI_PANIERS", "DB_LOCAL_PASSWORD"])
def test_a_setting_that_is_missing_is_named(platform, key):
    platform.env.write_text("".join(one + "\n" for one in platform.env.read_text().splitlines() if not one.startswith(key)))
    result = platform.command("migrate", "--dry-run")
    assert result.returncode == 2 and key.removeprefix("DB_LOCAL_") in result.stderr, result.stderr
