"""Where and of what the figures are."""
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


def _output(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False).stdout.strip()


def commit(source):
    """Short, with a + where the sources differ from it."""
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "bench", "schema", cwd=source)
    return _output("git", "rev-parse", "--short=12", "HEAD", cwd=source) + ("+" if changed else "")


def _of_file(path, name):
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


@dataclass(frozen=True)
class ProcessorTime:
    """What all processors have spent since the machine began, in ticks: by itself nothing, its differences are shares."""
    all: int
    idle: int
    stolen: int

    @classmethod
    def now(cls):
        user, nice, system, idle, io_wait, irq, soft_irq, stolen = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
        return cls(user + nice + system + idle + io_wait + irq + soft_irq + stolen, idle + io_wait, stolen)

    def shares_since(self, before):
        """What nobody used, and what the machine below kept back."""
        ticks = max(1, self.all - before.all)
        return {"idle": (self.idle - before.idle) / ticks, "stolen": (self.stolen - before.stolen) / ticks}


def describe(build_dir):
    return {"cpu": _of_file("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(int(_of_file("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
            "kernel": platform.release().partition("-")[0], "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
            "file_system": _output("stat", "-f", "-c", "%T", str(build_dir)),
            "compiler": _output("g++", "-dumpfullversion"),
            "wrk": _output("wrk", "-v").splitlines()[0].split(" [")[0]}
