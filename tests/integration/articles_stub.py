"""An articles service that does what a test wants, and counts: what was asked, how often, how many at once."""
import asyncio
import json
import threading
import time
from collections import Counter, defaultdict

HOLD_MAX_S = 30.0  # nothing is held back for longer, whatever a test forgets


def article(name="n", prix=1, stock=1000, **more):
    return {"id": "66f1a2b3c4d5e6f708192a3b", "id_maria": 7, "name": name, "prix": prix, "image": "i.jpg",
            "reduction": 0, "description": "d", "stock": stock, "id_magasin": "m", **more}


def answer(status, body, headers=""):
    body = body if isinstance(body, bytes) else body.encode()
    return (f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: application/json\r\n{headers}\r\n").encode() + body


def found(rs):
    """`rs` as a value, or as JSON text to the letter."""
    text = rs if isinstance(rs, str) else json.dumps(rs)
    return answer(200, '{"error": false, "rs": ' + text + "}")


SILENCE = object()  # the connection stays open, and nothing comes


class ArticlesStub:
    """GET /articles/{id}. `articles`: id -> article() or raw bytes or SILENCE or an async function of the writer."""

    def __init__(self, articles=None):
        self.articles = dict(articles or {})
        self.everything = None  # what ids answer that are not among the articles; None: 404
        self.healthy = True
        self.asked = Counter()
        self.asked_at = defaultdict(list)  # time.monotonic() of each question
        self.most_at_once = 0
        self.port = 0
        self._at_once = 0
        self._wanted_at_once = 0
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self._connections = set()
        self._server = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    # --- for tests, from their own thread ---
    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/articles/"

    def start(self):
        """Listens, on the same port again after a stop()."""
        self._call(self._start())

    def stop(self):
        """Nobody listens any more, and the connections are cut."""
        self._call(self._stop())

    def end(self):
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def hold_until(self, requests):
        """From now on answers come only once so many requests are open at the same time; 0: at once."""
        self._call(self._hold(requests))

    def open(self):
        return self._at_once

    def total(self):
        return sum(self.asked.values())

    def forget(self):
        self.asked.clear()
        self.asked_at.clear()
        self.most_at_once = 0

    # --- its own thread ---
    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self):
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._server = None

    async def _hold(self, requests):
        async with self._changed:
            self._wanted_at_once = requests
            self._changed.notify_all()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.split(b" ")[1].decode(), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, path, writer):
        name = path.removeprefix("/articles/")
        if name == "health":
            writer.write(answer(200 if self.healthy else 503, "{}"))
            return
        self.asked[name] += 1
        self.asked_at[name].append(time.monotonic())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            async with self._changed:
                self._changed.notify_all()
                enough = self._changed.wait_for(lambda: self._at_once >= self._wanted_at_once
                                                or self.most_at_once >= self._wanted_at_once)
                await asyncio.wait_for(enough, HOLD_MAX_S)
            await self._tell(self.articles.get(name, self.everything), writer)
        finally:
            self._at_once -= 1

    async def _tell(self, told, writer):
        if told is None:
            writer.write(answer(404, '{"error": true, "message": "Article introuvable"}'))
        elif told is SILENCE:
            await asyncio.sleep(HOLD_MAX_S)
        elif isinstance(told, bytes):
            writer.write(told)
        elif callable(told):
            await told(writer)
        else:
            writer.write(found(told))
