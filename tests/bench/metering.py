"""What a server's processes use: a cgroup holds them all, also the ones that have ended."""
import os
import signal
import subprocess
import time
from pathlib import Path

BASES = ('/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup/unified', '/sys/fs/cgroup')


class Group:
    """A named cgroup (v1 cpuacct or v2); needs root."""

    def __init__(self, name):
        base = next((Path(b) for b in BASES if Path(b, 'cgroup.procs').exists()), None)
        if base is None:
            raise SystemExit('no cgroup file system: run the benchmark as root on Linux')
        self.dir = base / f'bench-{name}'
        self.dir.mkdir(exist_ok=True)

    def start(self, command, **options):
        """Runs the command inside the group."""
        procs = str(self.dir / 'cgroup.procs')

        def join():
            with open(procs, 'w') as file:
                file.write(str(os.getpid()))
        return subprocess.Popen(command, preexec_fn=join, **options)

    def pids(self):
        return [int(p) for p in (self.dir / 'cgroup.procs').read_text().split()]

    def cpu(self):
        """CPU seconds, user and system, of every process that was ever in the group."""
        usage = self.dir / 'cpuacct.usage'
        if usage.exists():
            return int(usage.read_text()) / 1e9
        lines = dict(line.split() for line in (self.dir / 'cpu.stat').read_text().splitlines())
        return int(lines['usage_usec']) / 1e6

    def pss_kb(self):
        """Proportional set size of the live processes, KiB."""
        total = 0
        for pid in self.pids():
            try:
                lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()
            except OSError:
                continue
            total += next((int(l.split()[1]) for l in lines if l.startswith('Pss:')), 0)
        return total

    def end(self):
        """TERM, then KILL, exactly the group's processes."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            wait_until(lambda: not self.pids(), 10)


def wait_until(condition, seconds, pause=0.02):
    """True once condition() holds, False when it still does not after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def machine_busy():
    """CPU seconds of the whole machine that were not idle."""
    values = [int(v) for v in Path('/proc/stat').read_text().splitlines()[0].split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf('SC_CLK_TCK')
