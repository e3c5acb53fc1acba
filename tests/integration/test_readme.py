"""The README's tour, to the letter: each command is run as it stands there, and prints what stands there. Only the port,
ids and versions are the reader's own."""
import re
import subprocess


def tour(readme):
    """The (command, expected output) pairs of the first console block; output "" where the README shows none."""
    block = re.search(r"```console\n(.*?)```", readme, re.S).group(1)
    steps = []
    for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = step.rstrip("\n").split("\n")
        length = 1 + next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        steps.append(("\n".join(lines[:length]), "\n".join(lines[length:]).strip()))
    return steps


def without_own_values(text):
    return re.sub(r'"[0-9a-f]{24}"', '"<id>"', re.sub(r'"version":\d+', '"version":<n>', text))


def test_the_tour(shop, source_dir):
    panier = shop.start()
    steps = tour((source_dir / "README.md").read_text())
    assert len(steps) >= 7
    for command, expected in steps:
        assert "localhost:6004" in command
        ran = subprocess.run(["bash", "-c", command.replace("localhost:6004", f"127.0.0.1:{panier.port}")],
                             capture_output=True, text=True, timeout=20, check=True)
        if expected:
            assert without_own_values(ran.stdout.strip()) == without_own_values(expected), command
        else:
            assert ran.stdout
