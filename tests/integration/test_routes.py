"""Every route and what it answers, in both modes: embedded and on servers."""
import re
import zlib

import pytest

ID = re.compile(r"^[0-9a-f]{24}$")


@pytest.fixture(scope="module")
def panier(module_shop):
    return module_shop.start({"CORS_ORIGINS": "https://shop.example", "PANIER_LINES_MAX": 5})


@pytest.fixture
def client(panier):
    client = panier.client()
    yield client
    client.close()


@pytest.fixture
def user(request):
    """A cart of one's own, named after the test."""
    readable = re.sub(r"[^A-Za-z0-9_-]", "-", request.node.name)[:50]
    return f"{readable}-{zlib.crc32(request.node.name.encode()):08x}"


def assert_error(answer, status, code=None, field=None):
    assert answer.status == status, answer
    assert answer.json["error"] is True
    assert re.match(r"^[a-z_]+$", answer.json["code"])
    assert answer.json["message"]
    assert answer.headers["cache-control"] == "no-store"
    if code:
        assert answer.code == code
    if field:
        assert answer.json["field"] == field


# --- create, get, delete ---

def test_create_is_201_then_200_with_the_same_id(client, user):
    first = client.create(user)
    again = client.create(user)
    assert (first.status, first.json["error"]) == (201, False)
    assert ID.match(first.rs)
    assert (again.status, again.rs) == (200, first.rs)


def test_create_takes_an_empty_body_of_any_kind(client, user):
    path = f"/paniers/create_cart/{user}"
    assert client.request("POST", path, "").status == 201
    assert client.request("POST", path, "{}").status == 200


def test_get_shows_the_whole_cart(client, user):
    created = client.create(user)
    client.add(user, "chaise", 2)
    client.add(user, "table", 1.5)
    answer = client.get(user)
    assert answer.status == 200
    assert answer.json["error"] is False
    cart = answer.rs
    assert (cart["id"], cart["user_id"]) == (created.rs, user)
    assert isinstance(cart["id_maria"], int) and cart["id_maria"] > 0
    assert isinstance(cart["version"], int)
    assert cart["nombre_articles"] == 2
    lines = {line["article_id"]: line for line in cart["articles"]}
    assert lines["chaise"]["quantite_utilisateur"] == 2
    assert lines["table"]["quantite_utilisateur"] == 1.5
    assert all(line["id"] == line["article_id"] for line in cart["articles"])
    assert re.search(r'"quantite_utilisateur": ?2[,}]', answer.text)  # 2, not 2.0 or 2E0
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["etag"]


def test_get_of_a_missing_cart(client, user):
    assert_error(client.get(user), 404, "cart_not_found")
    assert_error(client.get(user), 404, "cart_not_found")  # the first read made nothing


def test_get_with_the_etag_is_304_until_the_cart_changes(client, user):
    client.add(user, "a", 1)
    etag = client.get(user).headers["etag"]
    unchanged = client.get(user, if_none_match=etag)
    assert (unchanged.status, unchanged.text) == (304, "")
    client.add(user, "a", 1)
    assert client.get(user, if_none_match=etag).status == 200


def test_delete_says_whether_there_was_one(client, user):
    created = client.create(user)
    there = client.delete(user)
    gone = client.delete(user)
    assert (there.status, there.json["existait"]) == (200, True)
    assert there.json["message"] == "Panier supprimé avec succès"
    assert (gone.status, gone.json["existait"]) == (200, False)
    assert client.get(user).status == 404
    assert client.create(user).rs == created.rs  # ids are stable


def test_recreated_cart_is_empty_and_newer(client, user):
    before = client.add(user, "a", 3).rs["version"]
    client.delete(user)
    after = client.add(user, "b", 1)
    assert after.rs["version"] > before + 1
    assert client.quantities(user) == {"b": 1}


# --- add ---

def test_add_answers_both_stores_version_and_quantity(client, user):
    answer = client.add(user, "a", 2)
    assert answer.status == 201
    assert answer.json["error"] is False
    rs = answer.rs
    assert (rs["mariadb"], rs["mongo"], rs["quantite"]) == ("a", "a", 2)
    more = client.add(user, "a", 0.5).rs
    assert more["quantite"] == 2.5
    assert more["version"] > rs["version"]


def test_add_is_1_by_default(client, user):
    assert client.add(user, "a").rs["quantite"] == 1


def test_add_creates_a_missing_cart_but_never_by_a_negative_quantity(client, user):
    assert_error(client.add(user, "a", -1), 404, "cart_not_found")
    assert client.get(user).status == 404
    assert client.add(user, "a", 1).status == 201


