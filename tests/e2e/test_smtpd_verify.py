"""Address verification: smtpd asks, policyd remembers, qmgr and smtp-client find out."""
import smtplib
import time
import unittest

from tests.lib.case import TestCase
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until


class Verify(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.next = cls.keep(Sink({'RCPT TO:<nobody@': '550 5.1.1 no such mailbox here',
                                  'RCPT TO:<later@': '450 4.2.0 ask again'}))
        cls.i = cls.instance(users={'anna@example.test': 'secret'}, settings=f'''
mynetworks = 192.0.2.0/24
relay_domains = down.test
relay_recipient_maps =
transport_maps = inline:{{ down.test=smtp:[127.0.0.1]:{cls.next.port} }}
smtpd_recipient_restrictions = reject_unverified_recipient
smtpd_sender_restrictions = check_sender_access inline:{{ down.test=reject_unverified_sender }}
unverified_recipient_reject_code = 550
unverified_sender_reject_code = 550
unverified_sender_reject_reason = no such sender
address_verify_sender = probe@example.test
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
''')

    def rcpt(self, address, sender='a@else.example'):
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), 'client.example') as smtp:
            smtp.mail(sender)
            code, text = smtp.rcpt(address)
            return code, text.decode()

    def probes(self, address):
        return sum(f'RCPT TO:<{address}>' in line for line in self.next.commands)

    def test_who_exists_is_taken_and_asked_about_once(self):
        for _ in range(3):
            self.assertEqual(self.rcpt('good@down.test')[0], 250)
        self.assertEqual(self.probes('good@down.test'), 1)
        self.assertTrue(any('MAIL FROM:<probe@example.test>' in line
                            for line in self.next.commands))
        self.assertEqual(self.next.messages, [])

    def test_who_does_not_exist_is_refused_with_what_the_next_hop_said(self):
        code, text = self.rcpt('nobody@down.test')
        self.assertEqual(code, 550)
        self.assertIn('5.1.1 <nobody@down.test>: Recipient address rejected: undeliverable '
                      'address:', text)
        self.assertIn('no such mailbox here', text)
        self.assertEqual(self.rcpt('nobody@down.test')[0], 550)
        self.assertEqual(self.probes('nobody@down.test'), 1)

    def test_who_cannot_be_known_now_is_deferred(self):
        code, text = self.rcpt('later@down.test')
        self.assertEqual(code, 450)
        self.assertIn('4.1.1 <later@down.test>: Recipient address rejected: unverified address:',
                      text)

    def test_a_sender_is_verified_too(self):
        code, text = self.rcpt('anna@example.test', 'nobody@down.test')
        self.assertEqual(code, 550)
        self.assertIn('5.1.7 <nobody@down.test>: Sender address rejected: undeliverable address: '
                      'no such sender', text)
        self.assertEqual(self.rcpt('anna@example.test', 'good@down.test')[0], 250)
        self.assertEqual(self.rcpt('anna@example.test', '')[0], 250)

    def test_our_own_users_are_known_without_the_network(self):
        self.assertEqual(self.rcpt('anna@example.test')[0], 250)

    def test_what_was_learnt_outlives_policyd(self):
        self.assertEqual(self.rcpt('kept@down.test')[0], 250)
        self.assertEqual(self.probes('kept@down.test'), 1)
        self.i.kill('policyd')
        wait_until(lambda: 'policyd' in self.i.workers().values(), what='policyd runs again')
        self.assertEqual(self.rcpt('kept@down.test')[0], 250)
        self.assertEqual(self.probes('kept@down.test'), 1)


class Slow(TestCase):
    def test_a_client_waits_no_longer_than_the_polls_say(self):
        i = self.own_instance(settings='''
relay_domains = down.test
relay_recipient_maps =
transport_maps = inline:{ down.test=smtp:[192.0.2.1] }
mynetworks = 192.0.2.0/24
smtpd_recipient_restrictions = reject_unverified_recipient
address_verify_poll_count = 1
address_verify_poll_delay = 1s
smtp_connect_timeout = 20s
''')
        with smtplib.SMTP('127.0.0.1', i.port('smtp'), 'client.example') as smtp:
            smtp.mail('a@else.example')
            begun = time.monotonic()
            code, text = smtp.rcpt('any@down.test')
        self.assertEqual(code, 450)
        self.assertIn(b'unverified address: ', text)
        self.assertLess(time.monotonic() - begun, 10)


if __name__ == '__main__':
    unittest.main()
