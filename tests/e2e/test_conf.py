#!/usr/bin/env python3
"""facteur conf beside Postfix's postconf, on the same files."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')).resolve()

MAIN_CF = '''# A comment at the top.
compatibility_level = 3.6
myhostname = mail.example.org
mynetworks = 127.0.0.0/8,
# a comment inside a value
    [::1]/128

   192.0.2.0/24
mydestination = $myhostname, localhost.$mydomain, $more
more = ${empty?{never}:{${{$compatibility_level} >=level {3.6} ? {new.example.org} : {old}}}}
empty =
relayhost = [$myhostname]:${port:587}
recipient_delimiter = +
recipient_delimiter = -
'''
COMPARED = ['myhostname', 'mydomain', 'myorigin', 'mydestination', 'mynetworks', 'relayhost',
            'recipient_delimiter', 'append_dot_mydomain', 'local_transport', 'virtual_transport',
            'default_transport', 'relay_transport', 'virtual_alias_domains', 'message_size_limit',
            'parent_domain_matches_subdomains', 'inet_interfaces', 'inet_protocols']


class ConfTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-conf-'))
        self.addCleanup(shutil.rmtree, self.dir)
        (self.dir / 'main.cf').write_text(MAIN_CF)
        (self.dir / 'master.cf').write_text((ROOT / 'conf/master.cf').read_text())

    def run_tool(self, *words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def ours(self, *options):
        return self.run_tool(BIN / 'facteur', '-c', self.dir, 'conf', *options)

    def theirs(self, *options):
        return self.run_tool('postconf', '-c', self.dir, *options)

    def test_values_are_those_of_postconf(self):
        self.assertEqual(self.ours('-x', *COMPARED).stdout, self.theirs('-x', *COMPARED).stdout)

    def test_unexpanded_values_are_those_of_postconf(self):
        names = ['mynetworks', 'mydestination', 'relayhost', 'more', 'empty']
        self.assertEqual(self.ours(*names).stdout, self.theirs(*names).stdout)

    def test_settings_of_main_cf_are_those_of_postconf(self):
        self.assertEqual(self.ours('-n').stdout, self.theirs('-n').stdout)
        self.assertEqual(self.ours('-n', '-h').stdout, self.theirs('-n', '-h').stdout)

    def test_services_are_those_of_postconf(self):
        self.assertEqual(self.ours('-M').stdout, self.theirs('-M').stdout)
        self.assertEqual(self.ours('-Mf', 'submission/inet').stdout,
                         self.theirs('-Mf', 'submission/inet').stdout)
        self.assertEqual(self.ours('-M', 'smtp/inet').stdout, self.theirs('-M', 'smtp/inet').stdout)

    def test_duplicates_are_reported(self):
        self.assertIn('line 14: recipient_delimiter is set in line 13', self.ours().stderr)

    def test_edits_leave_the_rest_alone(self):
        before = MAIN_CF.splitlines()
        self.ours('-e', 'relayhost = [gw.example.org]', 'brand_new=x')
        after = (self.dir / 'main.cf').read_text().splitlines()
        self.assertEqual(after[-1], 'brand_new = x')
        changed = [(a, b) for a, b in zip(before, after) if a != b]
        self.assertEqual(changed, [('relayhost = [$myhostname]:${port:587}',
                                    'relayhost = [gw.example.org]')])
        self.assertEqual(self.theirs('-h', 'relayhost').stdout, '[gw.example.org]\n')
        self.ours('-X', 'brand_new', 'mynetworks')
        self.assertNotIn('192.0.2.0', (self.dir / 'main.cf').read_text())
        self.assertIn('# a comment inside a value', (self.dir / 'main.cf').read_text())

    def test_an_unknown_name_is_reported_with_the_nearest(self):
        with open(self.dir / 'main.cf', 'a') as main:
            main.write('mydestinatoin = x\n')
        said = self.ours('-n').stderr
        self.assertIn('unused parameter: mydestinatoin=x; did you mean mydestination?', said)

    def test_a_transport_has_parameters_of_its_own(self):
        with open(self.dir / 'main.cf', 'a') as main:
            main.write('smtp_destination_rate_delay = 3s\nnosuch_destination_rate_delay = 3s\n')
        self.assertEqual(self.ours('-h', 'smtp_destination_rate_delay').stdout, '3s\n')
        self.assertEqual(self.ours('-xh', 'relay_destination_rate_delay').stdout, '0s\n')
        said = self.ours('-n').stderr
        self.assertIn('unused parameter: nosuch_destination_rate_delay=3s', said)
        self.assertNotIn('unused parameter: smtp_destination_rate_delay', said)

    def test_every_parameter_is_described(self):
        parameters = json.loads(self.ours('--json').stdout)
        self.assertGreater(len(parameters), 100)
        for each in parameters:
            if each['name'] in ('more', 'empty'):
                continue
            self.assertTrue(each['description'].endswith('.'), each['name'])
            self.assertTrue(each['programs'], each['name'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
