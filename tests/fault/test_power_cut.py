"""A power cut at random moments: only what was flushed survives; nothing accepted is missing."""
import asyncio
import os
import random
import shutil
import unittest

from tests.fault.ledger import NOT_OURS, in_mailboxes
from tests.fault.power_cut import LoggedDisk, Past
from tests.fault.traffic import Clients, Sink
from tests.lib.instance import Instance
from tests.lib.waiting import wait_until

USERS = {f'user{i}@example.test': 'secret' for i in range(10)}
FAR = [f'far{i}@elsewhere.test' for i in range(10)]
CUTS = int(os.environ.get('FACTEUR_POWER_CUTS', '200'))
SEED = 20261122
SETTINGS = '''queue_takeover_delay = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_client_connection_count_limit = 0
queue_minfree = 0
relayhost = [127.0.0.1]:{port}
'''


class PowerCutTest(unittest.TestCase):
    def test_what_was_accepted_survives_a_cut_at_any_moment(self):
        asyncio.run(self.run_test())

    async def run_test(self):
        self.disk = LoggedDisk(384)
        self.sink = Sink()
        await self.sink.start()
        accepted = await self.record()
        self.disk.close()
        last = max(accepted.values())
        first = min(accepted.values())
        chance = random.Random(SEED)
        cuts = sorted(chance.randrange(first, last + 1) for _ in range(CUTS))
        past = Past(self.disk, SEED)
        for position in cuts:
            past.cut(position)
            try:
                must = {a for a, at in accepted.items() if at <= position}
                await asyncio.get_running_loop().run_in_executor(None, self.check, must, position)
            finally:
                past.unmount()
        await self.sink.stop()
        shutil.rmtree(self.disk.dir)

    async def record(self):
        """Traffic on the logged disk; {attempt: position of the log when its 250 had come}."""
        loop = asyncio.get_running_loop()
        folder = self.disk.mount / 'instance'
        folder.mkdir()
        self.relayed = {}  # attempt -> position of the log when the sink took it
        with Instance(USERS, settings=SETTINGS.format(port=self.sink.port), folder=folder) as instance:
            os.sync()  # the configuration has been there for long
            await loop.run_in_executor(None, instance.start)
            clients = Clients(instance.port('smtp'), list(USERS) + FAR, 1500, count=20)
            positions = {}
            clients.on_accept = lambda attempt: positions.update({attempt: self.disk.position()})
            self.sink.on_take = lambda attempt: self.relayed.update({attempt: self.disk.position()})
            self.assertTrue(await clients.run(120), clients.refusals)
            await loop.run_in_executor(None, wait_until, lambda: not instance.queue(), 60)
            await loop.run_in_executor(None, instance.stop)
            self.sink.on_take = lambda attempt: None
            self.base = instance.base
            self.accepted = clients.accepted
        return positions

    def check(self, must, position):
        """Starts on what the cut left; all of `must` is in a mailbox, or went out before or after."""
        folder = self.disk.mount / 'instance'
        (folder / 'mail.log').unlink(missing_ok=True)
        survivor = Survivor(folder, self.base, {'FACTEUR_BOOT_ID': f'after-cut-{position}'})
        before = len(self.sink.taken)
        try:
            survivor.start()
            wait_until(lambda: not survivor.queue(), 60, 'empty queue')
        finally:
            survivor.stop()
        mailboxes = in_mailboxes(survivor, USERS)
        went_out = {a for a, at in self.relayed.items() if at <= position}
        arrived = set(mailboxes) | went_out | set(self.sink.taken[before:])
        missing = sorted((a, self.accepted[a]) for a in must - arrived)
        self.assertEqual(missing, [], f'cut at {position}: {len(missing)} of {len(must)} are lost\n'
                         + survivor.log()[-3000:])
        torn = [what for what in mailboxes if what.startswith(NOT_OURS)]
        self.assertEqual(torn, [], f'cut at {position}: what nobody sent is in mailboxes')
        twice = [a for a, count in mailboxes.items() if count > 1]
        self.assertEqual(twice, [], f'cut at {position}: delivered twice')


class Survivor(Instance):
    """An instance that exists already."""

    def __init__(self, folder, base, env):
        self.dir, self.base, self.kept = folder, base, True
        self.env = dict(os.environ, **env)


if __name__ == '__main__':
    unittest.main()
