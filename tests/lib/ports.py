"""Free TCP and UDP ports on loopback, reserved against other test processes by lock files."""
import fcntl
import os
import random
import socket

# Not under TMPDIR: suites that run beside each other share the ports, whatever folder each uses.
_FOLDER = f'/tmp/facteur-test-ports.{os.getuid()}'
_held = []  # keeps the lock files open for the life of this process


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                return False
    return True


def _reserve(port):
    """The lock file of a free port; None when another test has it or somebody listens there."""
    lock = open(os.path.join(_FOLDER, str(port)), 'w')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    if not _is_free(port):
        lock.close()
        return None
    return lock


def free_base(offsets=(0,)):
    """A base so that base + each offset is free; what different callers get never collides."""
    os.makedirs(_FOLDER, exist_ok=True)
    for _ in range(500):
        base = random.randrange(10000, 32700 - max(offsets))
        locks = []
        for offset in offsets:
            lock = _reserve(base + offset)
            if lock is None:
                break
            locks.append(lock)
        if len(locks) == len(offsets):
            _held.extend(locks)
            return base
        for lock in locks:
            lock.close()
    raise RuntimeError('no free ports')


def free_port():
    """One port that nobody listens on now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        if _is_free(port):
            return port


def accepts(port, host='127.0.0.1'):
    """Somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
