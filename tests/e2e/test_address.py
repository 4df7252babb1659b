#!/usr/bin/env python3
"""addressd and policyd in a running instance: what an address is, and what happens to its mail."""
import json
import smtplib
import unittest

from tests.lib.case import TestCase
from tests.lib.waiting import wait_until

SETTINGS = '''mydestination = $myhostname, localhost
virtual_alias_domains = alias.test
virtual_alias_maps = texthash:$config_directory/virtual, hash:$config_directory/more
relay_domains = relay.test
relay_recipient_maps = regexp:$config_directory/relay
transport_maps = inline:{ slow.test=slow:, .gw.test=smtp:[gw.test]:26 }
relayhost = [smart.test]:587
smtpd_login_message_rate_limit = 2
smtpd_sender_restrictions = check_sender_access texthash:$config_directory/senders
'''


class AddressTest(TestCase):
    @classmethod
    def setUpClass(cls):
        from tests.lib.instance import Instance
        cls.i = cls.keep(Instance(settings=SETTINGS))
        cls.write('virtual', 'sales@alias.test user@example.test, other@else.test\n'
                             '@alias.test user@example.test\nloop1@alias.test loop2@alias.test\n'
                             'loop2@alias.test loop1@alias.test\n')
        cls.write('relay', '/^known@/ yes\n')
        cls.write('senders', 'bad.test 554 5.7.1 Not you\n')
        cls.write('more', 'x@nowhere.test y@nowhere.test\n')
        cls.i.run('table', 'make', f'hash:{cls.i.dir}/more')
        cls.i.start()

    @classmethod
    def write(cls, name, text):
        new = cls.i.dir / (name + '.new')
        new.write_text(text)
        new.rename(cls.i.dir / name)

    def about(self, address, sender=''):
        return json.loads(self.i.run('address', '--json', '--sender', sender, address,
                                     check=False))[0]

    def ways(self, address, sender=''):
        return [f"{d['recipient']} {d['transport']}:{d['nexthop']}"
                for d in self.about(address, sender)['destinations']]

    def kind(self, address):
        told = self.about(address)
        return told['class'], told['exists']

    def test_classes(self):
        self.assertEqual(self.kind('user@example.test'), ('virtual-mailbox', True))
        self.assertEqual(self.kind('user+folder@EXAMPLE.test'), ('virtual-mailbox', True))
        self.assertEqual(self.kind('nobody@example.test'), ('virtual-mailbox', False))
        self.assertEqual(self.kind('any@alias.test'), ('virtual-alias', True))
        self.assertEqual(self.kind('known@relay.test'), ('relay', True))
        self.assertEqual(self.kind('stranger@relay.test'), ('relay', False))
        self.assertEqual(self.kind('root'), ('local', True))
        self.assertEqual(self.kind('no-such-user'), ('local', False))
        self.assertEqual(self.kind('any@else.test'), ('other', True))
        self.assertEqual(self.kind('any%else.test@localhost'), ('other', True))

    def test_ways(self):
        self.assertEqual(self.ways('sales@alias.test'),
                         ['user@example.test virtual:example.test',
                          'other@else.test smtp:[smart.test]:587'])
        self.assertEqual(self.ways('x@slow.test'), ['x@slow.test slow:slow.test'])
        self.assertEqual(self.ways('x@a.gw.test'), ['x@a.gw.test smtp:[gw.test]:26'])
        self.assertEqual(self.ways('x@nowhere.test'), ['y@nowhere.test smtp:[smart.test]:587'])

    def test_changed_tables_are_noticed_without_reload(self):
        self.assertEqual(self.ways('late@nowhere.test'),
                         ['late@nowhere.test smtp:[smart.test]:587'])
        self.write('more', 'x@nowhere.test y@nowhere.test\nlate@nowhere.test user@example.test\n')
        self.i.run('table', 'make', f'hash:{self.i.dir}/more')
        wait_until(lambda: self.ways('late@nowhere.test') ==
                   ['user@example.test virtual:example.test'], what='new table in use')

    def test_a_table_that_fails_defers(self):
        relay = (self.i.dir / 'relay').read_text()
        self.assertEqual(self.kind('known@relay.test'), ('relay', True))
        more = self.i.dir / 'more.db'
        saved = more.read_bytes()
        try:
            more.write_bytes(b'damaged')
            wait_until(lambda: 'failure' in self.about('known@relay.test'), what='failure')
        finally:
            more.write_bytes(saved)
        wait_until(lambda: 'failure' not in self.about('known@relay.test'), what='repair')
        self.assertTrue(relay)

    def test_access_table(self):
        with self.i.smtp() as client:
            client.ehlo()
            self.assertEqual(client.mail('a@bad.test')[0], 250)
            code, text = client.rcpt('user@example.test')
            self.assertEqual((code, b'5.7.1' in text, b'Not you' in text), (554, True, True))

    def test_login_rate(self):
        with self.i.smtp('submission', login='user@example.test') as client:
            for _ in range(2):
                client.sendmail('user@example.test', ['user@example.test'], b'Subject: x\r\n\r\nx')
            with self.assertRaises(smtplib.SMTPException) as refused:
                client.sendmail('user@example.test', ['user@example.test'], b'Subject: x\r\n\r\nx')
            self.assertIn('too much mail', str(refused.exception))
        self.i.wait_log('Message delivery request rate limit exceeded')


if __name__ == '__main__':
    unittest.main(verbosity=2)
