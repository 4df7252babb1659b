#!/usr/bin/env python3
"""A start with many deferred messages: tests/bench/deferred.py [COUNT]

Prints how long the first new message takes to be accepted while deferred/ is read, how long that
reading takes, and the memory of qmgr a message.  Everything is on loopback and in build/bench.
"""
import os
import re
import shutil
import smtplib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.lib.fill import fill_queue  # noqa: E402
from tests.lib.instance import Instance  # noqa: E402

BASE = ROOT / 'build/bench'


def memory(instance):
    """Proportional memory of qmgr, in bytes."""
    pid = next(pid for pid, name in instance.workers().items() if name == 'qmgr')
    rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return int(re.search(r'Pss:\s+(\d+) kB', rollup)[1]) * 1024


def accept_one(instance):
    """Seconds until one message has its 250."""
    began = time.monotonic()
    with smtplib.SMTP('127.0.0.1', instance.port('smtp'), timeout=120) as client:
        client.sendmail('a@elsewhere.test', ['user@example.test'], 'Subject: new\r\n\r\nx\r\n')
    return time.monotonic() - began


def waiting(instance):
    """What qmgr knows of, as its status line tells."""
    found = re.search(r'waiting=(\d+)', instance.run('status'))
    return int(found[1]) if found else 0


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    folder = BASE / 'deferred'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Instance(folder=folder, settings='relayhost = [127.0.0.1]:9\n') as instance:
        instance.start()
        accept_one(instance)
        empty = memory(instance)
        instance.stop()
        fill_queue(instance, count)
        subprocess.run(['sync'], check=True)
        if os.geteuid() == 0:
            Path('/proc/sys/vm/drop_caches').write_text('3\n')
        began = time.monotonic()
        instance.start()
        started = time.monotonic() - began
        slowest = accept_one(instance)
        first = time.monotonic() - began
        while waiting(instance) < count and time.monotonic() - began < 600:
            slowest = max(slowest, accept_one(instance))
        read = time.monotonic() - began
        grown = memory(instance) - empty
        print(f'messages={waiting(instance)} start={started:.2f} first_accepted={first:.2f} '
              f'slowest_accept={slowest:.2f} read={read:.1f} bytes_a_message={grown / count:.0f}')
        instance.stop()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
