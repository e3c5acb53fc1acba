"""The contract against the running binary: no undocumented status, no 5xx, no answer that its schema does not allow.
Embedded with an articles service, on servers without one.
"""
import itertools
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from articles_stub import ArticlesStub, answer, article, found

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("PANIER_SCHEMATHESIS_EXAMPLES", "100"))
# The known ground in one mode, one step beyond it in the other; a failing run prints its seed, to be given then.
SEEDS = {"embedded": 20_261_125, "servers": random.randrange(2**32)}
GIVEN_SEED = os.environ.get("PANIER_SCHEMATHESIS_SEED")
# Not positive_data_acceptance: If-Match and a reused Idempotency-Key are refused by what the cart is, not by a schema.
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method")


@pytest.fixture
def articles():
    """Knows four of five articles that it is asked for, with stock for whatever the contract allows."""
    questions = itertools.count(1)

    async def told(writer):
        writer.write(answer(404, "{}") if next(questions) % 5 == 0 else found(article(stock=1_000_000)))

    stub = ArticlesStub()
    stub.everything = told
    yield stub
    stub.end()


def test_the_binary_keeps_the_contract(shop, articles, source_dir, tmp_path):
    seed = GIVEN_SEED or SEEDS[shop.mode]
    print(f"PANIER_SCHEMATHESIS_SEED={seed}")  # pytest shows it where the test fails
    tool = source_dir / "build/venv/bin/schemathesis"
    assert tool.exists(), "scripts/setup test installs it"
    settings = {} if shop.stores else {"URL_ARTICLE_DOCKER_1": articles.url}
    panier = shop.start(settings)
    result = subprocess.run(
        [tool, "--no-color", "--config-file", HERE / "schemathesis.toml", "run", source_dir / "contract/openapi.yaml",
         "--url", f"http://127.0.0.1:{panier.port}", "--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES),
         "--seed", str(seed), "--workers", "1", "--continue-on-failure"],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280, check=False)
    assert result.returncode == 0, f"seed {seed}\n{result.stdout[-12000:]}"
    assert re.search(r"(\d+) selected / \1 total", result.stdout), result.stdout[:2000]
    assert panier.client().health().json["status"] == "ok"
    shop.settle_and_verify(panier)
