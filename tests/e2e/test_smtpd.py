"""The SMTP server against clients that nobody here wrote, and against rude ones."""
import re
import smtplib
import socket
import ssl
import subprocess
import unittest

from tests.lib import case, dns, process
from tests.lib.case import TestCase
from tests.lib.instance import TRUSTING
from tests.lib.waiting import wait_until

USERS = {'anna@example.test': 'secret', 'bob@example.test': 'geheim'}
# Clients on 127.0.0.1 are strangers, as those of the Internet are.
SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_error_sleep_time = 0
smtpd_sasl_authenticated_header = yes
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtputf8_enable = yes
message_size_limit = 3000000
smtpd_helo_restrictions = reject_invalid_helo_hostname
'''
MESSAGE = 'From: a@else.example\r\nSubject: {}\r\n\r\nhello\r\n'


class Raw:
    """A client that says exactly what it is told."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.file = self.socket.makefile('rb')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def reply(self):
        text = b''
        while True:
            line = self.file.readline()
            text += line
            if not line or line[3:4] != b'-':
                return text.decode()

    def say(self, line):
        self.socket.sendall(line.encode() + b'\r\n')
        return self.reply()

    def to_data(self, recipient='anna@example.test'):
        self.reply()
        for line in ('EHLO client.test', 'MAIL FROM:<a@else.example>', f'RCPT TO:<{recipient}>'):
            self.say(line)
        return self.say('DATA')


class Smtpd(TestCase):
    @classmethod
    def setUpClass(cls):
        server = cls.keep(dns.Answers({}))
        cls.i = cls.instance(users=USERS, settings=SETTINGS, dns=server)

    def raw(self):
        client = Raw(self.i.port('smtp'))
        self.addCleanup(client.__exit__)
        return client

    def test_smtplib_sends_and_hears_refusals(self):
        with self.i.smtp() as client:
            refused = client.sendmail('a@else.example', ['anna@example.test', 'x@example.test'],
                                      MESSAGE.format('smtplib'))
            self.assertEqual(list(refused), ['x@example.test'])
            code, text = refused['x@example.test']
            self.assertEqual(code, 550)
            self.assertIn(b'5.1.1 <x@example.test>: Recipient address rejected: User unknown in '
                          b'virtual mailbox table', text)
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
                client.sendmail('a@else.example', ['b@else.example'], MESSAGE.format('relay'))
            self.assertIn(b'5.7.1 <b@else.example>: Relay access denied',
                          caught.exception.recipients['b@else.example'][1])
        self.i.wait_log(r'NOQUEUE: reject: RCPT from localhost\[127.0.0.1\]: 554 5.7.1 '
                        r'<b@else.example>: Relay access denied; from=<a@else.example> '
                        r'to=<b@else.example> proto=ESMTP helo=<client.test>')
        self.i.wait_log(r'disconnect from localhost\[127.0.0.1\] ehlo=1 mail=2 rcpt=1/3 data=1 '
                        r'rset=1 quit=1 commands=7/9')

    @unittest.skipIf(process.missing('swaks'), 'swaks is not installed')
    def test_swaks_submits_with_starttls_and_auth(self):
        for auth in ('PLAIN', 'LOGIN'):
            done = subprocess.run(
                ['swaks', '--server', f'127.0.0.1:{self.i.port("submission")}', '--tls', '--auth',
                 auth, '--auth-user', 'anna@example.test', '--auth-password', 'secret', '--from',
                 'anna@example.test', '--to', 'bob@example.test', '--header',
                 f'Subject: swaks {auth}'], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout)
        self.i.wait_log(r'submission/smtpd\[\d+\]: \w+: client=localhost\[127.0.0.1\], '
                        r'sasl_method=LOGIN, sasl_username=anna@example.test')

    @unittest.skipIf(process.missing('curl'), 'curl is not installed')
    def test_curl_submits_over_implicit_tls(self):
        done = subprocess.run(
            ['curl', '-sS', '--insecure', '--url',
             f'smtps://127.0.0.1:{self.i.port("submissions")}/client.test', '--mail-from',
             'anna@example.test', '--mail-rcpt', 'bob@example.test', '--user',
             'anna@example.test:secret', '--upload-file', '-'],
            input=MESSAGE.format('curl'), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.i.wait_log(r'Anonymous TLS connection established from localhost\[127.0.0.1\]: '
                        r'TLSv1.3 with cipher')

    def test_submission_demands_tls_then_a_login(self):
        with smtplib.SMTP('127.0.0.1', self.i.port('submission'), timeout=20) as client:
            client.ehlo('client.test')
            self.assertFalse(client.has_extn('auth'))
            self.assertEqual(client.mail('a@b.test'),
                             (530, b'5.7.0 Must issue a STARTTLS command first'))
            client.starttls(context=TRUSTING)
            client.ehlo('client.test')
            self.assertEqual(client.esmtp_features['auth'].strip(), 'PLAIN LOGIN')
            self.assertFalse(client.has_extn('starttls'))
            client.mail('anna@example.test')
            self.assertEqual(client.rcpt('bob@example.test')[0], 554)
            client.rset()
            with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
                client.login('anna@example.test', 'wrong')
            self.assertEqual(caught.exception.smtp_code, 535)
        self.i.wait_log(r'warning: localhost\[127.0.0.1\]: SASL \w+ authentication failed: .*'
                        r'sasl_username=anna@example.test')

    def test_commands_sent_ahead_of_tls_are_forgotten(self):
        client = self.raw()
        client.reply()
        client.say('EHLO client.test')
        client.socket.sendall(b'STARTTLS\r\nMAIL FROM:<evil@else.example>\r\n')
        self.assertEqual(client.reply()[:3], '220')
        try:
            with TRUSTING.wrap_socket(client.socket) as tls:
                tls.settimeout(20)
                tls.sendall(b'RCPT TO:<anna@example.test>\r\n')
                self.assertIn(b'503 5.5.1 Error: need MAIL command', tls.recv(1000))
        except (ssl.SSLError, ConnectionError):
            pass  # what came behind STARTTLS reached the handshake, which cannot use it

    def test_received_tells_the_way(self):
        self.i.send('anna@example.test', ['bob@example.test'], MESSAGE.format('trace'),
                    'submission', 'anna@example.test')
        message = self.find('bob@example.test', b'Subject: trace')
        self.assertRegex(message, re.compile(
            rb'Received: from client.test \(localhost \[127.0.0.1\]\)\r?\n'
            rb'\t\(using TLSv1.3 with cipher \S+ \(\d+/\d+ bits\)\r?\n'
            rb'\t key-exchange .*\)\r?\n'
            rb'\t\(No client certificate requested\)\r?\n'
            rb'\t\(Authenticated sender: anna@example.test\)\r?\n'
            rb'\tby mail.example.test \(Facteur\) with ESMTPSA id \w+\r?\n'
            rb'\tfor <bob@example.test>; \w+, \d+ \w+ \d+ \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)'))

    def find(self, user, text):
        return wait_until(lambda: next((m for m in self.i.messages(user) if text in m), None),
                          30, f'a message with {text!r}')

    def test_nothing_is_smuggled(self):
        inner = b'MAIL FROM:<evil@else.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n' \
                b'Subject: smuggled\r\n\r\nx\r\n.\r\n'
        for end in (b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r\n', b'\r\n.\r', b'\r.\r', b'\n.\r',
                    b'\r\n\x00.\r\n', b'\r\n.\x00\r\n'):
            with self.subTest(end=end), Raw(self.i.port('smtp')) as client:
                client.to_data()
                client.socket.sendall(b'Subject: outer\r\n\r\nx' + end + inner)
                self.assertRegex(client.reply(), '^550 5.[56]')
                rest = client.say('NOOP')
                self.assertIn(rest, ('250 2.0.0 Ok\r\n', ''))
        self.assertNotIn('evil@else.example', self.i.log())

    def test_sizes(self):
        with self.i.smtp() as client:
            client.ehlo()
            self.assertEqual(client.mail('a@else.example', ['size=3000001'])[0], 552)
            body = 'x' * 78 + '\r\n'
            client.sendmail('a@else.example', ['anna@example.test'],
                            'Subject: large\r\n\r\n' + body * 30000)
            with self.assertRaises((smtplib.SMTPDataError, smtplib.SMTPSenderRefused)) as caught:
                client.sendmail('a@else.example', ['anna@example.test'],
                                'Subject: huge\r\n\r\n' + body * 40000)
            self.assertEqual(caught.exception.smtp_code, 552)
        large = self.find('anna@example.test', b'Subject: large')
        self.assertEqual(large.count(b'x' * 78), 30000)

    def test_chunks(self):
        client = self.raw()
        client.reply()
        for line in ('EHLO client.test', 'MAIL FROM:<a@else.example>',
                     'RCPT TO:<anna@example.test>'):
            client.say(line)
        client.socket.sendall(b'BDAT 18\r\nSubject: chunks\r\n\r'
                              b'BDAT 7 LAST\r\n\n.\r\nx\r\n')
        self.assertEqual(client.reply(), '250 2.0.0 Ok: 18 bytes\r\n')
        self.assertRegex(client.reply(), '^250 2.0.0 Ok: queued as')
        self.assertIn(b'\n.\n', self.find('anna@example.test', b'Subject: chunks')
                      .replace(b'\r\n', b'\n'))

    def test_a_rude_client_is_shown_the_door(self):
        with Raw(self.i.port('smtp')) as client:
            client.reply()
            for _ in range(19):
                self.assertEqual(client.say('FOO')[:3], '500')
            client.say('FOO')
            self.assertIn('421 4.7.0 mail.example.test Error: too many errors', client.reply())
            self.assertEqual(client.reply(), '')
        self.i.wait_log('too many errors after UNKNOWN from')
        with Raw(self.i.port('smtp')) as client:
            client.socket.sendall(b'EHLO client.test\r\n')
            self.assertIn(client.reply()[:3], ('521', '220'))
        with Raw(self.i.port('smtp')) as client:
            client.reply()
            self.assertEqual(client.say('GET / HTTP/1.1'),
                             '221 2.7.0 Error: I can break rules, too. Goodbye.\r\n')
        self.i.wait_log('non-SMTP command from')

    def test_helo_restrictions_wait_for_rcpt(self):
        client = self.raw()
        client.reply()
        self.assertEqual(client.say('EHLO a..b')[:3], '250')
        self.assertEqual(client.say('MAIL FROM:<a@else.example>')[:3], '250')
        self.assertEqual(client.say('RCPT TO:<anna@example.test>'),
                         '501 5.5.2 <a..b>: Helo command rejected: Invalid name\r\n')

    def test_a_queue_that_dies_meanwhile_costs_nobody_a_message(self):
        with self.i.smtp() as client:
            client.ehlo()
            client.mail('a@else.example')
            client.rcpt('anna@example.test')
            self.assertEqual(client.docmd('DATA')[0], 354)
            self.i.kill('qmgr')
            client.send(MESSAGE.format('survivor').encode() + b'.\r\n')
            self.assertEqual(client.getreply()[0], 250)
        self.find('anna@example.test', b'Subject: survivor')

    def test_a_reload_leaves_sessions_alone(self):
        with self.i.smtp() as client:
            client.ehlo()
            client.mail('a@else.example')
            self.i.reload()
            wait_until(lambda: self.i.greets('smtp'), what='greeting of the new workers')
            self.assertEqual(client.rcpt('anna@example.test')[0], 250)
            self.assertEqual(client.data(MESSAGE.format('reload'))[0], 250)


class Settings(TestCase):
    def test_an_open_relay_does_not_start(self):
        instance = self.own(case.Instance(users=USERS, settings='''
smtpd_relay_restrictions = permit_mynetworks
smtpd_recipient_restrictions =
'''))
        self.assertIn('without it strangers could relay', instance.run('check', check=False))
        with self.assertRaises(AssertionError):
            instance.run('start')


if __name__ == '__main__':
    case.main()
