"""The contract against the running binary: no undocumented status, no 5xx, no answer that its schema does not allow."""
import os
import subprocess

EXAMPLES = int(os.environ.get("PANIER_SCHEMATHESIS_EXAMPLES", "150"))
SEED = os.environ.get("PANIER_SCHEMATHESIS_SEED", "20261125")


def test_the_binary_keeps_the_contract(shop, source_dir, tmp_path):
    tool = source_dir / "build/venv/bin/schemathesis"
    assert tool.exists(), "scripts/setup test installs it"
    panier = shop.start()
    result = subprocess.run(
        [tool, "--no-color", "run", source_dir / "contract/openapi.yaml", "--url", f"http://127.0.0.1:{panier.port}",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
         "response_schema_conformance,negative_data_rejection,positive_data_acceptance,missing_required_header,unsupported_method",
         "--max-examples", str(EXAMPLES), "--seed", SEED, "--workers", "1", "--continue-on-failure"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540, check=False)
    assert result.returncode == 0, f"seed {SEED}\n{result.stdout[-12000:]}"
    assert panier.client().health().status == 200
    shop.settle_and_verify(panier)
