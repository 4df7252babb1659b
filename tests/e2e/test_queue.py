"""The queue: sendmail(1), the tools, retry, bounces, and qmgr killed in the middle of it all."""
import json
import os
import subprocess
import threading

from tests.lib import ports
from tests.lib.case import TestCase, main
from tests.lib.instance import PROGRAM
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until


class Queue(TestCase):
    """Everything but example.test goes to one scripted server."""

    def setUp(self):
        super().setUp()
        self.sink = self.keep_here(Sink(port=ports.free_port()))
        self.i = self.own_instance(settings=(
            f'relayhost = [127.0.0.1]:{self.sink.port}\nminimal_backoff_time = 1s\n'
            'mynetworks = 127.0.0.0/8\n'))

    def keep_here(self, thing):
        self.addCleanup(lambda: getattr(thing, 'close', thing.server.shutdown)())
        return thing

    def name(self, *words, text='', check=True):
        """Runs one of the names that hands know: a link to facteur, called by it."""
        folder = self.i.dir / 'names'
        folder.mkdir(exist_ok=True)
        link = folder / words[0]
        if not link.exists():
            link.symlink_to(os.path.realpath(PROGRAM))
        done = subprocess.run([str(link), *words[1:]], input=text, text=True, timeout=30,
                              capture_output=True,
                              env={**os.environ, 'MAIL_CONFIG': str(self.i.dir)})
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def taken(self):
        """What the server really took: DATA pipelined behind a refused RCPT has no recipients."""
        return [message for message in list(self.sink.messages) if message.recipients]

    def subjects(self):
        return sorted(line[9:] for message in self.taken()
                      for line in as_text(message.content).split('\r\n')
                      if line.startswith('Subject: '))

    def entries(self):
        return [json.loads(line) for line in self.i.run('queue', 'list', '--json').splitlines()]

    def test_sendmail_completes_a_message_and_it_leaves(self):
        self.name('sendmail', '-f', 'anna@example.test', '-F', 'Anna', '-t',
                  text='To: b@other.test\nBcc: c@other.test\nSubject: hi\n\n.\nnot this\n')
        wait_until(self.taken, 30, 'the message')
        message = self.taken()[0]
        text = as_text(message.content)
        self.assertEqual(message.sender, 'anna@example.test')
        self.assertEqual(sorted(message.recipients), ['b@other.test', 'c@other.test'])
        for field in ('Received: by ', 'Message-Id: <', 'Date: ', 'From: Anna <anna@example.test>'):
            self.assertIn(field, text)
        self.assertNotIn('Bcc', text)
        self.assertNotIn('not this', text)
        wait_until(lambda: not self.entries(), 30, 'an empty queue')

    def test_sendmail_speaks_smtp(self):
        said = self.name('sendmail', '-bs', text=(
            'EHLO me\r\nMAIL FROM:<anna@example.test>\r\nRCPT TO:<b@other.test>\r\nDATA\r\n'
            'Subject: by hand\r\n\r\n..\r\n.\r\nQUIT\r\n')).stdout
        self.assertRegex(said, r'(?s)^220 .*354 .*250 2\.0\.0 Ok: queued\r?\n221 ')
        wait_until(lambda: self.subjects() == ['by hand'], 30, 'the message')
        self.assertEqual(self.taken()[0].sender, 'anna@example.test')

    def test_sendmail_works_while_nothing_runs(self):
        self.i.stop()
        self.name('sendmail', '-i', 'b@other.test', text='Subject: early\n\n.\nthis too\n')
        down = self.name('mailq')  # as root, or the owner: from the disk
        self.assertIn('this is what is on the disk', down.stderr)
        self.assertRegex(down.stdout, r'(?s)-Queue ID-.*b@other\.test.* in 1 Request\.')
        self.assertEqual(self.name('postqueue', '-f', check=False).returncode, 69)
        self.i.start()
        wait_until(lambda: self.subjects() == ['early'], 30, 'the message')
        self.assertIn('..\r\nthis too' if b'..' in raw(self.sink) else '.\r\nthis too',
                      as_text(self.sink.messages[0].content))

    def test_the_tools_see_hold_release_and_delete(self):
        self.sink.replies['RCPT'] = '450 4.2.1 later please'
        for number in range(3):
            self.name('sendmail', '-f', 'anna@example.test', f'b{number}@other.test',
                      text=f'Subject: {number}\n\nbody {number}\n')
        wait_until(lambda: len([e for e in self.entries() if e['queue_name'] == 'deferred' and
                                'later please' in str(e['recipients'])]) == 3, 30, 'deferrals')
        ids = [entry['queue_id'] for entry in self.entries()]
        listing = self.name('mailq').stdout
        self.assertRegex(listing, r'-Queue ID-.*--Size-- ----Arrival Time---- -Sender/Recipient-')
        self.assertIn('later please', listing)
        self.assertRegex(listing, r'-- \d+ Kbytes in 3 Requests\.')
        shown = self.name('postcat', '-q', ids[0]).stdout
        self.assertIn('*** ENVELOPE RECORDS', shown)
        self.assertIn('sender: anna@example.test', shown)
        self.assertRegex(shown, r'body \d')
        self.assertIn('later please', shown)
        wait_until(lambda: self.name('postsuper', '-h', 'ALL').returncode == 0 and
                   all(e['queue_name'] == 'hold' for e in self.entries()), 30, 'all on hold')
        self.name('postsuper', '-d', ids[0])
        self.assertEqual(len(self.entries()), 2)
        self.sink.replies.clear()
        self.name('postqueue', '-f')
        self.assertEqual(len(self.entries()), 2)
        self.i.run('queue', 'release', ids[1], ids[2])
        wait_until(lambda: len(self.taken()) == 2 and not self.entries(), 30, 'deliveries')

    def defer(self, *recipients):
        """One message to each, all of which wait; their ids by recipient."""
        self.sink.replies['RCPT'] = '450 4.2.1 later please'
        for number, recipient in enumerate(recipients):
            self.name('sendmail', '-f', f'anna{number}@example.test', recipient,
                      text=f'Subject: {recipient}\n\nb\n')

        def waiting():
            return {e['recipients'][0]['address']: e['queue_id'] for e in self.entries()
                    if e['queue_name'] == 'deferred' and 'later please' in str(e)}
        wait_until(lambda: len(waiting()) == len(recipients), 30, 'deferrals')
        return waiting()

    def test_postsuper_mends_and_takes_several_queues(self):
        ids = self.defer('b@one.test', 'c@one.test', 'd@two.test', 'e@two.test')
        self.name('postsuper', '-h', ids['b@one.test'])
        self.assertEqual(self.name('postsuper', '-d', 'ALL', 'nowhere',
                                   check=False).returncode, 64)
        self.assertEqual(self.name('postsuper', '-h', '-', text=ids['c@one.test']).returncode, 0)
        # What lies in the wrong place, as after a restore by hand, is not seen by anybody.
        self.i.stop()
        left = self.i.dir / 'spool' / 'hold' / ids['b@one.test']
        wrong = self.i.dir / 'spool' / 'deferred' / 'zz' / 'restored'
        wrong.parent.mkdir(mode=0o700)
        left.rename(wrong)
        (self.i.dir / 'spool' / 'deferred' / 'core').write_text('dumped')
        self.i.start()
        self.assertEqual(len(self.entries()), 3)
        mended = self.name('postsuper')
        self.assertEqual(mended.returncode, 0)
        self.assertIn('Moved to its place: 1 file', mended.stderr)
        self.assertIn('moved to corrupt/', mended.stderr)
        wait_until(lambda: len(self.entries()) == 4, 30, 'the fourth message')
        wait_until(lambda: all(e['queue_name'] != 'active' for e in self.entries()), 30, 'rest')
        # -f: what is on hold goes back to its sender, too.
        self.name('postsuper', '-f', 'ALL', 'hold')
        wait_until(lambda: ids['c@one.test'] not in self.i.queue(), 30, 'the one on hold')
        self.assertIn(ids['d@two.test'], self.i.queue())
        self.name('postsuper', '-h', ids['d@two.test'])
        # Again and again: what is being tried at that moment is in neither.
        wait_until(lambda: self.name('postsuper', '-d', 'ALL', 'hold', 'deferred') and
                   not {ids['d@two.test'], ids['e@two.test']} & set(self.i.queue()), 30,
                   'an empty queue')

    def test_filters_choose_messages(self):
        self.i.add_settings('minimal_backoff_time = 1h\n')
        self.i.reload()
        ids = self.defer('b@one.test', 'c@one.test', 'd@two.test')
        def listed(*words):
            lines = self.i.run('queue', 'list', '--json', *words).splitlines()
            return {json.loads(line)['queue_id'] for line in lines}
        self.assertEqual(listed('--domain', 'one.test'), {ids['b@one.test'], ids['c@one.test']})
        self.assertEqual(listed('--sender', 'anna2@*'), {ids['d@two.test']})
        self.assertEqual(listed('--reason', 'later', '--older', '1h'), set())
        self.assertEqual(listed('--younger', '1h', '--smaller', '1m'), set(ids.values()))
        table = self.i.run('queue', 'stats')
        self.assertRegex(table, r'T +5 +10 +20 +40 +80 +160 +320 +640 +1280 +1280\+\n')
        self.assertRegex(table, r'TOTAL +3 +3 +0')
        self.assertRegex(table, r'one\.test +2 +2 +0')
        self.i.run('queue', 'hold', '--domain', 'one.test')
        self.assertEqual(listed('--place', 'hold'), {ids['b@one.test'], ids['c@one.test']})
        self.i.run('queue', 'delete', '--domain', 'one.test', '--sender', 'anna0@*')
        self.assertEqual(listed(), {ids['c@one.test'], ids['d@two.test']})
        story = self.i.run('queue', 'trace', ids['d@two.test'])
        self.assertIn('status=deferred', story)
        self.assertIn('It is in the queue (deferred), tried 1 time', story)

    def test_a_message_is_redirected(self):
        other = self.keep_here(Sink(port=ports.free_port()))
        self.i.add_settings('minimal_backoff_time = 1h\n')
        self.i.reload()
        ids = self.defer('b@one.test', 'c@one.test')
        self.i.run('queue', 'redirect', f'smtp:[127.0.0.1]:{other.port}', ids['b@one.test'])
        wait_until(lambda: other.messages, 30, 'the message at the other server')
        self.assertEqual(other.messages[0].recipients, ['b@one.test'])
        self.assertEqual([e['queue_id'] for e in self.entries()], [ids['c@one.test']])

    def test_a_domain_is_suspended_and_resumed(self):
        self.i.run('queue', 'suspend', 'One.test')
        self.name('sendmail', 'b@one.test', text='Subject: one\n\nb\n')
        self.name('sendmail', 'b@two.test', text='Subject: two\n\nb\n')
        wait_until(lambda: self.subjects() == ['two'], 30, 'the other message')
        wait_until(lambda: 'delivery to one.test is suspended' in str(self.entries()), 30, 'reason')
        self.i.kill('qmgr')
        wait_until(lambda: self.i.run('queue', 'suspend', check=False) == 'one.test\n', 30, 'qmgr')
        self.i.run('queue', 'resume', 'one.test')
        wait_until(lambda: self.subjects() == ['one', 'two'], 30, 'the message')
        self.assertEqual(self.i.run('queue', 'suspend'), '')

    def test_a_refused_recipient_is_returned_to_the_sender(self):
        self.sink.replies['RCPT TO:<nobody@'] = '550 5.1.1 no such user'
        self.name('sendmail', '-f', 'anna@other.test', 'nobody@other.test', text='Subject: x\n\nb\n')
        wait_until(self.taken, 30, 'the notification')
        notice = self.taken()[0]
        text = as_text(notice.content)
        self.assertEqual((notice.sender, notice.recipients), ('', ['anna@other.test']))
        for part in ('Status: 5.1.1', 'Final-Recipient: rfc822; nobody@other.test',
                     'Action: failed', 'no such user', 'Subject: x'):
            self.assertIn(part, text)

    DSN = ['-N', 'success,failure', '-R', 'hdrs', '-V', 'env+1', '-f', 'anna@other.test']

    def test_success_is_reported_where_the_next_host_will_not(self):
        self.name('sendmail', *self.DSN, 'b@other.test', text='Subject: plain\n\nb\n')
        wait_until(lambda: len(self.taken()) == 2, 30, 'the message and its report')
        report = next(m for m in self.taken() if not m.sender)
        self.assertEqual(report.recipients, ['anna@other.test'])
        for part in ('Action: relayed', 'Original-Envelope-Id: env+1',
                     'Final-Recipient: rfc822; b@other.test', 'Content-Type: text/rfc822-headers'):
            self.assertIn(part, as_text(report.content))

    def test_dsn_parameters_go_on_to_who_takes_them(self):
        self.sink.extensions = (*self.sink.extensions, 'DSN')
        self.name('sendmail', *self.DSN, 'c@other.test', text='Subject: dsn\n\nb\n')
        wait_until(lambda: self.taken() and not self.entries(), 30, 'the message')
        self.assertEqual(len(self.taken()), 1)
        said = '\n'.join(self.sink.commands)
        self.assertRegex(said, r'MAIL FROM:<anna@other\.test>.* RET=HDRS.* ENVID=env\+2B1')
        self.assertRegex(said, r'RCPT TO:<c@other\.test>.* NOTIFY=SUCCESS,FAILURE')

    def test_a_large_message_leaves_nothing_when_smtpd_dies(self):
        self.i.add_settings('queue_journal_message_limit = 100k\n')
        self.i.reload()
        incoming = self.i.dir / 'spool/incoming'
        with self.i.smtp() as client:
            client.ehlo()
            client.mail('anna@other.test')
            client.rcpt('b@other.test')
            client.docmd('DATA')
            line = b'x' * 78 + b'\r\n'
            client.sock.sendall(line * 20000)
            wait_until(lambda: list(incoming.iterdir()), 30, 'the file')
            self.assertGreater(self.i.kill('smtpd'), 0)
            wait_until(lambda: not list(incoming.iterdir()), 30, 'an empty folder')
            client.close()

    def test_a_killed_qmgr_loses_nothing_and_repeats_nothing(self):
        count = 120
        refused = []

        def send(start):
            for number in range(start, count, 4):
                try:
                    with self.i.smtp() as client:
                        client.sendmail('anna@other.test', ['b@other.test'],
                                        f'Subject: m{number}\r\n\r\nbody\r\n')
                except Exception:  # noqa: BLE001: what was refused is not promised
                    refused.append(f'm{number}')

        threads = [threading.Thread(target=send, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = len(self.sink.messages)
            wait_until(lambda: len(self.sink.messages) > before + 10 or
                       not any(t.is_alive() for t in threads), 60, 'progress')
            self.i.kill('qmgr')
        for thread in threads:
            thread.join()
        wanted = sorted(f'm{n}' for n in range(count) if f'm{n}' not in refused)
        wait_until(lambda: set(wanted) <= set(self.subjects()), 90, 'all that was accepted')
        wait_until(lambda: not self.entries(), 60, 'an empty queue')
        twice = [s for s in set(self.subjects()) if self.subjects().count(s) > 1]
        self.assertEqual(twice, [])


def as_text(content):
    return content.decode() if isinstance(content, bytes) else content


def raw(sink):
    content = sink.messages[0].content
    return content if isinstance(content, bytes) else content.encode()


if __name__ == '__main__':
    main()
