"""Milters: the same scripts against Facteur and Postfix, and real ones."""
import os
import re
import smtplib
import unittest

from tests.lib import message, process
from tests.lib.case import TestCase
from tests.lib.milter import Milter, packet
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

USER = 'user@example.test'
CONTENT = ('From: <a@client.test>\r\nX-Old: 1\r\nTo: <user@example.test>\r\nX-Old: 2\r\n'
           'Subject: first\r\n line\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
           'Message-ID: <{id}@client.test>\r\n\r\nHello,\r\n.dot\r\nthis is a test.\r\n')

CHANGES = {
    'add and insert': [packet('h', 'X-Last', 'one\n\ttwo'), packet('i', 'X-Zero', 'top', index=0),
                       packet('i', 'X-Three', 'third', index=3),
                       packet('i', 'X-Far', 'last', index=99)],
    'insert one': [packet('i', 'X-One', 'first', index=1)],
    'insert two': [packet('i', 'X-Two', 'second', index=2)],
    'insert twice': [packet('i', 'X-A', 'a', index=1), packet('i', 'X-B', 'b', index=1)],
    'insert and delete': [packet('i', 'X-A', 'a', index=4), packet('m', 'From', '', index=1),
                          packet('i', 'X-B', 'b', index=4)],
    'what stands on top': [packet('m', 'Received', '', index=1),
                           packet('m', 'X-Before', 'changed', index=1)],
    'replace and insert': [packet('m', 'X-Old', 'new', index=1), packet('i', 'X-A', 'a', index=3)],
    'change and delete': [packet('m', 'x-old', 'new', index=2), packet('m', 'X-Old', '', index=1),
                          packet('m', 'Subject', 'other', index=1),
                          packet('m', 'X-None', 'made', index=1),
                          packet('m', 'X-Gone', '', index=1)],
    'new body': [b'bnew body\r\n', b'bin two pieces\r\n'],
    'all at once': [packet('i', 'X-Top', 'a', index=1), b'bshort\r\n', b'p',
                    packet('h', 'X-End', 'b'), packet('m', 'X-Old', '', index=1)],
}
REFUSALS = {
    'connect': [b't'],
    'mail': [packet('y', '550 5.7.9 not from you')], 'rcpt': [b't'], 'data': [b'r'],
    'helo': [packet('y', '450 4.7.1 wait')], 'header': [b'r'], 'eoh': [b't'],
    'body': [packet('y', '554-5.7.1 first\r\n554 5.7.1 second')], 'eom': [b'r'],
}


def talk(port, identity, rejected=False, tls=False):
    """The reply codes of one session, with the text of the last."""
    client = smtplib.SMTP('127.0.0.1', port, local_hostname='client.test', timeout=30)
    codes = [client.ehlo()[0]]
    codes.append(client.verify('nobody@example.test')[0])
    if tls:
        codes.append(client.starttls()[0])
        codes.append(client.ehlo()[0])
    codes.append(client.mail('a@client.test', ['BODY=8BITMIME'])[0])
    if rejected:
        codes.append(client.rcpt('nobody@example.test')[0])
    codes.append(client.rcpt(USER)[0])
    reply = (0, b'')
    try:
        reply = client.data(CONTENT.format(id=identity))
    except smtplib.SMTPDataError as error:
        reply = (error.smtp_code, error.smtp_error)
    codes.append(reply[0])
    client.close() if reply[0] == 421 else client.quit()
    return codes, re.sub(rb'queued as \w+', b'queued', reply[1])


def field_names(content):
    """In their order; what is put on top on delivery is left out."""
    header = content.replace(b'\r\n', b'\n').partition(b'\n\n')[0]
    return [name.lower() for name in re.findall(rb'^([\w-]+):', header, re.M)
            if name not in (b'Return-Path', b'Delivered-To', b'X-Original-To')]


