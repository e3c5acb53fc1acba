"""README's tour with curl, to the letter; ids and versions are one's own, and must be the same ones throughout."""
import json
import re
import subprocess

TOUR = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).+\n)*)", re.MULTILINE)


def tour_of(readme):
    """[(command, what README shows)]"""
    steps = [step for block in TOUR.findall(readme) for step in COMMAND.findall(block) if "curl" in step[0]]
    assert steps, "README has no tour"
    return steps


def remember(shown, told, seen):
    """The same id or version in README is the same one in life."""
    if isinstance(shown, dict):
        assert list(shown) == list(told)
        for key, value in shown.items():
            if key in ("id", "version") or (key == "rs" and isinstance(value, str)):
                if re.fullmatch(r"[0-9a-f]{24}", str(value)) or isinstance(value, int):
                    assert seen.setdefault(value, told[key]) == told[key], key
                    continue
            remember(value, told[key], seen)
    elif isinstance(shown, list):
        assert len(shown) == len(told)
        for one, other in zip(shown, told):
            remember(one, other, seen)
    else:
        assert shown == told


def test_the_tour(shop, source_dir):
    panier = shop.start()
    seen = {}
    for command, shown in tour_of((source_dir / "README.md").read_text()):
        here = re.sub(r"(localhost|127\.0\.0\.1):6004", f"127.0.0.1:{panier.port}", command)
        assert here != command, f"not to this service: {command}"
        told = subprocess.run(["bash", "-c", here], stdout=subprocess.PIPE, text=True, timeout=20, check=True).stdout
        if shown:
            remember(json.loads(shown), json.loads(told), seen)
        else:
            assert json.loads(told)["error"] is False
    assert seen
    shop.settle_and_verify(panier)
