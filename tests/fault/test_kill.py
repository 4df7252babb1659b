"""5,000 messages from 50 clients, to mailboxes and to a relay, while daemons are killed."""
import asyncio
import random
import time
import unittest
from collections import Counter

from tests.fault.ledger import in_mailboxes, judge
from tests.fault.traffic import Clients, Sink
from tests.lib.instance import Instance

USERS = {f'user{i}@example.test': 'secret' for i in range(20)}
MESSAGES = 5000
DAEMONS = ['smtpd', 'qmgr', 'smtp-client', 'lmtp-local', 'addressd', 'policyd', 'authd']
SETTINGS = '''
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_client_connection_count_limit = 0
relayhost = [127.0.0.1]:{port}
'''


class KillTest(unittest.TestCase):
    def setUp(self):
        self.unheard = []  # (begin, end)
        self.qmgr_killed = float('-inf')

    def flow(self, killer):
        """Runs the traffic with killer(instance, clients) beside it, restarts, and judges."""
        asyncio.run(self.flow_async(killer))

    async def flow_async(self, killer):
        sink = Sink()
        await sink.start()
        loop = asyncio.get_running_loop()
        with Instance(USERS, settings=SETTINGS.format(port=sink.port)) as instance:
            await loop.run_in_executor(None, instance.start)
            recipients = list(USERS) + [f'far{i}@elsewhere.test' for i in range(20)]
            clients = Clients(instance.port('smtp'), recipients, MESSAGES)
            killing = asyncio.ensure_future(killer(instance, clients))
            self.assertTrue(await clients.run(240), f'only {len(clients.accepted)} accepted')
            await killing
            await self.settle(instance, sink, clients)
            await loop.run_in_executor(None, instance.stop)
            local = in_mailboxes(instance, USERS)
            self.assertEqual([a for a, count in local.items() if count > 1], [], 'in mailboxes')
            doubtful = sink.doubtful | self.unrecorded(sink)
            judge(self, clients.accepted, clients.attempted, local + Counter(sink.taken), doubtful)
        await sink.stop()

    def unrecorded(self, sink):
        """What the sink took while nobody lived to record it: the 250 reached an smtp-client that
        was killed before a qmgr knew."""
        return {attempt for attempt, when in sink.taken_at.items()
                if any(begin <= when <= end for begin, end in self.unheard)}

    def note_kill(self, daemon):
        """smtp-client begins no message while no qmgr listens, so what a server took without one
        hearing of it was on its way when qmgr died; until the next qmgr has recorded that 250, it
        is cut off when smtp-client dies too.  smtp-client may open no file, so nothing else can
        remember it."""
        now = time.monotonic()
        if daemon == 'qmgr':
            self.qmgr_killed = now
        elif daemon == 'smtp-client':
            # 0.5 s: from the peer's 250 to its record, on a machine that this test loads.
            if now - self.qmgr_killed < 10:
                self.unheard.append((self.qmgr_killed - 0.5, self.qmgr_killed + 0.5))
            self.unheard.append((now - 0.5, now))

    async def settle(self, instance, sink, clients):
        """Until the queue is empty; bounded."""
        loop = asyncio.get_running_loop()
        for _ in range(600):
            if not await loop.run_in_executor(None, instance.queue):
                return
            await asyncio.sleep(0.2)
        self.fail(f'the queue does not empty: {instance.queue()[:10]}')

    def test_each_daemon_killed_at_random_moments(self):
        chance = random.Random(20261122)

        async def killer(instance, clients):
            loop = asyncio.get_running_loop()
            killed = Counter()
            for step in range(2 * len(DAEMONS)):
                goal = MESSAGES * (step + 1) // (2 * len(DAEMONS) + 2)
                while len(clients.accepted) < goal and not clients.stopping:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(chance.random() * 0.05)
                daemon = DAEMONS[step % len(DAEMONS)]
                killed[daemon] += await loop.run_in_executor(None, instance.kill, daemon)
                self.note_kill(daemon)
            self.assertEqual([d for d in DAEMONS if not killed[d]], [], 'never killed')
        self.flow(killer)

    def test_the_whole_suite_killed(self):
        async def killer(instance, clients):
            loop = asyncio.get_running_loop()
            for step in range(4):
                goal = MESSAGES * (step + 1) // 5
                while len(clients.accepted) < goal and not clients.stopping:
                    await asyncio.sleep(0.005)
                await loop.run_in_executor(None, instance.kill_all)
                self.note_kill('qmgr')
                self.note_kill('smtp-client')
                await loop.run_in_executor(None, instance.start)
        self.flow(killer)


if __name__ == '__main__':
    unittest.main()
