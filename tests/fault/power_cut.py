"""A disk under an instance that can be cut from power at any moment of its past."""
import random
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.lib.instance import ROOT
from tests.lib.waiting import wait_until

FLUSH = 0xFFFFFFFFFFFFFFFF
SECTOR = 512
HEADER = struct.Struct('<QI')


def build_disk_program():
    program = ROOT / 'build/fault/block_log'
    source = Path(__file__).parent / 'block_log.cc'
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'fuse3'], check=True,
                               capture_output=True, text=True).stdout.split()
        subprocess.run(['g++', '-std=c++23', '-O2', '-o', str(program), str(source), *flags],
                       check=True)
    return str(program)


class LoggedDisk:
    """ext4 on a loop device on a file whose every write and flush is logged."""

    def __init__(self, size_mb):
        self.size = size_mb << 20
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-cut-'))
        self.dir.chmod(0o755)
        self.log, self.fuse, self.mount = self.dir / 'log', self.dir / 'fuse', self.dir / 'mount'
        self.fuse.mkdir()
        self.mount.mkdir()
        self.process = subprocess.Popen([build_disk_program(), str(self.log), str(self.size),
                                         str(self.fuse)])
        wait_until(lambda: (self.fuse / 'disk').exists(), what='the logging disk')
        subprocess.run(['mkfs.ext4', '-q', '-F', '-m', '0', str(self.fuse / 'disk')], check=True)
        subprocess.run(['mount', '-o', 'loop', str(self.fuse / 'disk'), str(self.mount)], check=True)

    def position(self):
        """Entries of the log up to now."""
        return int((self.fuse / 'position').read_bytes())

    def close(self):
        subprocess.run(['umount', str(self.mount)], check=True)
        subprocess.run(['umount', str(self.fuse)], check=True)
        self.process.wait(timeout=30)


class Past:
    """The states of a LoggedDisk after a cut, made in the order of time from its log."""

    def __init__(self, disk, seed):
        self.file = open(disk.log, 'rb')
        self.image = disk.dir / 'image'
        self.cut_image = disk.dir / 'cut'
        self.mount = disk.mount
        self.random = random.Random(seed)
        self.flushed = 0     # entries that are in self.image
        self.waiting = []    # (offset, data) since the last flush
        self.taken = 0       # entries read
        with open(self.image, 'wb') as file:
            file.truncate(disk.size)

    def advance(self, position):
        with open(self.image, 'r+b', buffering=0) as image:
            while self.taken < position:
                offset, length = HEADER.unpack(self.file.read(HEADER.size))
                data = self.file.read(length)
                self.taken += 1
                if offset != FLUSH:
                    self.waiting.append((offset, data))
                    continue
                for where, what in self.waiting:
                    image.seek(where)
                    image.write(what)
                self.waiting = []

    def cut(self, position):
        """Mounts what a cut after so many entries left: all that was flushed, and of the rest any
        sectors, as chance wants it."""
        self.advance(position)
        subprocess.run(['cp', '--sparse=always', str(self.image), str(self.cut_image)], check=True)
        share = self.random.choice([0, 0.3, 0.7, 1])
        with open(self.cut_image, 'r+b', buffering=0) as image:
            for offset, data in self.waiting:
                for at in range(0, len(data), SECTOR):
                    if self.random.random() < share:
                        image.seek(offset + at)
                        image.write(data[at:at + SECTOR])
        subprocess.run(['mount', '-o', 'loop', str(self.cut_image), str(self.mount)], check=True)

    def unmount(self):
        subprocess.run(['umount', str(self.mount)], check=True)
