"""Child processes that are ended by their id, with whatever they started."""
import os
import shutil
import signal
import subprocess


def missing(*programs):
    """The programs that are not installed: for skipUnless."""
    path = os.environ['PATH'] + ':/usr/sbin:/sbin'
    return [p for p in programs if not shutil.which(p, path=path)]


def program(name):
    """The path of an installed program, /usr/sbin included."""
    found = shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    if not found:
        raise FileNotFoundError(name)
    return found


class Child:
    """A process in a session of its own, whose output goes to a file."""

    def __init__(self, command, log, **options):
        self.log = log
        with open(log, 'ab') as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True, **options)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def stop(self, seconds=10):
        """Asks its process group to end, then insists."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                break
            try:
                os.killpg(self.process.pid, signum)
            except ProcessLookupError:
                break
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        return self.process.poll()
