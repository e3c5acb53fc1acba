"""The platform's nginx in front of panier. `location` is the gateway's own for carts; docs may add lines to it."""
import shutil
import socket
import subprocess

from http_client import Client
from waiting import eventually

# As the platform has it: headers of its own, no proxy_http_version, so HTTP/1.0 and close towards us.
PLATFORM_LOCATION = """
        location /paniers/ {
            proxy_pass http://carts/paniers/;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            add_header Access-Control-Allow-Origin http://localhost:4200 always;
            add_header Access-Control-Allow-Methods "GET, POST, PUT, PATCH, DELETE, OPTIONS" always;
            add_header Access-Control-Allow-Headers "Origin, Content-Type, Accept, Authorization" always;
        }
"""
CONF = """
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
user root;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    upstream carts {{ {servers} {upstream} }}
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


class Nginx:
    """ports: panier's copies."""

    def __init__(self, directory, ports, location=PLATFORM_LOCATION, upstream=""):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        directory.mkdir()
        conf = directory / "nginx.conf"
        conf.write_text(CONF.format(dir=directory, port=self.port, servers=servers, location=location, upstream=upstream))
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([binary, "-p", str(directory), "-c", str(conf), "-e", str(directory / "error.log")])
        eventually(lambda: Client(self.port).health().status == 200, 10.0, "nginx serves")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