def test_negative_add_reduces_and_the_line_goes_at_zero(client, user):
    client.add(user, "a", 2)
    client.add(user, "b", 1)
    assert client.add(user, "a", -0.5).rs["quantite"] == 1.5
    assert client.add(user, "a", -7).rs["quantite"] == 0
    assert client.quantities(user) == {"b": 1}


def test_negative_add_of_an_absent_line_changes_nothing(client, user):
    version = client.add(user, "a", 1).rs["version"]
    answer = client.add(user, "b", -1)
    assert (answer.status, answer.rs["quantite"], answer.rs["version"]) == (201, 0, version)
    assert client.quantities(user) == {"a": 1}


@pytest.mark.parametrize("text, value", [
    ("2", 2), ("2.0", 2), ("2.50", 2.5), ('"2"', 2), ('"1.250"', 1.25), ("0.001", 0.001), ("2e0", 2), ("1.5E0", 1.5),
    ("1000000", 1000000), ("999999.999", 999999.999)])
def test_quantities_that_are_taken(client, user, text, value):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", f'{{"article_id":"a","quantite":{text}}}')
    assert (answer.status, answer.rs["quantite"]) == (201, value)


@pytest.mark.parametrize("text", [
    "0", "-0", "0.0001", "0.30000000000000004", "1000000.001", "1e400", "1e7", '""', '" 5"', '"5 "', '"1e3"', '"+1"', '".5"',
    '"5."', '"0x10"', '"NaN"', '"un"', "null", "true", "[1]", "{}"])
def test_quantities_that_are_refused(client, user, text):
    client.add(user, "a", 1)
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", f'{{"article_id":"a","quantite":{text}}}')
    assert_error(answer, 422, field="quantite")
    assert client.quantities(user) == {"a": 1}


def test_a_sum_past_the_limit_is_refused(client, user):
    client.add(user, "a", 1_000_000)
    assert_error(client.add(user, "a", 1), 422)
    assert client.quantities(user) == {"a": 1_000_000}


def test_a_thousand_small_adds_do_not_drift(client, user):
    for _ in range(10):
        client.add(user, "a", 0.1)
    answer = client.get(user)
    assert answer.rs["articles"][0]["quantite_utilisateur"] == 1
    assert "0.9999" not in answer.text and "1.0000" not in answer.text


def test_article_ids_may_be_integers(client, user):
    answer = client.add(user, 12, 1)
    assert (answer.status, answer.rs["mariadb"]) == (201, "12")
    assert client.add(user, "12", 1).rs["quantite"] == 2


@pytest.mark.parametrize("article", ["", "a b", "é", "a/b", "x" * 65, 1.5, None, True, [], {}])
def test_article_ids_that_are_refused(client, user, article):
    assert_error(client.add(user, article, 1), 422, field="article_id")


def test_article_id_is_needed(client, user):
    for route in ("add_to_cart", "edit_cart", "remove_from_cart"):
        assert_error(client.request("PATCH", f"/paniers/{route}/{user}", {}), 422, field="article_id")


def test_more_lines_than_allowed(client, user):
    for n in range(5):
        assert client.add(user, f"a{n}", 1).status == 201
    assert_error(client.add(user, "a5", 1), 422)
    assert client.add(user, "a4", 1).rs["quantite"] == 2
    assert client.get(user).rs["nombre_articles"] == 5


# --- edit, remove, empty ---

def test_edit_sets_and_zero_removes(client, user):
    client.add(user, "a", 5)
    assert client.edit(user, "a", 2).rs["quantite"] == 2
    assert client.edit(user, "b", 0.5).rs["quantite"] == 0.5
    assert client.edit(user, "a", 0).rs["quantite"] == 0
    assert client.quantities(user) == {"b": 0.5}
    assert client.edit(user, "b").rs["quantite"] == 1


def test_edit_creates_like_add(client, user):
    assert_error(client.edit(user, "a", 0), 404, "cart_not_found")
    assert client.edit(user, "a", 3).status == 201
    assert client.quantities(user) == {"a": 3}


def test_negative_edit_is_refused(client, user):
    client.add(user, "a", 1)
    assert_error(client.edit(user, "a", -1), 422, field="quantite")


def test_remove(client, user):
    assert_error(client.remove(user, "a"), 404, "cart_not_found")
    client.add(user, "a", 1)
    client.add(user, "b", 2)
    removed = client.remove(user, "a")
    assert (removed.status, removed.rs["mariadb"], removed.rs["mongo"]) == (201, "a", "a")
    absent = client.remove(user, "a")
    assert (absent.status, absent.rs["version"]) == (201, removed.rs["version"])
    assert client.quantities(user) == {"b": 2}


