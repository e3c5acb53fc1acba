"""Carts with an articles service, and what becomes of them when it stops, stalls or lies."""
import asyncio
import os
import threading

import pytest

from articles_stub import SILENCE, ArticlesStub, answer, article, found
from conftest import Shop
from load import in_parallel
from preload import library, preloading
from waiting import eventually

TIMEOUT_MS = 800
# What a GET may take that waits for articles in vain: its deadline, and what a busy machine adds.
DEADLINE_S = TIMEOUT_MS / 1000 + 2.0
USER = "66f1a2b3c4d5e6f708192a3b"


@pytest.fixture
def stub():
    stub = ArticlesStub()
    yield stub
    stub.end()


@pytest.fixture
def place(tmp_path):
    """Embedded only: the stores have no part in this."""
    place = Shop("embedded", tmp_path, None)
    yield place
    place.end()


@pytest.fixture
def start(place, stub):
    """Starts panier with the stub as its articles service."""
    def started(name="panier", **settings):
        return place.start({"URL_ARTICLE_DOCKER_1": stub.url, "PANIER_ARTICLE_TIMEOUT_MS": TIMEOUT_MS, **settings},
                          name=name)
    return started


def missing(answer):
    return {line["article_id"]: line["code"] for line in answer.rs["articles_indisponibles"]}


def lines(answer):
    return {line["article_id"]: line for line in answer.rs["articles"]}


def filled(client, user, articles):
    for name in articles:
        assert client.add(user, name, 1).status == 201
    return client


# --- what a GET shows ---

def test_a_line_shows_its_article_and_what_it_costs(start, stub):
    stub.articles["chaise"] = found('{"id": "66f1", "id_maria": 7, "name": "Chaise d\'été", "prix": 19.990, '
                                    '"reduction": 5e1, "stock": 12, "quantite_utilisateur": 99, "sous_total": 0, '
                                    '"options": [1.0, {"a": null}]}')
    stub.articles["table"] = article("Table", 100)
    client = start().client()
    client.add(USER, "chaise", 1.5)
    client.add(USER, "table", 2)

    shown = client.get(USER)

    assert shown.status == 200
    assert ('{"id":"chaise","article_id":"chaise","quantite_utilisateur":1.5,"id_maria":7,"name":"Chaise d\'été",'
            '"prix":19.990,"reduction":5e1,"stock":12,"options":[1.0,{"a":null}],"sous_total":29.99}') in shown.text
    assert '"total":229.99,"total_complet":true,"nombre_articles":2' in shown.text
    assert lines(shown)["table"]["name"] == "Table"
    # What the shop's front reads of a line.
    for line in shown.rs["articles"]:
        assert isinstance(line["name"], str) and isinstance(line["sous_total"], (int, float))
    # The version alone does not name this content any more.
    assert shown.headers["etag"].startswith(f'"{shown.rs["version"]}-')
    assert client.get(USER, if_none_match=shown.headers["etag"]).status == 304
    assert client.add(USER, "table", 1, if_match=shown.headers["etag"]).status == 201


def test_a_cart_of_100_lines_is_one_round_of_parallel_requests(start, stub, place):
    names = [f"a{n}" for n in range(100)]
    stub.everything = article()
    filled(start().client(), USER, names)
    place.end()
    client = start().client()  # whose cache is cold
    stub.forget()
    stub.hold_until(100)  # nobody is answered before all have asked

    shown = client.get(USER)

    assert len(lines(shown)) == 100
    assert stub.asked == {name: 1 for name in names}
    assert stub.most_at_once == 100
    assert len(lines(client.get(USER))) == 100
    assert stub.total() == 100


def test_an_article_is_asked_for_once_however_many_carts_want_it(start, stub, place):
    stub.everything = article()
    panier = start()
    in_parallel(20, lambda n: filled(panier.client(), f"user{n}", ["a", "b"]))
    place.end()
    panier = start(PANIER_ARTICLE_TIMEOUT_MS=5000)
    stub.forget()
    stub.hold_until(2)

    answers = in_parallel(20, lambda n: panier.client().get(f"user{n}"))

    assert all(len(lines(shown)) == 2 for shown in answers)
    assert stub.asked == {"a": 1, "b": 1}


