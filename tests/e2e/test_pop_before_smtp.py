"""permit_pop_before_smtp: who read his mail from an address may send from there."""
import poplib
import smtplib
import unittest

from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_pop_before_smtp, reject_unauth_destination
pop_before_smtp_time = {}
'''


class PopBeforeSmtp(TestCase):
    def relays(self, i):
        with smtplib.SMTP('127.0.0.1', i.port('smtp'), 'client.example', timeout=20) as smtp:
            smtp.mail('user@example.test')
            return smtp.rcpt('b@far.example')[0]

    def test_after_a_login_for_as_long_as_it_says(self):
        i = self.own_instance(settings=SETTINGS.format('3s'))
        self.assertEqual(self.relays(i), 554)
        with self.assertRaises(poplib.error_proto):
            client = i.pop3()
            client.user('user@example.test')
            client.pass_('wrong')
        self.assertEqual(self.relays(i), 554)
        i.pop3('user@example.test').quit()
        self.assertEqual(self.relays(i), 250)
        wait_until(lambda: self.relays(i) == 554, seconds=10, what='the time is over')
        i.imap('user@example.test').logout()
        self.assertEqual(self.relays(i), 250)

    def test_not_without_a_time(self):
        i = self.own_instance(settings=SETTINGS.format('0'))
        i.pop3('user@example.test').quit()
        self.assertEqual(self.relays(i), 554)


if __name__ == '__main__':
    unittest.main()
