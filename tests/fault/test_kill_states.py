"""Processes killed in each state that a message on its way out can be in."""
import asyncio
import json
import os
import random
import re
import socket
import subprocess
import threading
import time
import unittest
from collections import Counter

from tests.fault.traffic import Clients
from tests.lib.case import TestCase
from tests.lib.fill import fill_queue
from tests.lib.instance import PROGRAM
from tests.lib.internet import Internet, Plan, waiting_recipients
from tests.lib.sink import Drop, Sink
from tests.lib.waiting import wait_until

FILES = int(os.environ.get('FACTEUR_KILL_FILES', '3000'))
MESSAGES = 200
KILLS = 5
QUICK = """
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_client_connection_count_limit = 0
"""


class Gate(Sink):
    """Stops once while a message comes ('middle'), or when it is there ('dot'), until it may go
    on."""

    def __init__(self, stage):
        super().__init__()
        # Little of what is sent fits between the two.
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.stage = stage
        self.reached, self.go = threading.Event(), threading.Event()

    def wait_at(self, stage):
        if self.stage == stage:
            self.stage = None
            self.reached.set()
            self.go.wait(60)

    def data(self, session, number, sender, recipients):
        self.say(session, '354 go ahead')
        lines = []
        for line in session.rfile:
            if line == b'.\r\n':
                break
            lines.append(line)
            self.wait_at('middle')
        else:
            raise Drop
        self.messages.append((recipients, b''.join(lines)))
        self.wait_at('dot')
        self.say(session, '250 2.0.0 Ok')