def test_many_gets_cost_no_more_than_the_fresh_age_allows(start, stub):
    """However often carts are read, an article is asked for at most once in PANIER_ARTICLE_FRESH_S."""
    fresh_s, carts, lines_each, readers, reads_each = 2.0, 10, 50, 4, 500
    stub.everything = article()
    panier = start(PANIER_ARTICLE_FRESH_S=int(fresh_s), PANIER_ARTICLE_TIMEOUT_MS=5000)
    in_parallel(carts, lambda n: filled(panier.client(), f"user{n}", [f"a{n}-{i}" for i in range(lines_each)]))

    def read(n):
        client = panier.client()
        for i in range(reads_each):
            assert len(lines(client.get(f"user{(n + i) % carts}"))) == lines_each

    in_parallel(readers, read)

    assert len(stub.asked) == carts * lines_each
    # The age counts from panier's asking; the stub sees that a little later, more or less.
    slack_s = 0.2
    for asked_at in stub.asked_at.values():
        assert all(later - earlier > fresh_s - slack_s for earlier, later in zip(asked_at, asked_at[1:]))


# --- what the articles service may do ---

async def _redirect(writer):
    writer.write(answer(302, "", "Location: /articles/loop\r\n"))


async def _ten_mib(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"error\": false, \"rs\": {\"name\": \"")
    for _ in range(160):
        writer.write(b"x" * 65536)
        await writer.drain()


