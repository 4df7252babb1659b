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

    def test_sendmail_works_while_nothing_runs(self):
        self.i.stop()
        self.name('sendmail', '-i', 'b@other.test', text='Subject: early\n\n.\nthis too\n')
        self.assertEqual(self.name('mailq', check=False).returncode, 69)
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