def without_trace(content):
    """What the other end sent: without the fields that each system puts on top."""
    text = re.sub(rb'^(Return-Path|Delivered-To|X-Original-To|Received):.*\n(?:[ \t].*\n)*', b'',
                  content.replace(b'\r\n', b'\n'), flags=re.M)
    return text


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class AsPostfix(TestCase):
    maxDiff = None
    """A milter hears the same, and what it says has the same effect."""

    @classmethod
    def setUpClass(cls):
        cls.milter = cls.keep(Milter())
        settings = (f'smtpd_milters = {cls.milter.place}\nsmtpd_peername_lookup = no\n'
                    'smtpd_recipient_restrictions = check_recipient_access '
                    'inline:{ { user@example.test = PREPEND X-Before: yes } }\n')
        cls.postfix = cls.keep(Postfix('example.test', settings=settings))
        cls.i = cls.instance(settings=settings)
        cls.serial = 0

    def both(self, answers=None, protocol=0, wishes=None, rejected=False, tls=False):
        """(codes and text, events of the milter) of Postfix and of Facteur."""
        type(self).serial += 1
        self.milter.answers = dict(answers or {})
        self.milter.protocol, self.milter.wishes = protocol, wishes or {}
        found = []
        for port in (self.postfix.port, self.i.port('smtp')):
            self.milter.forget()
            said = talk(port, self.serial, rejected, tls)
            wait_until(lambda: any(name == 'closed' for s in self.milter.sessions for name, _ in s),
                       what='the milter hears that the session ended')
            found.append((said, list(self.milter.sessions)))
        return found

    def delivered(self):
        """The message of this serial number in both mailboxes, without trace fields."""
        mark = f'<{self.serial}@client.test>'.encode()
        boxes = [self.postfix.messages, lambda: self.i.messages(USER)]
        return [wait_until(lambda b=box: next((m for m in b() if mark in m), None), 30,
                           'the message') for box in boxes]

    def test_events(self):
        self.compare_events()

    def test_events_with_tls(self):
        self.compare_events(tls=True)

    def compare_events(self, tls=False):
        (theirs, their_session), (ours, our_session) = self.both(tls=tls)
        self.assertEqual(ours, theirs)

        def events(sessions):
            kept = []
            for name, data in sessions[0]:
                if name == 'macros':
                    data = (data[0], sorted(data[1]))
                if name == 'connect':
                    data = re.sub(r'\x00.*', '', data[:-1], flags=re.S)
                if name == 'mail':
                    data = data.split('\0')[0]
                # Postfix aborts what has ended, too.
                if name not in ('offer', 'abort'):
                    kept.append((name, data))
            return kept
        self.assertEqual(events(our_session), events(their_session))

    def test_macros(self):
        names = '{daemon_port} {client_ptr} {client_resolve} {client_addr} v'
        _, (_, sessions) = self.both(wishes={0: names})
        self.milter.sessions = sessions
        self.assertEqual(self.milter.macros('connect')['{client_resolve}'], 'FAIL')
        self.assertEqual(self.milter.macros('connect')['{client_addr}'], '127.0.0.1')
        self.assertEqual(self.milter.macros('rcpt')['{rcpt_addr}'], USER)
        self.assertEqual(self.milter.macros('rcpt')['{rcpt_mailer}'], 'virtual')
        self.assertEqual(self.milter.macros('mail')['{mail_addr}'], 'a@client.test')

    def test_flags(self):
        for protocol in (0x1 | 0x2 | 0x10, 0x20 | 0x40, 0x4 | 0x8 | 0x200, 0x80 | 0x80000,
                         0x100000):
            answers = {'header': [], 'body': []} if protocol & 0x80 else {}
            (theirs, their_sessions), (ours, our_sessions) = self.both(answers, protocol)
            self.assertEqual(ours, theirs)
            for kind in ('header', 'connect', 'helo', 'mail', 'rcpt', 'data', 'eoh', 'body', 'eom'):
                with self.subTest(protocol=hex(protocol), event=kind):
                    lists = []
                    for sessions in (their_sessions, our_sessions):
                        self.milter.sessions = sessions
                        lists.append(self.milter.data(kind))
                    if kind == 'header':
                        self.assertEqual(lists[1], lists[0])
                    self.assertEqual(len(lists[1]), len(lists[0]))

    def test_rejected_recipients(self):
        (theirs, their_sessions), (ours, our_sessions) = self.both(protocol=0x800, rejected=True)
        self.assertEqual(ours[0], theirs[0])
        for sessions in (their_sessions, our_sessions):
            self.milter.sessions = sessions
            self.assertEqual(len(self.milter.data('rcpt')), 2)
            first = next(d for s in sessions for n, d in s if n == 'macros' and d[0] == 'R')
            self.assertEqual(first[1]['{rcpt_mailer}'], 'error')

    def test_refusals(self):
        for event, answer in REFUSALS.items():
            with self.subTest(event=event):
                (theirs, _), (ours, _) = self.both({event: answer})
                self.assertEqual(ours[0], theirs[0])
                if event not in ('mail', 'rcpt', 'helo'):
                    self.assertEqual(ours[1], theirs[1])

    def test_changes(self):
        for what, answers in CHANGES.items():
            with self.subTest(what):
                (theirs, _), (ours, _) = self.both({'eom': answers + [b'c']})
                self.assertEqual(ours, theirs)
                their_message, our_message = self.delivered()
                self.assertEqual(without_trace(our_message), without_trace(their_message))
                self.assertEqual(field_names(our_message), field_names(their_message))

    def test_envelope(self):
        answers = [packet('e', '<new@client.test>'), packet('-', '<user@example.test>'),
                   packet('+', '<user@example.test>'), b'c']
        (theirs, _), (ours, _) = self.both({'eom': answers})
        self.assertEqual(ours, theirs)
        mark = f'<{self.serial}@client.test>'.encode()
        for box in (self.postfix.messages, lambda: self.i.messages(USER)):
            got = wait_until(lambda b=box: next((m for m in b() if mark in m), None), 30)
            self.assertIn(b'Return-Path: <new@client.test>', got)

    def test_quarantine_and_discard(self):
        self.i.wait_queue(0)  # what the others sent has arrived
        before = len(self.i.messages(USER))
        (theirs, _), (ours, _) = self.both({'eom': [packet('q', 'odd'), b'c']})
        self.assertEqual(ours, theirs)
        wait_until(lambda: self.i.queue(), what='the message on hold')
        self.assertIn('milter-hold: END-OF-MESSAGE', self.i.log())
        (theirs, _), (ours, _) = self.both({'eom': [b'd']})
        self.assertEqual(ours, theirs)
        self.assertIn('milter-discard: END-OF-MESSAGE', self.i.log())
        self.assertEqual(len(self.i.messages(USER)), before)


if __name__ == '__main__':
    unittest.main()