async def _endless_headers(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def _half(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"error\": false,")
    await writer.drain()
    writer.close()


async def _a_byte_at_a_time(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


BAD = {
    "not found": (answer(404, "<html>"), "article_not_found"),
    "error true": (answer(200, '{"error": true, "message": "Article introuvable"}'), "article_not_found"),
    "rs null": (found("null"), "article_invalid"),
    "rs a list": (found("[]"), "article_invalid"),
    "price with a comma": (found(article(prix="12,5")), "article_invalid"),
    "price negative": (found(article(prix=-1)), "article_invalid"),
    "price absent": (found('{"name": "n"}'), "article_invalid"),
    "price null": (found(article(prix=None)), "article_invalid"),
    "price endless": (found('{"name": "n", "prix": 1e400}'), "article_invalid"),
    "name absent": (found('{"prix": 1}'), "article_invalid"),
    "name a number": (found(article(name=5)), "article_invalid"),
    "html": (answer(200, "<html><body>Bienvenue</body></html>"), "article_invalid"),
    "empty": (answer(200, ""), "article_invalid"),
    "no utf-8": (answer(200, b'{"error": false, "rs": {"name": "\xff", "prix": 1}}'), "article_invalid"),
    "nested deep": (found('{"name": "n", "prix": 1, "x": ' + "[" * 500 + "]" * 500 + "}"), "article_invalid"),
    "redirect loop": (_redirect, "article_invalid"),
    "10 MiB": (_ten_mib, "article_invalid"),
    "10 MiB announced": (b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n{", "article_invalid"),
    "endless headers": (_endless_headers, "article_invalid"),
    "status 500": (answer(500, "{}"), "articles_unavailable"),
    "status 503": (answer(503, "{}"), "articles_unavailable"),
    "cut in half": (_half, "articles_unavailable"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "articles_unavailable"),
    "silence": (SILENCE, None),
    "a byte at a time": (_a_byte_at_a_time, None),
}


@pytest.fixture(scope="module")
def bad_shop(tmp_path_factory):
    """One service whose carts hold a good line and a bad one each."""
    stub = ArticlesStub({"good": article("Bon", 2.5)})
    names = {name: f"bad{n}" for n, name in enumerate(BAD)}
    stub.articles.update({names[name]: told for name, (told, _) in BAD.items()})
    stub.articles["loop"] = _redirect
    shop = Shop("embedded", tmp_path_factory.mktemp("bad"), None)
    # Lines are made while any stock will do.
    panier = shop.start({"URL_ARTICLE_DOCKER_1": stub.url, "PANIER_ARTICLE_TIMEOUT_MS": TIMEOUT_MS,
                         "PANIER_STOCK_UNKNOWN": "accept"})
    healthy, stub.articles = stub.articles, {}
    stub.everything = article()
    for name in names.values():
        filled(panier.client(), name, ["good", name])
    stub.everything, stub.articles = None, healthy
    panier.stop()
    panier.start()  # a cold cache
    yield panier, stub, names
    shop.end()
    stub.end()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_article_never_breaks_a_cart(bad_shop, name):
    panier, stub, names = bad_shop
    code = BAD[name][1]
    bad = names[name]
    before = stub.asked["loop"]

    shown = panier.client().get(bad)

    assert shown.status == 200 and shown.seconds < DEADLINE_S
    assert list(lines(shown)) == ["good"] and lines(shown)["good"]["sous_total"] == 2.5
    assert shown.rs["total"] == 2.5 and shown.rs["total_complet"] is False and shown.rs["nombre_articles"] == 2
    # Whether the wait or the connection is given up first is a matter of milliseconds.
    assert missing(shown)[bad] in ([code] if code else ["articles_late", "articles_unavailable"])
    (line,) = shown.rs["articles_indisponibles"]
    assert line["quantite_utilisateur"] == 1 and line["raison"]
    assert stub.asked["loop"] == before  # no redirect was followed


@pytest.mark.skipif(bool(os.environ.get("PANIER_SANITIZED")), reason="a sanitizer keeps what is freed")
def test_a_service_full_of_bad_articles_stays_small(bad_shop):
    panier, _, names = bad_shop
    for name in ("10 MiB", "endless headers", "10 MiB announced"):
        for _ in range(3):
            assert panier.client().get(names[name]).status == 200
    assert panier.rss_mib() < 400


# --- when it stops and stalls ---

def test_old_prices_are_shown_and_say_so_until_new_ones_are_had(start, stub):
    stub.articles["a"] = article(prix=10)
    panier = start(PANIER_ARTICLE_FRESH_S=1)
    client = filled(panier.client(), USER, ["a"])
    assert "prix_obsolete" not in lines(client.get(USER))["a"]
    stub.stop()
    stub.articles["a"] = article(prix=20)

    def old():
        line = lines(client.get(USER))["a"]
        return line.get("prix_obsolete") and line

    line = eventually(old, 10.0, "the price is old")
    assert line["prix"] == 10 and line["sous_total"] == 10 and line["prix_age_s"] >= 1
    stub.start()
    eventually(lambda: lines(client.get(USER))["a"]["prix"] == 20, 15.0, "the new price is shown")


def test_what_is_too_old_is_not_shown(start, stub):
    stub.articles["a"] = article()
    client = filled(start(PANIER_ARTICLE_FRESH_S=1, PANIER_ARTICLE_STALE_S=2).client(), USER, ["a"])
    stub.stop()
    eventually(lambda: missing(client.get(USER)).get("a") == "articles_unavailable", 10.0, "its time is over")


@pytest.mark.parametrize("trouble", ["stopped", "silent", "failing"])
def test_trouble_harms_no_cart_and_adds_follow_the_setting(start, stub, trouble):
    stub.everything = article()
    refusing = start(PANIER_STOCK_UNKNOWN="refuse", name="refusing")
    accepting = start(PANIER_STOCK_UNKNOWN="accept", name="accepting")
    for panier in (refusing, accepting):
        filled(panier.client(), "known", ["a", "b"])
    stub.healthy = False
    if trouble == "stopped":
        stub.stop()
    stub.everything = SILENCE if trouble == "silent" else answer(503, "{}")

    refused = refusing.client().add("new", "c", 1)
    assert (refused.status, refused.code) == (503, "stock_unknown")
    assert int(refused.headers["retry-after"]) >= 1
    assert refusing.client().get("new").code == "cart_not_found"
    accepted = accepting.client().add("new", "c", 1)
    assert accepted.status == 201
    shown = accepting.client().get("new")
    assert shown.status == 200 and missing(shown)["c"] in ("articles_unavailable", "articles_late")
    for panier in (refusing, accepting):
        client = panier.client()
        shown = client.get("known")
        assert sorted(lines(shown)) == ["a", "b"] and shown.rs["total_complet"] is True
        # What lowers a line asks nobody.
        assert client.edit("known", "a", 0.5).status == 201
        assert client.add("known", "a", -0.25).status == 201
        assert client.remove("known", "b").status == 201
        assert client.quantities("known") == {"a": 0.25}

    stub.healthy, stub.everything = True, article()
    if trouble == "stopped":
        stub.start()
    eventually(lambda: refusing.client().add("new", "c", 1).status == 201, 15.0, "it is asked again")


def test_a_cart_that_waits_for_articles_keeps_no_other_waiting(start, stub):
    stub.articles["a"] = article()
    panier = start(PANIER_ARTICLE_TIMEOUT_MS=8000, PANIER_STOCK_UNKNOWN="accept", name="waiting")
    client = filled(panier.client(), "quick", ["a"])
    stub.articles["slow"] = article()
    filled(client, "slow", ["slow"])
    panier.stop()
    panier.start()
    client = panier.client()
    assert client.get("quick").status == 200
    stub.articles["slow"] = SILENCE
    slow = threading.Thread(target=lambda: panier.client().get("slow"))
    slow.start()
    eventually(lambda: stub.asked["slow"] >= 2, 10.0, "the slow cart waits")

    for _ in range(200):
        assert lines(client.get("quick"))["a"]["sous_total"] == 1

    assert slow.is_alive(), "200 carts were read while one waited"
    stub.articles["slow"] = article()
    stub.stop()
    slow.join(10)


def test_the_second_url_serves_where_the_first_does_not(place, stub):
    gone = ArticlesStub()
    gone.end()
    stub.everything = article()
    panier = place.start({"URL_ARTICLE_DOCKER_1": gone.url, "URL_ARTICLE_SERVEUR_2": stub.url})
    client = filled(panier.client(), USER, [f"a{n}" for n in range(10)])
    assert len(lines(client.get(USER))) == 10
    told = panier.ops().request("GET", "/metrics").text
    assert 'panier_article_source_up{url="URL_ARTICLE_DOCKER_1"} 0' in told
    assert 'panier_article_source_up{url="URL_ARTICLE_SERVEUR_2"} 1' in told
    assert 'panier_article_requests_total{result="found",url="URL_ARTICLE_SERVEUR_2"} 10' in told
    assert 'panier_article_lines_total{state="fresh"} 20' in told
    assert "panier_article_cache_articles 10" in told
    warnings = [line for line in panier.log() if line.get("msg") == "articles service is not asked any more"]
    assert [line["url"] for line in warnings] == ["URL_ARTICLE_DOCKER_1"]  # once, not once a request


# getaddrinfo() of a name server that does not answer.
SLOW_NAMES = """
#include <dlfcn.h>
#include <netdb.h>
#include <cstring>
#include <unistd.h>
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (node && std::strstr(node, "slow.test")) sleep(30);
  return real(node, service, hints, found);
}
"""


@preloading
def test_a_name_that_is_not_resolved_keeps_nobody_waiting(place, stub, tmp_path):
    """libcurl 7.88 by itself waits for the look-up of a request that it has given up, and with it all others."""
    stub.everything = article()
    panier = place.start({"URL_ARTICLE_DOCKER_1": "http://slow.test:3001/articles/", "URL_ARTICLE_DOCKER_2": stub.url,
                          "PANIER_ARTICLE_TIMEOUT_MS": TIMEOUT_MS, "LD_PRELOAD": library(tmp_path, SLOW_NAMES)})
    client = panier.client()
    for n in range(8):
        added = client.add(USER, f"a{n}", 1)
        assert added.status == 201 and added.seconds < DEADLINE_S
    panier.stop()


def test_a_stop_waits_for_carts_that_wait_for_articles(start, stub):
    stub.everything = article()
    panier = start(PANIER_ARTICLE_TIMEOUT_MS=2000)
    filled(panier.client(), USER, ["a"])
    panier.stop()
    panier.start()
    stub.everything = SILENCE
    answers = []
    reader = threading.Thread(target=lambda: answers.append(panier.client().get(USER)))
    reader.start()
    eventually(lambda: stub.open() > 0, 10.0, "the cart waits")
    panier.stop()
    reader.join(10)
    assert [(answer.status, list(missing(answer))) for answer in answers] == [(200, ["a"])]


# --- stock ---

def test_a_line_is_held_to_the_stock(start, stub):
    stub.articles["a"] = article(stock=10)
    client = start().client()
    assert client.add(USER, "a", 6).status == 201
    refused = client.add(USER, "a", 5)
    assert (refused.status, refused.code) == (409, "stock_insufficient")
    assert (refused.json["stock"], refused.json["quantite"], refused.json["field"]) == (10, 11, "quantite")
    assert client.edit(USER, "a", 10.5).json["quantite"] == 10.5
    assert client.quantities(USER) == {"a": 6}
    assert client.edit(USER, "a", 10).status == 201
    assert client.add(USER, "a", 0.001).status == 409


def test_an_article_that_is_not_known_cannot_be_added(start, stub):
    stub.articles["denied"] = answer(200, '{"error": true}')
    client = start().client()
    for name in ("nowhere", "denied", "health", ".", ".."):
        for refused in (client.add(USER, name, 1), client.edit(USER, name, 1)):
            assert (refused.status, refused.code, refused.json["field"]) == (404, "article_not_found", "article_id")
    assert client.get(USER).code == "cart_not_found"
    assert set(stub.asked) == {"nowhere", "denied"}


def test_lowering_a_line_asks_nobody_even_above_the_stock(start, stub):
    stub.articles["a"] = article(stock=10)
    panier = start(PANIER_ARTICLE_FRESH_S=1)
    client = panier.client()
    client.add(USER, "a", 10)
    stub.articles["a"] = article(stock=2)
    stub.forget()
    for written in (client.edit(USER, "a", 9), client.add(USER, "a", -1), client.edit(USER, "a", 8),
                    client.remove(USER, "a")):
        assert written.status == 201
    assert stub.total() == 0


def test_stock_is_asked_for_again_once_it_is_not_fresh(start, stub):
    stub.articles["a"] = article(stock=10)
    client = start(PANIER_ARTICLE_FRESH_S=1).client()
    assert client.add(USER, "a", 1).status == 201
    stub.articles["a"] = article(stock=1)
    eventually(lambda: client.add(USER, "a", 1).status == 409, 10.0, "the new stock counts")


@pytest.mark.parametrize("stock", [None, "beaucoup", [], True])
def test_a_stock_that_is_none_is_an_unknown_one(start, stub, stock):
    stub.articles["a"] = article(stock=stock)
    assert start(name="refusing").client().add(USER, "a", 1).code == "stock_unknown"
    client = start(name="accepting", PANIER_STOCK_UNKNOWN="accept").client()
    assert client.add(USER, "a", 1).status == 201
    assert lines(client.get(USER))["a"]["stock"] == stock


def test_fifty_clients_at_once_do_not_pass_the_stock(start, stub):
    stub.articles["a"] = article(stock=10)
    panier = start()
    answers = in_parallel(50, lambda n: panier.client().add(USER, "a", 1))
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 40
    assert panier.client().quantities(USER) == {"a": 10}


def test_without_a_url_a_cart_is_as_before(place):
    client = place.start().client()
    client.add(USER, "a", 1000)
    assert client.get(USER).rs["articles"] == [{"id": "a", "article_id": "a", "quantite_utilisateur": 1000}]
