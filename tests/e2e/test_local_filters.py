"""What Postfix's cleanup(8) does with mail from sendmail(1) and with addresses in headers."""
import os
import re
import smtplib
import subprocess
import unittest

from tests.lib import process
from tests.lib.case import TestCase
from tests.lib.instance import PROGRAM
from tests.lib.milter import Milter, packet
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

USER = 'user@example.test'
CHECKS = ('header_checks = pcre:{ { /^Subject: bad/ REJECT no such subject } '
          '{ /^Subject: gone/ DISCARD } { /^X-Drop:/ IGNORE } }\n')


class FromSendmail(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.milter = cls.keep(Milter())
        cls.i = cls.instance(
            users={USER: 'x', 'copy@example.test': 'x'},
            settings=f'non_smtpd_milters = {cls.milter.place}\n{CHECKS}nested_header_checks =\n'
                     'internal_mail_filter_classes = bounce\n')

    def setUp(self):
        self.milter.answers = {}
        self.milter.forget()

    def sendmail(self, text, recipient=USER):
        link = self.i.dir / 'sendmail'
        if not link.exists():
            link.symlink_to(os.path.realpath(PROGRAM))
        subprocess.run([link, '-f', USER, recipient], input=text.encode(), check=True, timeout=30,
                       env={**os.environ, 'MAIL_CONFIG': str(self.i.dir)})

    def found(self, *words, user=USER):
        return wait_until(lambda: next((m for m in self.i.messages(user)
                                        if all(w in m for w in words)), None), 30, str(words))

    def test_milter(self):
        self.milter.answers = {'eom': [packet('h', 'X-Signed', 'yes'),
                                       packet('+', '<copy@example.test>'), b'c']}
        self.sendmail('Subject: one\nX-Drop: x\nBcc: secret@else.test\nTo: you\n\nbody\n')
        got = self.found(b'Subject: one').replace(b'\r\n', b'\n')
        self.assertIn(b'\nX-Signed: yes\n', got)
        self.assertIn(b'\nTo: you@', got)
        for field in (b'X-Drop', b'Bcc:'):
            self.assertNotIn(field, got)
        self.found(b'Subject: one', user='copy@example.test')
        self.assertEqual(self.milter.names()[:6],
                         ['offer', 'connect', 'helo', 'mail', 'rcpt', 'data'])
        self.assertEqual(self.milter.macros('connect')['_'], 'localhost [127.0.0.1]')
        self.assertEqual(self.milter.macros('rcpt')['{rcpt_addr}'], USER)

    def test_refused_goes_back(self):
        self.sendmail('Subject: bad\n\nbody\n')
        bounce = self.found(b'Undelivered', b'no such subject')
        self.assertIn(b'5.7.1', bounce)
        self.milter.answers = {'eom': [packet('y', '550 5.7.9 the milter does not like it')]}
        self.sendmail('Subject: odd\n\nbody\n')
        wait_until(lambda: 'milter-reject: END-OF-MESSAGE' in self.i.log(), what='the refusal')

    def test_refused_for_now_waits(self):
        self.milter.answers = {'mail': [b't']}
        self.sendmail('Subject: later\n\nbody\n')
        wait_until(lambda: 'Service unavailable' in self.i.log(), what='the refusal')
        self.milter.answers = {}
        self.sendmail('Subject: wakes the other\n\nbody\n')
        self.found(b'Subject: later')

    def test_discarded_and_held(self):
        self.sendmail('Subject: gone\n\nbody\n')
        wait_until(lambda: ': discarded' in self.i.log(), what='discarded')
        self.milter.answers = {'eom': [packet('q', 'odd'), b'c']}
        self.sendmail('Subject: held\n\nbody\n')
        wait_until(lambda: 'milter-hold: END-OF-MESSAGE' in self.i.log(), what='held')
        wait_until(lambda: self.i.queue(), what='the message on hold')

    def test_notices_of_ours(self):
        self.milter.answers = {'eom': [packet('h', 'X-Seen', 'yes'), b'c']}
        self.sendmail('Subject: y\n\nbody\n', 'nobody@example.test')
        self.assertIn(b'X-Seen: yes', self.found(b'Undelivered', b'nobody@example.test'))


REWRITING = """canonical_maps = inline:{ { anna@example.test = Anna.Smith@example.test } }
sender_canonical_maps = inline:{ { from@example.test = sent@example.test } }
recipient_canonical_maps = inline:{ { to@example.test = got@example.test } }
canonical_classes = header_sender, header_recipient
sender_canonical_classes = header_sender
recipient_canonical_classes = header_recipient
masquerade_domains = example.test
masquerade_exceptions = root
append_dot_mydomain = yes
myorigin = example.test
mydomain = example.test
smtpd_peername_lookup = no
local_header_rewrite_clients = permit_mynetworks
undisclosed_recipients_header = To: undisclosed-recipients:;
"""
HEADERS = [
    ['From: anna', 'To: to@example.test, from@example.test'],
    ['From: "A, B" <from@example.test> (comment)', 'Cc: to', 'To: x@host.example.test'],
    ['From: =?utf-8?Q?J=C3=B6rg?= <j@host>', 'To: root@host.example.test, a@b.sub.example.test'],
    ['From: a@else.test', 'Reply-To: anna@example.test', 'Sender: <from>',
     'To: Friends: anna, "q r"@host, to;, c@else.test'],
    ['Resent-From: anna', 'Resent-To: to', 'From: x@y.test', 'To: "anna" <anna>'],
    ['Subject: from@example.test', 'X-From: anna'],
]


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class HeaderAddresses(TestCase):
    """Beside Postfix, which writes a field anew where it changes an address: only the addresses
    are compared."""

    @classmethod
    def setUpClass(cls):
        cls.postfix = cls.keep(Postfix('example.test', settings=REWRITING))
        cls.i = cls.instance(settings=REWRITING)

    def rewritten(self, fields, number):
        mark = f'Message-ID: <{number}@client.test>'
        text = '\r\n'.join([*fields, mark, 'Date: Sun, 22 Nov 2026 12:00:00 +0000', '', 'x', ''])
        found = []
        for port, box in ((self.postfix.port, self.postfix.messages),
                          (self.i.port('smtp'), lambda: self.i.messages(USER))):
            with smtplib.SMTP('127.0.0.1', port, timeout=30) as client:
                client.sendmail('a@client.test', [USER], text)
            got = wait_until(lambda b=box: next((m for m in b() if mark.encode() in m), None), 30,
                             mark).replace(b'\r\n', b'\n').decode()
            header = re.sub(r'\n[ \t]+', ' ', got.partition('\n\n')[0])
            kept = [line for line in header.split('\n')
                    if not re.match('Received|Resent-Date|Resent-Message-Id|Return-Path|'
                                    'Delivered-To|X-Original-To', line)]
            found.append([re.sub(r'[\s"]+', '', line) for line in kept])
        return found

    def test_as_postfix(self):
        for number, fields in enumerate(HEADERS):
            with self.subTest(fields):
                theirs, ours = self.rewritten(fields, number)
                self.assertEqual(sorted(ours), sorted(theirs))


if __name__ == '__main__':
    unittest.main()
