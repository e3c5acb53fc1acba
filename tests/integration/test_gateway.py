"""Behind the platform's nginx: HTTP/1.0 and close towards us, headers of its own, repeated DELETEs."""
import shutil
import socket
import subprocess

import pytest

from http_client import Client
from load import in_parallel
from waiting import eventually

CONF = """
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    upstream carts {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location /paniers/ {{
            proxy_pass http://carts/paniers/;
            proxy_set_header Host $host;
            add_header Access-Control-Allow-Origin http://localhost:4200 always;
            add_header Access-Control-Allow-Methods "GET, POST, PUT, PATCH, DELETE, OPTIONS" always;
        }}
    }}
}}
"""


class Nginx:
    def __init__(self, directory, ports):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        directory.mkdir()
        conf = directory / "nginx.conf"
        conf.write_text(CONF.format(dir=directory, port=self.port, servers=servers, user="user root;"))
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([binary, "-p", str(directory), "-c", str(conf), "-e", str(directory / "error.log")])
        eventually(lambda: Client(self.port).health().status == 200, 10.0, "nginx serves")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


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