def test_empty(client, user):
    assert_error(client.empty(user), 404, "cart_not_found")
    client.add(user, "a", 1)
    answer = client.empty(user)
    assert (answer.status, answer.json["message"]) == (200, "Panier vidé avec succès")
    version = client.get(user).rs["version"]
    assert client.empty(user).status == 200
    cart = client.get(user).rs
    assert (cart["version"], cart["articles"], cart["nombre_articles"]) == (version, [], 0)


# --- conditions and keys ---

def test_if_match_on_every_write(client, user):
    client.add(user, "a", 5)

    def etag():
        return client.get(user).headers["etag"]

    stale = etag()
    assert client.add(user, "a", 1, if_match=stale).status == 201
    for write in (lambda tag: client.add(user, "a", 1, if_match=tag), lambda tag: client.edit(user, "a", 3, if_match=tag),
                  lambda tag: client.remove(user, "a", if_match=tag), lambda tag: client.empty(user, if_match=tag),
                  lambda tag: client.delete(user, if_match=tag)):
        assert_error(write(stale), 412, "precondition_failed")
    assert client.edit(user, "a", 3, if_match=f"W/{etag()}").status == 201
    assert client.edit(user, "a", 4, if_match=f'"1", {etag()}').status == 201
    assert client.edit(user, "a", 5, if_match="*").status == 201
    assert client.empty(user, if_match=etag()).status == 200
    assert client.empty(user, if_match=stale).status == 200  # already empty: a proxy may repeat a DELETE
    assert client.delete(user, if_match=etag()).status == 200
    assert_error(client.add(user, "a", 1, if_match="*"), 412, "precondition_failed")


@pytest.mark.parametrize("value", ["1", '"', '"1" "2"', "", "W/", "*, \"1\""])
def test_if_match_that_cannot_be_parsed(client, user, value):
    client.add(user, "a", 1)
    assert_error(client.add(user, "a", 1, if_match=value), 400, "invalid_if_match")


def test_idempotency_key_gives_the_first_answer_again(client, user):
    first = client.add(user, "a", 2, idempotency_key="k1")
    again = client.add(user, "a", 2, idempotency_key="k1")
    assert (again.status, again.rs) == (first.status, first.rs)
    assert client.quantities(user) == {"a": 2}
    assert client.add(user, "a", 2, idempotency_key="k2").rs["quantite"] == 4
    assert_error(client.add(user, "a", 3, idempotency_key="k1"), 422, "idempotency_key_reused")
    assert_error(client.remove(user, "a", idempotency_key="k1"), 422, "idempotency_key_reused")


def test_idempotency_key_of_a_refusal_is_free_again(client, user):
    assert client.remove(user, "a", idempotency_key="k").status == 404
    client.add(user, "a", 1)
    assert client.remove(user, "a", idempotency_key="k").status == 201


def test_idempotency_keys_are_per_user(client, user):
    assert client.add(user, "a", 1, idempotency_key="shared").status == 201
    assert client.add(user + "-2", "a", 1, idempotency_key="shared").rs["quantite"] == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "é"])
def test_idempotency_keys_that_are_refused(client, user, key):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", {"article_id": "a"},
                            {"Idempotency-Key": key.encode("utf-8").decode("latin-1")})
    assert_error(answer, 400, "invalid_idempotency_key")


# --- what is wrong with a request ---

@pytest.mark.parametrize("body", ["", "{", "[]", '"a"', "3", "null", '{"article_id":"a"', '{"article_id":"a"} x', "{'a':1}",
                                  '{"article_id":"a","quantite":01}', "\xff"])
def test_bodies_that_are_not_a_json_object(client, user, body):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", body.encode("latin-1"))
    assert_error(answer, 400, "malformed_json")


def test_duplicate_keys_are_refused(client, user):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", '{"article_id":"a","quantite":1,"quantite":2}')
    assert_error(answer, 400, "duplicate_json_key")


@pytest.mark.parametrize("bad", ["a%20b", "a%2Fb", "%C3%A9", "x" * 65, "a%00b", "health", "openapi.yaml", "add_to_cart"])
def test_user_ids_that_are_refused(client, bad):
    assert_error(client.create(bad), 422, field="user_id")
    assert_error(client.add(bad, "a", 1), 422, field="user_id")


@pytest.mark.parametrize("good", ["x", "A.b_c:d@e-f", "x" * 64, "66f1a2b3c4d5e6f708192a3b", "a%2Eb", "%41nne"])
def test_user_ids_that_are_taken(client, good):
    assert client.create(good).status in (200, 201)


def test_users_are_told_apart_by_case(client, user):
    client.add(user, "a", 1)
    assert client.get(user.upper()).status == 404


