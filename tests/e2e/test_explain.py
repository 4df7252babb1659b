#!/usr/bin/env python3
"""facteur explain says what the real conversation then hears."""
import json
import smtplib
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.lib.instance import Instance  # noqa: E402

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_recipient_restrictions = strict_sender,
 check_sender_access inline:{ { bad.test = REJECT no spam }, { later.test = 450 4.7.1 later } }
smtpd_restriction_classes = strict_sender
strict_sender = reject_non_fqdn_sender
virtual_alias_maps = inline:{ al@example.test=far@away.test }
relocated_maps = inline:{ old@example.test=new@away.test }
smtpd_policy_service_default_action = DUNNO
'''
PAIRS = [('a@b.test', 'user@example.test'), ('a@bad.test', 'user@example.test'),
         ('a@later.test', 'user@example.test'), ('a@b.test', 'x@away.test'),
         ('a@b.test', 'al@example.test'), ('a@b.test', 'nobody@example.test'),
         ('a@b.test', 'old@example.test'), ('', 'user@example.test'), ('a@plain', 'user@example.test')]


class Explaining(unittest.TestCase):
    SETTINGS = SETTINGS

    @classmethod
    def setUpClass(cls):
        cls.i = Instance(settings=cls.SETTINGS)
        cls.addClassCleanup(cls.i.remove)
        cls.i.start()
        cls.addClassCleanup(cls.i.stop)

    def explain(self, sender, recipient, *more):
        return json.loads(self.i.run('explain', '--from', sender, '--to', recipient, '--json', *more,
                                     check=False))


class ExplainTest(Explaining):
    def converse(self, sender, recipient):
        """The answer to RCPT."""
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.ehlo('client.test')
            client.mail(sender)
            code, text = client.rcpt(recipient)
            client.rset()
        return f'{code} {text.decode()}'

    def test_verdicts_are_those_of_the_conversation(self):
        for sender, recipient in PAIRS:
            with self.subTest(sender=sender, recipient=recipient):
                said = self.explain(sender, recipient, '--helo', 'client.test')
                heard = self.converse(sender, recipient)
                self.assertEqual(said['verdict'], heard)
                self.assertEqual(said['accepted'], heard.startswith('250'))

    def test_the_rule_that_decided_is_named(self):
        decided = self.explain('a@bad.test', 'user@example.test')['decided']
        self.assertEqual(decided['parameter'], 'smtpd_recipient_restrictions')
        lines = (self.i.dir / 'main.cf').read_text().splitlines()
        self.assertIn('smtpd_recipient_restrictions', lines[decided['line'] - 1])
        self.assertIn('no spam', decided['reply'])
        outside = self.explain('a@b.test', 'x@away.test')['decided']
        self.assertEqual(outside['rule'], 'reject_unauth_destination')
        inside = self.explain('a@b.test', 'x@away.test', '--client', '192.0.2.7')
        self.assertTrue(inside['accepted'])
        self.assertEqual(inside['destinations'][0]['recipient'], 'x@away.test')

    def test_a_login_opens_the_way(self):
        said = self.explain('user@example.test', 'x@away.test', '--sasl', 'user@example.test')
        self.assertTrue(said['accepted'], said)
        self.assertFalse(self.i.queue())

    def test_aliases_are_followed(self):
        said = self.explain('a@b.test', 'al@example.test')
        self.assertEqual(said['destinations'],
                         [{'recipient': 'far@away.test', 'transport': 'smtp', 'nexthop': 'away.test'}])


class ExplainTables(Explaining):
    """Tables in files, and senders that would have to be probed."""
    SETTINGS = ('smtpd_sender_restrictions = reject_unverified_sender, '
                'check_sender_access hash:$config_directory/senders, '
                'check_sender_access pcre:$config_directory/senders.pcre, '
                'check_client_access cidr:$config_directory/clients\n')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = {name: cls.i.dir / name for name in ('senders', 'senders.pcre', 'clients')}
        for name, text in (
                ('senders', '# a comment\ngood.test OK\nworse.test\n  REJECT go away\n'),
                ('senders.pcre', '# a comment\n/^x@/ DUNNO\n/@rule\\.test$/\n REJECT by rule\n'),
                ('clients', '10.0.0.0/8 OK\n192.0.2.0/24 REJECT no client\n')):
            cls.files[name].write_text(text)
        cls.i.run('table', 'make', f'hash:{cls.files["senders"]}')

    def table_of(self, name, sender, *more):
        tables = self.explain(sender, 'user@example.test', *more)['tables']
        return next(t for t in tables if t.get('file') == str(self.files[name]))

    def test_entries_have_file_and_line(self):
        self.assertEqual(self.table_of('senders', 'a@worse.test')['line'], 3)
        self.assertEqual(self.table_of('senders.pcre', 'a@rule.test')['line'], 3)
        client = self.table_of('clients', 'a@b.test', '--client', '192.0.2.9')
        self.assertEqual((client['line'], client['value']), (2, 'REJECT no client'))
        text = self.i.run('explain', '--from', 'a@worse.test', '--to', 'user@example.test',
                          check=False)
        self.assertIn(f'REJECT go away ({self.files["senders"]}, line 3)', text)

    def test_nobody_is_probed_for_the_sake_of_an_explanation(self):
        told = self.explain('a@b.test', 'user@example.test')
        self.assertTrue(any(t['table'] == 'address verification' and 'not asked' in t['value']
                            for t in told['tables']))
        self.assertTrue(told['accepted'])
        self.assertNotIn('undeliverable', self.i.log())
        told = self.explain('a@b.test', 'user@example.test', '--probe')
        self.assertFalse(told['accepted'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
