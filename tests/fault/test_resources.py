"""Full disk, dead DNS, no descriptors: refusals and deferrals, no loss, no crash loop."""
import asyncio
import re
import resource
import smtplib
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.fault.ledger import in_mailboxes, judge
from tests.fault.traffic import Clients
from tests.lib.instance import Instance
from tests.lib.waiting import wait_until

USERS = {f'user{i}@example.test': 'secret' for i in range(5)}
QUICK = 'minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n'


def crashes(instance):
    """Lines of master about workers that ended by a signal or with an error."""
    return [l for l in instance.log().splitlines() if re.search(r'killed by signal|exit status [1-9]', l)]


class SmallDisk:
    """A file system of so many MiB on a loop device."""

    def __init__(self, size):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-disk-'))
        self.dir.chmod(0o755)
        self.image = self.dir / 'image'
        self.mount = self.dir / 'mount'
        self.mount.mkdir()
        with open(self.image, 'wb') as file:
            file.truncate(size << 20)
        subprocess.run(['mkfs.ext4', '-q', '-m', '0', str(self.image)], check=True)
        subprocess.run(['mount', '-o', 'loop', str(self.image), str(self.mount)], check=True)

    def fill(self):
        """Until not a byte more fits."""
        with open(self.mount / 'ballast', 'ab', buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b'x' * size)
                except OSError:
                    pass

    def free(self):
        (self.mount / 'ballast').unlink()

    def close(self):
        subprocess.run(['umount', '-l', str(self.mount)], check=True)
        self.image.unlink()
        self.mount.rmdir()
        self.dir.rmdir()


class FullDiskTest(unittest.TestCase):
    def test_a_full_disk_refuses_for_now_and_loses_nothing(self):
        disk = SmallDisk(300)
        self.addCleanup(disk.close)
        folder = disk.mount / 'instance'
        folder.mkdir()
        with Instance(USERS, settings=QUICK + 'queue_minfree = 0\n', folder=folder) as instance:
            instance.start()
            clients = Clients(instance.port('smtp'), list(USERS), 3000, count=20, size=20000)

            async def flow():
                loop = asyncio.get_running_loop()
                running = asyncio.ensure_future(clients.run(120))
                while len(clients.accepted) < 500 and not running.done():
                    await asyncio.sleep(0.01)
                await loop.run_in_executor(None, disk.fill)
                await wait_for_refusals(clients)
                await loop.run_in_executor(None, disk.free)
                return await running
            self.assertTrue(asyncio.run(flow()), f'only {len(clients.accepted)} accepted')
            self.assertTrue(all(r.startswith(('4', '421')) for r in clients.refusals), clients.refusals)
            wait_until(lambda: not instance.queue(), 120, 'empty queue')
            self.assertEqual(crashes(instance), [])
            instance.stop()
            judge(self, clients.accepted, clients.attempted, in_mailboxes(instance, USERS))

    def test_the_suite_starts_on_a_full_disk_and_delivers_once_there_is_room(self):
        disk = SmallDisk(300)
        self.addCleanup(disk.close)
        folder = disk.mount / 'instance'
        folder.mkdir()
        settings = QUICK + 'queue_minfree = 0\ndefer_transports = virtual\n'
        with Instance(USERS, settings=settings, folder=folder) as instance:
            instance.start()
            clients = Clients(instance.port('smtp'), list(USERS), 50, count=5)
            self.assertTrue(asyncio.run(clients.run(60)))
            instance.stop()
            instance.add_settings('defer_transports =\n')
            disk.fill()
            instance.start()
            with smtplib.SMTP('127.0.0.1', instance.port('smtp')) as smtp:
                smtp.ehlo()
                codes = [smtp.mail('sender@client.test')[0]]
                if codes[-1] == 250:
                    codes.append(smtp.rcpt('user0@example.test')[0])
                if codes[-1] == 250:
                    codes.append(smtp.data(b'Subject: x\r\n\r\nx\r\n')[0])
                # The journal has its space since it was made: what fits into it may be taken.
                self.assertIn(codes[-1] // 100, (2, 4), codes)
            disk.free()
            instance.run('queue', 'flush')
            wait_until(lambda: not instance.queue(), 60, 'empty queue')
            self.assertEqual(crashes(instance), [])
            instance.stop()
            arrived = in_mailboxes(instance, USERS)
            extra = [key for key in arrived if key.startswith('not ours')]
            self.assertEqual(sum(arrived.pop(key) for key in extra), int(codes[-1] == 250))
            judge(self, clients.accepted, clients.attempted, arrived)


async def wait_for_refusals(clients):
    """Until every client has been told no since the disk is full; bounded."""
    before = sum(clients.refusals.values())
    for _ in range(1000):
        if sum(clients.refusals.values()) - before > 3 * clients.count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError('a full disk, and nobody was refused')


class DeadDnsTest(unittest.TestCase):
    def test_without_dns_mail_waits(self):
        """A name server that never answers: relay mail is deferred, local mail flows."""
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(('127.0.0.1', 0))
        self.addCleanup(silent.close)
        settings = QUICK + (f'dns_servers = 127.0.0.1:{silent.getsockname()[1]}\n'
                            'dns_timeout = 1s\ndns_attempts = 1\n')
        with Instance(USERS, settings=settings) as instance:
            instance.start()
            far = [f'far{i}@elsewhere.test' for i in range(5)]
            clients = Clients(instance.port('smtp'), list(USERS) + far, 200, count=10)
            self.assertTrue(asyncio.run(clients.run(60)), clients.refusals)
            remote = {a for a, r in clients.accepted.items() if r in far}
            wait_until(lambda: len(instance.queue()) == len(remote), 60, 'only relay mail waits')
            wait_until(lambda: len(set(re.findall(r'(\w+): to=<far\d@elsewhere.test>.*status=deferred',
                                                  instance.log()))) == len(remote),
                       60, 'every relay message was deferred')
            self.assertEqual(crashes(instance), [])
            instance.stop()
            local = {a: r for a, r in clients.accepted.items() if a not in remote}
            judge(self, local, clients.attempted, in_mailboxes(instance, USERS))


class DescriptorTest(unittest.TestCase):
    def test_descriptors_exhausted(self):
        """128 descriptors a process, 400 clients: some wait or are told 421, nothing is lost."""
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
        with Instance(USERS, settings=QUICK + 'smtpd_client_connection_count_limit = 0\n') as instance:
            instance.run('start', preexec_fn=few)
            wait_until(lambda: instance.greets('smtp'), what='SMTP greeting')
            clients = Clients(instance.port('smtp'), list(USERS), 2000, count=400)
            self.assertTrue(asyncio.run(clients.run(120)), f'only {len(clients.accepted)} accepted')
            self.assertTrue(all(r.startswith('4') for r in clients.refusals), clients.refusals)
            wait_until(lambda: not instance.queue(), 60, 'empty queue')
            self.assertEqual(crashes(instance), [])
            instance.stop()
            judge(self, clients.accepted, clients.attempted, in_mailboxes(instance, USERS))


if __name__ == '__main__':
    unittest.main()
