"""A library loaded before all others (LD_PRELOAD), which makes the system fail where a test says so."""
import os
import subprocess

import pytest

preloading = pytest.mark.skipif(bool(os.environ.get("PANIER_SANITIZED")), reason="a sanitizer must be loaded first")


def library(directory, source):
    """C++ text, built; the path for LD_PRELOAD."""
    (directory / "preload.cpp").write_text(source)
    built = directory / "preload.so"
    subprocess.run(["c++", "-shared", "-fPIC", "-o", built, directory / "preload.cpp", "-ldl"], check=True)
    return built