@pytest.mark.parametrize("path", ["/", "/paniers", "/paniers/", "/paniers//x", "/paniers/x/", "/paniers/x/y", "/panier/x",
                                  "/paniers/add_to_cart/x/", "/PANIERS/x", "/paniers/./health"])
def test_paths_that_are_not_there(client, path):
    assert_error(client.request("GET", path), 404, "route_not_found")


def test_the_query_is_ignored(client, user):
    client.create(user)
    assert client.request("GET", f"/paniers/{user}?x=1&y=//").status == 200


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/paniers/add_to_cart/u", {"PATCH", "OPTIONS"}),
    ("POST", "/paniers/add_to_cart/u", {"PATCH", "OPTIONS"}),
    ("PATCH", "/paniers/create_cart/u", {"POST", "OPTIONS"}),
    ("POST", "/paniers/vider_panier/u", {"DELETE", "OPTIONS"}),
    ("PUT", "/paniers/delete_cart/u", {"DELETE", "OPTIONS"}),
    ("DELETE", "/paniers/u", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/paniers/health", {"GET", "HEAD", "OPTIONS"})])
def test_405_says_what_is_allowed(client, method, path, allowed):
    answer = client.request(method, path)
    assert_error(answer, 405, "method_not_allowed")
    assert {part.strip() for part in answer.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize("content_type, status", [
    ("application/json", 201), ("application/json; charset=utf-8", 201), ("Application/JSON;charset=UTF-8", 201),
    ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/json; charset=latin1", 415)])
def test_content_types(client, user, content_type, status):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", {"article_id": "a"}, {"Content-Type": content_type})
    assert answer.status == status
    if status != 201:
        assert_error(answer, 415, "unsupported_media_type")


def test_a_body_over_the_limit(client, user):
    answer = client.request("PATCH", f"/paniers/add_to_cart/{user}", '{"article_id":"a"' + " " * 70_000 + "}")
    assert_error(answer, 413, "body_too_large")


# --- what is not a cart ---

def test_head_is_get_without_a_body(client, user):
    client.add(user, "a", 1)
    head = client.request("HEAD", f"/paniers/{user}")
    full = client.get(user)
    assert (head.status, head.text) == (200, "")
    assert head.headers["etag"] == full.headers["etag"]
    assert client.request("HEAD", "/paniers/nobody-here").status == 404


def test_options_and_cors(client, user):
    path = f"/paniers/add_to_cart/{user}"
    assert client.request("OPTIONS", path).status == 204
    preflight = client.request("OPTIONS", path, headers={"Origin": "https://shop.example",
                                                         "Access-Control-Request-Method": "PATCH"})
    assert preflight.status in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    stranger = client.request("GET", f"/paniers/{user}", headers={"Origin": "https://else.example"})
    assert "access-control-allow-origin" not in stranger.headers


def test_health_names_both_stores(client, module_shop):
    answer = client.health()
    assert (answer.status, answer.json["status"]) == (200, "ok")
    expected = {"embedded": {"sqlite_ledger", "sqlite_mirror"}, "servers": {"mariadb", "mongodb"}}[module_shop.mode]
    assert set(answer.json["stores"]) == expected
    assert answer.seconds < 0.1


def test_the_contract_is_served(client, source_dir):
    answer = client.request("GET", "/paniers/openapi.yaml")
    assert answer.status == 200
    assert answer.text == (source_dir / "contract/openapi.yaml").read_text()


def test_ops_listener(panier, client):
    client.create("ops")
    ops = panier.ops()
    assert ops.request("GET", "/livez").status == 200
    assert ops.request("GET", "/readyz").status == 200
    metrics = ops.request("GET", "/metrics")
    assert metrics.status == 200
    assert re.search(r"^panier_\w+\{[^}]*\} [1-9]", metrics.text, re.MULTILINE)
    assert client.request("GET", "/metrics").status == 404  # not for the shop


def test_the_policy_is_switched_while_running(panier, client, user):
    ops = panier.ops()
    assert ops.request("GET", "/policy").json["policy"] == "strict"
    try:
        assert ops.request("PUT", "/policy", {"policy": "available"}).status == 200
        assert ops.request("GET", "/policy").json["policy"] == "available"
        assert client.add(user, "a", 1).status == 201
        assert ops.request("PUT", "/policy", {"policy": "perhaps"}).status in (400, 422)
    finally:
        assert ops.request("PUT", "/policy", {"policy": "strict"}).status == 200
    assert client.add(user, "a", 1).rs["quantite"] == 2


def test_the_stores_agree_at_the_end(panier, module_shop):
    module_shop.settle_and_verify(panier)
