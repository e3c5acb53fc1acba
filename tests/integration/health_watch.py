"""Health, asked without a pause while something else goes on: what it said, and how late it was at worst."""
import threading
import time

PAUSE_S = 0.01


class HealthWatch:
    """with HealthWatch(panier) as watch: ..; then watch.slowest_s and watch.answers (each as it first appeared)."""

    def __init__(self, panier):
        self._panier = panier
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.slowest_s = 0.0
        self.answers = []  # JSON bodies; one for each change of status
        self.error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        assert self.error is None, f"health did not answer: {self.error!r}"

    def _ask(self):
        client = self._panier.client()
        try:
            while not self._stop.is_set():
                answer = client.health()
                self.slowest_s = max(self.slowest_s, answer.seconds)
                if not self.answers or self.answers[-1]["status"] != answer.json["status"]:
                    self.answers.append(answer.json)
                time.sleep(PAUSE_S)
        except Exception as error:  # told when the watch ends
            self.error = error
        finally:
            client.close()
