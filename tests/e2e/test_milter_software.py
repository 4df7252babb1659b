"""The milters that people run: libmilter's own, OpenDKIM, clamav-milter and rspamd."""
import base64
import smtplib
import unittest

from tests.lib.case import TestCase
from tests.lib.milters import EICAR, Clamav, OpenDkim, PythonMilter, Rspamd
from tests.lib.waiting import wait_until

USER = 'user@example.test'
GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'


def content(identity, subject='hello', fields='', body='A line.\r\n.\r\nAnother.\r\n'):
    return (f'From: <a@example.test>\r\nTo: <{USER}>\r\nSubject: {subject}\r\n{fields}'
            f'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{identity}@client.test>\r\n'
            f'\r\n{body}')


class Software(TestCase):
    """make: the milter's class; settings: of the instance."""
    serial = 0

    @classmethod
    def serve(cls, milter, settings='', **options):
        cls.milter = cls.keep(milter)
        settings = f'smtpd_milters = {milter.place}\nsmtpd_peername_lookup = no\n' + settings
        cls.i = cls.instance(settings=settings, **options)

    def send(self, text, sender='a@example.test', recipients=(USER,)):
        """The reply to the content."""
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), local_hostname='client.test',
                          timeout=60) as client:
            try:
                client.sendmail(sender, list(recipients), text)
            except smtplib.SMTPDataError as error:
                return error.smtp_code, error.smtp_error.decode()
        return 250, ''

    def delivered(self, identity, user=USER):
        mark = f'<{identity}@client.test>'.encode()
        return wait_until(lambda: next((m for m in self.i.messages(user) if mark in m), None), 30,
                          f'{identity} arrives')


class LibMilter(Software):
    @classmethod
    def setUpClass(cls):
        cls.serve(PythonMilter(), users={USER: 'x', 'second@example.test': 'x',
                                         'gone@example.test': 'x', 'refused@example.test': 'x',
                                         'later@example.test': 'x'})

    def test_hears_all(self):
        before = len(self.milter.heard())
        self.assertEqual(self.send(content('heard'))[0], 250)
        heard = wait_until(lambda: (lines := self.milter.heard()[before:]) and
                           lines[-1] == 'close' and lines, 10, 'the end of the session')
        host = self.i.run('conf', '-h', 'myhostname').strip()
        self.assertEqual(heard[0], f'connect [127.0.0.1] 127.0.0.1 {host} {host}')
        self.assertEqual(heard[1], 'helo client.test')
        self.assertRegex(heard[2], r'^mail <a@example.test> SIZE=\d+ a@example.test$')
        self.assertEqual(heard[3], f'rcpt <{USER}> virtual')
        self.assertEqual(heard[4:6], ['data True', "header From '<a@example.test>'"])
        self.assertEqual(heard[-3:], ['eoh', 'eom 22', 'close'])

    def test_changes(self):
        text = content('changes', fields='X-Gone: 1\r\nX-Wish: change\r\n')
        self.assertEqual(self.send(text, recipients=[USER, 'gone@example.test'])[0], 250)
        for user in (USER, 'second@example.test'):
            got = self.delivered('changes', user).replace(b'\r\n', b'\n')
            header, _, body = got.partition(b'\n\n')
            self.assertEqual(body, b'another body\n')
            for field in (b'Return-Path: <other@client.test>', b'\nSubject: changed\n',
                          b'\nX-Put-In: in front\n'):
                self.assertIn(field, header)
            self.assertTrue(header.endswith(b'X-Added: at the end'), header)
            self.assertNotIn(b'X-Gone', header)
        self.assertEqual(self.i.messages('gone@example.test'), [])

    def test_refuses(self):
        for wish, code in (('REJECT', 550), ('TEMPFAIL', 451), ('DISCARD', 250)):
            with self.subTest(wish):
                self.assertEqual(self.send(content(wish, fields=f'X-Wish: {wish}\r\n'))[0], code)
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.ehlo()
            client.mail('a@example.test')
            self.assertEqual(client.rcpt('refused@example.test'),
                             (550, b'5.7.9 first line\n5.7.9 second line'))
            self.assertEqual(client.rcpt('later@example.test')[0], 451)
            self.assertEqual(client.rcpt(USER)[0], 250)


class Dkim(Software):
    """Clients in mynetworks are signed for, others' signatures are verified."""

    @classmethod
    def setUpClass(cls):
        cls.serve(OpenDkim('example.test', '127.0.0.2'),
                  'smtpd_authorized_xclient_hosts = 127.0.0.1\n')

    def send_from(self, address, text):
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.ehlo()
            self.assertEqual(client.docmd('XCLIENT', f'ADDR={address} NAME=client.test')[0], 220)
            client.sendmail('a@example.test', [USER], text)

    def test_signs_and_verifies(self):
        self.send_from('127.0.0.2', content('signed'))
        signed = self.delivered('signed').replace(b'\r\n', b'\n')
        self.assertIn(b'\nDKIM-Signature: v=1; a=rsa-sha256', signed)
        # What it signed is what arrived: the same message verifies, an altered one does not.
        start = signed.index(b'DKIM-Signature:')
        again = signed[start:].decode().replace('\n', '\r\n')
        for name, text, result in (('pass', again, b'dkim=pass'),
                                   ('fail', again.replace('Another', 'Changed'), b'dkim=fail')):
            with self.subTest(name):
                before = len(self.i.messages(USER))
                self.send_from('192.0.2.1', text)
                wait_until(lambda: len(self.i.messages(USER)) > before, 30, name)
                newest = [m for m in self.i.messages(USER) if result in m]
                self.assertEqual(len(newest), 1, self.i.messages(USER))


class Virus(Software):
    @classmethod
    def setUpClass(cls):
        cls.serve(Clamav())

    def test_virus(self):
        self.assertEqual(self.send(content('clean'))[0], 250)
        self.assertIn(b'\nX-Virus-Status: Clean', self.delivered('clean').replace(b'\r\n', b'\n'))
        attachment = base64.b64encode(EICAR).decode()
        mixed = ('MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n')
        body = ('--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/octet-stream\r\n'
                f'Content-Transfer-Encoding: base64\r\n\r\n{attachment}\r\n--b--\r\n')
        code, text = self.send(content('virus', fields=mixed, body=body))
        self.assertEqual(code, 550, text)
        self.assertIn('Infected: Eicar-Test', text)


class Spam(Software):
    @classmethod
    def setUpClass(cls):
        cls.serve(Rspamd())

    def test_spam(self):
        self.assertEqual(self.send(content('ham'))[0], 250)
        self.assertNotIn(b'X-Spam: Yes', self.delivered('ham'))
        self.assertEqual(self.send(content('odd', subject='an odd one'))[0], 250)
        self.assertIn(b'X-Spam: Yes', self.delivered('odd'))
        code, text = self.send(content('gtube', body=GTUBE + '\r\n'))
        self.assertIn(code, (550, 554), text)


if __name__ == '__main__':
    unittest.main()
