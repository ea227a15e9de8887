"""What Linux says of this process and the machine: through psutil where it is installed, else from /proc."""

import os

try:
    import psutil
except ImportError:  # riscv64 has no wheel of it
    psutil = None

_THERMAL = "/sys/class/thermal/thermal_zone0/temp"


class Process:
    """`read` it: `rss_bytes`, `cpu_ms` (of all its threads, since it started), `available_bytes` of the machine's
    memory, `milli_celsius` of its processor; -1 where nobody knows."""

    def __init__(self, uses_psutil: bool = True) -> None:
        self.rss_bytes = self.cpu_ms = 0
        self.available_bytes = self.milli_celsius = -1
        self._process = psutil.Process() if psutil is not None and uses_psutil else None

    def read(self) -> "Process":
        """Ask now."""
        if self._process is not None:
            with self._process.oneshot():
                self.rss_bytes = self._process.memory_info().rss
                times = self._process.cpu_times()
            self.cpu_ms = int((times.user + times.system) * 1000)
            self.available_bytes = psutil.virtual_memory().available
        else:
            self.rss_bytes = int(_read("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
            times = os.times()
            self.cpu_ms = int((times.user + times.system) * 1000)
            self.available_bytes = _available(_read("/proc/meminfo"))
        text = _read(_THERMAL).strip()
        self.milli_celsius = int(text) if text.lstrip("-").isdecimal() else -1
        return self


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _available(text: str) -> int:
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return -1