class OnTheWay(TestCase):
    """One message, and who is killed while it is at a certain place."""

    def killed_at(self, stage, victims, size, most):
        sink = self.own(Gate(stage))
        instance = self.own_instance(settings=QUICK + f'relayhost = [127.0.0.1]:{sink.port}\n')
        content = 'Subject: x\r\n\r\n' + ('y' * 70 + '\r\n') * (size // 72)
        instance.send('a@client.test', ['b@elsewhere.test'], content)
        self.assertTrue(sink.reached.wait(30))
        if victims == ['everybody']:
            instance.kill_all()
            instance.start()
        else:
            for victim in victims:
                self.assertEqual(instance.kill(victim) > 0, True)
        sink.go.set()
        instance.wait_queue(0, 60)
        instance.stop()
        self.assertGreaterEqual(len(sink.messages), 1)
        self.assertLessEqual(len(sink.messages), most)
        for recipients, came in sink.messages:
            self.assertEqual(recipients, ['b@elsewhere.test'])
            self.assertTrue(came.endswith(content.encode()[-1900:]))

    def killed(self, stage, size):
        """Only when the connection breaks at the dot may what has arrived be sent again."""
        again = 2 if stage == 'dot' else 1
        for victims, most in ((['qmgr'], 1), (['smtp-client'], again),
                              (['qmgr', 'smtp-client'], again), (['everybody'], again)):
            with self.subTest(stage=stage, victims=victims, size=size):
                self.killed_at(stage, victims, size, most)

    def test_while_a_message_goes_out(self):
        self.killed('middle', 9000000)

    def test_reloads_while_the_peer_thinks_after_the_dot(self):
        """Whoever sends it goes on, and whoever follows knows of it: it goes out once."""
        sink = self.own(Gate('dot'))
        instance = self.own_instance(settings=QUICK + 'master_drain_time_limit = 1s\n'
                                     f'relayhost = [127.0.0.1]:{sink.port}\n')
        instance.send('a@client.test', ['b@elsewhere.test'], 'Subject: x\r\n\r\nonce\r\n')
        self.assertTrue(sink.reached.wait(30))
        for again in range(2, 5):
            workers = instance.workers()
            instance.reload()
            wait_until(lambda: not {pid for pid, name in workers.items() if name == 'qmgr'}
                       & set(instance.workers()), 30, 'another qmgr')
            wait_until(lambda: instance.log().count('(queue active)') >= again, 30,
                       'the message to be taken up')
        time.sleep(1)  # in which nothing is to happen
        self.assertEqual(len(sink.messages), 1)
        sink.go.set()
        instance.wait_queue(0, 60)
        self.assertEqual(len(sink.messages), 1)
        wait_until(lambda: list(instance.workers().values()).count('smtp-client') <= 3, 30,
                   'the old processes to end')

    def test_after_the_dot_of_a_small_message(self):
        self.killed('dot', 2000)

    def test_after_the_dot_of_a_large_message(self):
        self.killed('dot', 3000000)


class World(TestCase):
    """Messages to `d0.test`, while qmgr or everybody is killed again and again."""

    def open(self, kind, running=True, settings='', **options):
        plan = Plan(1, 0)
        plan.lines = ['mx d0.test 10 mx.d0.test', 'a mx.d0.test 127.1.0.1',
                      f'host 127.1.0.1 {kind} 0']
        self.world = self.own(Internet(plan, running))
        self.i = self.own(self.world.instance(settings=QUICK + settings, **options))
        self.i.start()
        self.random = random.Random(20261122)

    def post(self, count, sender='s@home.test'):
        messages = [(sender, [f'm{n}@d0.test']) for n in range(count)]
        process = self.world.post(self.i, messages)
        process.communicate(timeout=60)
        return {to for _, all_to in messages for to in all_to}

    def kills(self, count=KILLS, within=0.3):
        """Kills qmgr so often, and every third time everybody, at random moments."""
        for number in range(count):
            time.sleep(self.random.random() * within)
            if number % 3 == 2:
                self.i.kill_all()
                self.i.start()
            else:
                wait_until(lambda: self.i.kill('qmgr'), what='a qmgr to kill')

    def tool(self, *words):
        """A queue tool that may find no qmgr."""
        return subprocess.Popen([PROGRAM, '-c', str(self.i.dir), 'queue', *words],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def all_in_queue(self, expected, message):
        def same():
            try:
                return Counter(to for to, _ in waiting_recipients(self.i)) == Counter(expected)
            except AssertionError:  # qmgr was just killed
                return False
        wait_until(same, 60, message)

    def deliver_all(self, expected, seconds=60):
        """The destination is there now: everything arrives, once."""
        self.world.start()
        def arrived():
            self.tool('flush').wait()
            return expected <= self.world.look()['taken'].keys()
        wait_until(arrived, seconds, 'all messages', pause=0.5)
        wait_until(lambda: not self.i.queue(), seconds, 'an empty queue', pause=0.2)
        taken = self.world.look()['taken']
        self.assertEqual({to: n for to, n in taken.items() if n > 1 or to not in expected}, {})

    def deferred(self, journaled):
        """Messages that wait: in the journal, or in files."""
        limit = '' if journaled else 'qmgr_journal_waiting_limit = 0\n'
        self.open('good', running=False, settings=limit)
        expected = self.post(MESSAGES)
        self.all_in_queue(expected, 'all deferred')
        return expected

    def test_while_bounces_are_written(self):
        self.open('never_rcpt')
        expected = self.post(MESSAGES, 'user@example.test')
        self.kills(within=0.15)

        def told():
            found = Counter()
            for text in self.i.messages('user@example.test'):
                found.update(re.findall(rb'Final-Recipient: rfc822; ?(\S+)', text))
            return found
        wait_until(lambda: len(told()) >= len(expected) and not self.i.queue(), 60, 'all bounces',
                   pause=0.2)
        self.assertEqual(told(), Counter(to.encode() for to in expected))

    def requeued(self, journaled):
        expected = self.deferred(journaled)
        for _ in range(2):
            tool = self.tool('requeue', 'ALL', '--yes')
            self.kills(2, 0.2)
            tool.wait(60)
        self.all_in_queue(expected, 'all there still')
        self.deliver_all(expected)

    def test_while_journaled_messages_are_requeued(self):
        self.requeued(True)

    def test_while_files_are_requeued(self):
        self.requeued(False)

    def test_while_messages_are_held_and_released(self):
        for journaled in (True, False):
            with self.subTest(journaled=journaled):
                expected = self.deferred(journaled)
                for what in ('hold', 'release', 'hold'):
                    tool = self.tool(what, 'ALL', '--yes')
                    self.kills(2, 0.2)
                    tool.wait(60)
                self.all_in_queue(expected, 'all there still')
                def held():
                    self.tool('hold', 'ALL', '--yes').wait(60)
                    places = self.i.run('queue', 'list', '--json', check=False)
                    return places.count('"hold"') == len(expected)
                wait_until(held, 60, 'all on hold')
                self.i.kill_all()
                self.i.start()
                self.assertEqual(self.i.run('queue', 'list', '--json').count('"hold"'),
                                 len(expected))
                self.i.run('queue', 'release', 'ALL', '--yes')
                self.deliver_all(expected)

    def test_while_mail_is_accepted_on_hold(self):
        self.open('good', settings='smtpd_recipient_restrictions = check_recipient_access '
                                   'static:HOLD, permit_mynetworks, reject\n')
        clients = Clients(self.i.base + 25, ['h@d0.test'], 10 ** 6, 20)

        async def send_and_kill():
            sending = asyncio.ensure_future(clients.run(60))
            for _ in range(4 * KILLS):
                await asyncio.sleep(0.05 + self.random.random() * 0.1)
                await asyncio.to_thread(self.i.kill, 'qmgr')
            clients.stopping = True
            clients.total = 0
            await sending
        asyncio.run(send_and_kill())
        self.assertGreater(len(clients.accepted), 100)
        self.i.run('queue', 'flush')
        held = [json.loads(line) for line in
                self.i.run('queue', 'list', '--json').splitlines()]
        self.assertEqual({m['queue_name'] for m in held}, {'hold'})
        self.assertGreaterEqual(len(held), len(clients.accepted))
        self.assertEqual(self.world.look()['taken'], {})

    def test_during_the_scan_at_the_start(self):
        self.open('good', running=False)
        self.i.stop()
        expected = fill_queue(self.i, FILES, 'd0.test')
        accepted = set()
        for number in range(KILLS):
            self.i.start()
            with self.i.smtp() as client:
                client.sendmail('s@home.test', [f'new{number}@d0.test'], 'Subject: new\r\n\r\n')
            accepted.add(f'new{number}@d0.test')
            time.sleep(self.random.random() * 0.3)
            self.i.kill_all()
        self.i.start()
        self.deliver_all(expected | accepted, 60 + FILES / 200)


if __name__ == '__main__':
    unittest.main()
