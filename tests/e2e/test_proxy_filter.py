"""smtpd_proxy_filter, beside Postfix: the filter hears the same, and so does the client."""
import os
import re
import smtplib
import unittest

from tests.lib import ports, process
from tests.lib.case import TestCase
from tests.lib.postfix import Postfix
from tests.lib.smtp_filter import SmtpFilter
from tests.lib.waiting import wait_until

USER = 'user@example.test'
CLIENT = ('Received: from there (there [192.0.2.9]) by here; Sun, 22 Nov 2026 11:00:00 +0000\r\n'
          'From: <a@client.test>\r\nTo: <user@example.test>\r\nSubject: {subject}\r\n'
          'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{id}@client.test>\r\n\r\n'
          'first\r\n..two dots\r\n{body}\r\n')
SECOND = """127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_proxy_filter= -o smtpd_authorized_xforward_hosts=127.0.0.0/8
  -o smtpd_client_restrictions= -o smtpd_helo_restrictions= -o smtpd_sender_restrictions=
  -o smtpd_data_restrictions= -o mynetworks=127.0.0.0/8 -o smtpd_milters=
  -o receive_override_options=no_unknown_recipient_checks
"""
SETTINGS = """smtpd_proxy_filter = 127.0.0.1:{port}
smtpd_proxy_ehlo = front.test
smtpd_proxy_timeout = 5s
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ user@example.test = PREPEND X-Before: yes }} }}
{more}"""


def replies(port, subject, identity, body, parameters):
    """The reply to each command of one session, queue ids left out."""
    client = smtplib.SMTP('127.0.0.1', port, local_hostname='client.test', timeout=30)
    found = [client.docmd('XCLIENT', 'NAME=mx.client.test ADDR=192.0.2.7 PORT=4711')[0]]
    client.ehlo()
    found.append(client.mail('a@client.test', parameters))
    found.append(client.rcpt(USER))
    if found[-1][0] != 421:
        found.append(client.rcpt('other@example.test'))
    if found[-1][0] == 421:
        return said(found)
    try:
        found.append(client.data(CLIENT.format(subject=subject, id=identity, body=body)))
    except smtplib.SMTPDataError as error:
        found.append((error.smtp_code, error.smtp_error))
    client.close() if found[-1][0] == 421 else client.quit()
    return said(found)


def said(found):
    return [re.sub(rb'queued as \w+', b'queued', item[1]) + b' %d' % item[0]
            if isinstance(item, tuple) else item for item in found]


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class BeforeTheQueue(TestCase):
    maxDiff = None
    more = ''

    @classmethod
    def setUpClass(cls):
        cls.serial = 0
        cls.filters = [cls.keep(SmtpFilter()), cls.keep(SmtpFilter())]
        settings = [SETTINGS.format(port=f.port, more=cls.more) for f in cls.filters]
        for one in cls.filters:
            one.next_port = ports.free_port()
        services = [SECOND.format(port=f.next_port) for f in cls.filters]
        maps = ('virtual_mailbox_maps = inline:{ user@example.test=user/Maildir/ '
                'other@example.test=other/Maildir/ }\n')
        cls.postfix = cls.keep(Postfix('example.test', settings=settings[0] + maps,
                                       services=services[0]))
        cls.i = cls.instance(users={USER: 'x', 'other@example.test': 'x'}, settings=settings[1],
                             services=services[1])

    def both(self, subject='plain', body='end', parameters=(), said=None):
        """Replies to the client and commands that the filter heard, of both."""
        type(self).serial += 1
        found = []
        for one, port in zip(self.filters, (self.postfix.port, self.i.port('smtp'))):
            one.commands.clear()
            one.replies = dict(said or {})
            codes = replies(port, subject, self.serial, body, parameters)
            # Postfix ends this session when the client ends its own.
            found.append((codes, [line for line in one.heard() if line != 'QUIT']))
        return found

    def delivered(self):
        mark = f'<{self.serial}@client.test>'.encode()
        boxes = [self.postfix.messages, lambda: self.i.messages(USER)]
        return [wait_until(lambda b=box: next((m for m in b() if mark in m), None), 30, 'mail')
                .replace(b'\r\n', b'\n') for box in boxes]

    def test_accepts(self):
        theirs, ours = self.both(parameters=['BODY=8BITMIME', 'RET=HDRS', 'ENVID=abc'])
        self.assertEqual(ours[0], theirs[0])
        self.assertEqual(ours[1], theirs[1])
        theirs, ours = self.delivered()

        def names(text):
            found = re.findall(rb'^([\w-]+):', text.partition(b'\n\n')[0], re.M)
            return [n.lower() for n in found if n not in (b'Return-Path', b'Delivered-To',
                                                          b'X-Original-To')]
        self.assertEqual(names(ours), names(theirs))
        self.assertEqual(ours.partition(b'\n\n')[2], theirs.partition(b'\n\n')[2])
        log = wait_until(lambda: re.search(r'proxy-accept: END-OF-MESSAGE: 250 .*', self.i.log()))
        self.assertIn('proto=ESMTP helo=<client.test>', log[0])
        self.assertIn('orig_client=mx.client.test[192.0.2.7]', self.i.log())

    def test_refuses(self):
        for body in ('VIRUS', 'LATER'):
            with self.subTest(body):
                theirs, ours = self.both(body=body)
                self.assertEqual(ours, theirs)
        self.assertIn('proxy-reject: END-OF-MESSAGE: 550 5.7.1 a virus', self.i.log())

    def test_commands(self):
        for said in ({'RCPT TO:<other': '550 5.1.1 not him'}, {'MAIL': '450 4.1.8 not now'},
                     {'DATA': '554 5.5.0 never'}, {'CONNECT': '554 5.0.0 closed'},
                     {'CONNECT': 'DROP'}, {'DATA': 'DROP'}, {'EHLO': '502 5.5.1 what'},
                     {'XFORWARD': '550 5.7.0 no'}, {'RCPT TO:<user': '421 4.3.0 going'}):
            with self.subTest(said):
                theirs, ours = self.both(said=said)
                self.assertEqual(ours[0], theirs[0])

    def test_zzz_gone(self):
        """After all others: the filters do not come back."""
        for one in self.filters:
            one.stop()
        theirs, ours = self.both()
        self.assertEqual(ours, theirs)


class SpeedAdjusted(BeforeTheQueue):
    more = 'smtpd_proxy_options = speed_adjust\n'


if __name__ == '__main__':
    unittest.main()
