"""Who may send what: SMTP AUTH, no open relay, unknown users; with swaks, curl and smtplib."""
import base64
import re
import smtplib
import statistics
import subprocess
import time
import unittest

from tests.lib import message, process, sink
from tests.lib.case import TestCase
from tests.lib.instance import TRUSTING
from tests.lib.waiting import wait_until

ANN, BOB = 'ann@example.test', 'bob@example.test'
USERS = {ANN: 'ann secret', BOB: 'bob-secret'}


class Submission(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.keep(sink.Sink())
        # Strangers come from 127.0.0.1 too: nobody is trusted for the address alone.
        cls.i = cls.instance(users=USERS, settings=(
            'mynetworks =\n'
            'smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n'
            f'relayhost = [127.0.0.1]:{cls.world.port}\n'))

    def program(self, *command, status=0, **options):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    # -- authentication ----------------------------------------------------------------------

    def test_auth_is_offered_only_inside_tls(self):
        with self.i.smtp('submission') as client:
            client.ehlo()
            self.assertNotIn('auth', client.esmtp_features)
            client.starttls(context=TRUSTING)
            client.ehlo()
            self.assertEqual(set(client.esmtp_features['auth'].split()), {'PLAIN', 'LOGIN'})

    def test_plain_and_login_with_and_without_initial_response(self):
        plain = base64.b64encode(f'\0{ANN}\0{USERS[ANN]}'.encode()).decode()
        user, password = (base64.b64encode(t.encode()).decode() for t in (ANN, USERS[ANN]))
        for lines in [[f'AUTH PLAIN {plain}'], ['AUTH PLAIN', plain],
                      ['AUTH LOGIN', user, password], [f'AUTH LOGIN {user}', password]]:
            with self.i.smtp('submissions') as client:
                client.ehlo()
                codes = [client.docmd(line)[0] for line in lines]
                self.assertEqual(codes, [334] * (len(lines) - 1) + [235], lines)

    def test_wrong_words_are_refused(self):
        wrong = base64.b64encode(f'\0{ANN}\0wrong'.encode()).decode()
        other = base64.b64encode(f'{BOB}\0{ANN}\0{USERS[ANN]}'.encode()).decode()
        with self.i.smtp('submissions') as client:
            client.ehlo()
            for line, code in [(f'AUTH PLAIN {wrong}', 535), (f'AUTH PLAIN {other}', 535),
                               ('AUTH PLAIN !!!!', 501), ('AUTH NOSUCH', 504)]:
                self.assertEqual(client.docmd(line)[0], code, line)
            client.docmd('AUTH LOGIN')
            self.assertEqual(client.docmd('*')[0], 501)

    def test_unknown_users_and_wrong_passwords_look_and_take_the_same(self):
        def attempt(user):
            with self.i.smtp('submissions') as client:
                client.ehlo()
                began = time.monotonic()
                answer = client.docmd('AUTH PLAIN ' + base64.b64encode(
                    f'\0{user}\0wrong'.encode()).decode())
                return answer, time.monotonic() - began
        known, unknown = [], []
        for number in range(8):  # in turn, so that the machine's moods reach both
            first, seconds = attempt(ANN)
            known.append(seconds)
            second, seconds = attempt(f'nobody{number}@example.test')
            unknown.append(seconds)
            self.assertEqual(first, second)
        ratio = statistics.median(unknown) / statistics.median(known)
        self.assertTrue(0.5 < ratio < 2, f'{ratio=} {known=} {unknown=}')

    # -- relaying ----------------------------------------------------------------------------

    def test_a_stranger_cannot_relay(self):
        recipients = ['x@elsewhere.test', 'x%elsewhere.test@example.test', '@example.test:x@else.test',
                      '"x@elsewhere.test"', 'x!y@elsewhere.test', 'x@[192.0.2.1]',
                      'x@elsewhere.test@example.test', '"x@elsewhere.test"@example.test',
                      'elsewhere.test!x', 'x%elsewhere.test@[127.0.0.1]']
        for protocol in ('smtp', 'submission'):
            with self.i.smtp(protocol) as client:
                client.ehlo()
                client.mail('stranger@elsewhere.test')
                for recipient in recipients:
                    code, text = client.docmd(f'RCPT TO:<{recipient}>')
                    self.assertGreaterEqual(code, 500, f'{protocol}: {recipient}: {code} {text}')
        self.assertFalse([m for m in self.world.messages if m.sender == 'stranger@elsewhere.test'])

    def test_unknown_local_recipients_are_refused_at_rcpt(self):
        with self.i.smtp() as client:
            client.ehlo()
            client.mail('stranger@elsewhere.test')
            self.assertEqual(client.rcpt(ANN)[0], 250)
            self.assertEqual(client.rcpt('ann+lists@example.test')[0], 250)
            code, text = client.rcpt('nobody@example.test')
            self.assertEqual((code, text[:5]), (550, b'5.1.1'))
        self.i.wait_log(r'[0-9A-Za-z]+: reject: RCPT from .*\[127\.0\.0\.1\]: 550 5\.1\.1 '
                        r'<nobody@example\.test>')

    def test_a_user_relays_after_login(self):
        self.i.send(ANN, ['x@elsewhere.test'], message.plain(ANN, 'x@elsewhere.test', 'relayed'),
                    'submission', ANN)
        got = self.arrived(lambda m: m.recipients == ['x@elsewhere.test'] and
                          b'Subject: relayed' in m.content)
        self.assertEqual(got.sender, ANN)
        self.i.wait_log(rf'sasl_method=(PLAIN|LOGIN), sasl_username={re.escape(ANN)}')

    def arrived(self, wanted):
        return wait_until(lambda: next((m for m in self.world.messages if wanted(m)), None),
                          30, 'the message at the relay')

    # -- programs ----------------------------------------------------------------------------

    @unittest.skipIf(process.missing('swaks'), 'swaks is not installed')
    def test_swaks(self):
        base = ['swaks', '--server', '127.0.0.1', '--from', ANN, '--helo', 'client.test']
        port = str(self.i.port('submission'))
        self.program(*base, '--port', port, '--to', 'x@elsewhere.test', '--tls', '--auth', 'PLAIN',
                     '--auth-user', ANN, '--auth-password', USERS[ANN], '--header',
                     'Subject: swaks one')
        self.arrived(lambda m: b'Subject: swaks one' in m.content)
        self.program(*base, '--port', str(self.i.port('submissions')), '--to', 'x@elsewhere.test',
                     '--tls-on-connect', '--auth', 'LOGIN', '--auth-user', ANN,
                     '--auth-password', USERS[ANN], '--header', 'Subject: swaks two')
        self.arrived(lambda m: b'Subject: swaks two' in m.content)
        # 28: authentication failed; 24: a recipient was refused.
        self.program(*base, '--port', port, '--to', 'x@elsewhere.test', '--tls', '--auth', 'PLAIN',
                     '--auth-user', ANN, '--auth-password', 'wrong', status=28)
        self.program(*base, '--port', str(self.i.port('smtp')), '--to', 'x@elsewhere.test',
                     status=24)

    @unittest.skipIf(process.missing('curl'), 'curl is not installed')
    def test_curl(self):
        mail = message.plain(BOB, 'x@elsewhere.test', 'from curl').replace('\n', '\r\n')
        self.program('curl', '--silent', '--show-error', '--insecure', '--ssl-reqd', '--url',
                     f'smtp://127.0.0.1:{self.i.port("submission")}/client.test', '--mail-from', BOB,
                     '--mail-rcpt', 'x@elsewhere.test', '--user', f'{BOB}:{USERS[BOB]}',
                     '--upload-file', '-', input=mail)
        self.assertEqual(self.arrived(lambda m: b'Subject: from curl' in m.content).sender, BOB)


class Throttle(TestCase):
    def test_a_failure_is_delayed(self):
        i = self.own_instance(settings='auth_failure_delay = 2s\n')
        with i.smtp('submissions') as client:
            client.ehlo()
            began = time.monotonic()
            client.docmd('AUTH PLAIN ' + base64.b64encode(b'\0user@example.test\0no').decode())
            self.assertGreater(time.monotonic() - began, 1.5)
