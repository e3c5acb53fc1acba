"""Behind the platform's nginx: HTTP/1.0 and close towards us, headers of its own, repeated DELETEs."""
import pytest

from gateway import Nginx
from http_client import Client
from load import in_parallel


@pytest.fixture
def nginx(shop, tmp_path):
    panier = shop.start({"PANIER_CORS": "off", "CORS_ORIGINS": "*"})
    nginx = Nginx(tmp_path / "nginx", [panier.port])
    nginx.panier = panier
    yield nginx
    nginx.stop()


def test_the_shop_through_the_gateway(nginx):
    client = Client(nginx.port)
    assert client.create("front").status == 201
    assert client.add("front", "a", 2).rs["quantite"] == 2
    assert client.get("front").rs["nombre_articles"] == 1
    answer = client.request("GET", "/paniers/front", headers={"Origin": "http://localhost:4200"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:4200"  # once: http.client joins two by ", "
    assert client.empty("front").status == 200
    assert client.delete("front").json["existait"] is True


def test_many_at_once_through_the_gateway(nginx):
    answers = in_parallel(50, lambda n: Client(nginx.port).add("busy", "a", 1))
    assert [answer.status for answer in answers] == [201] * 50
    assert Client(nginx.port).quantities("busy") == {"a": 50}
