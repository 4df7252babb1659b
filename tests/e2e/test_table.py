#!/usr/bin/env python3
"""Tables beside Postfix: its postmap reads what ours makes, and the other way round."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')).resolve()

MAP = '''# comment
Alice@Example.ORG  alice
bob@example.org    bob, carol
@example.net       @example.org
   continued
"two words"        value
192.0.2            REJECT go away
'''
KEYS = ['alice@example.org', 'ALICE@EXAMPLE.ORG', 'bob@example.org', '@example.net', 'two words',
        '192.0.2', 'nobody', '']
RULES = '''/^owner-(.*)@(.*)$/  $1+owner@${2}
!/@/                   none
if /example/
/^a\\.(b|c)@/x          one
/^A/i                  upper
/x(y)?z/               [$1]
endif
/(.)(.)@last$/         $2$1 $$
'''
RULE_KEYS = ['owner-list@example.org', 'plain', 'a.b@example.org', 'A@example.org',
             'axz@example.org', 'axyz@example.org', 'ab@last', 'Abc@other', 'none@nowhere']
NETWORKS = '''192.0.2.1       one
192.0.2.0/24    net
!10.0.0.0/8     not ten
10.0.0.0/9      low
2001:db8::/32   six
'''
NETWORK_KEYS = ['192.0.2.1', '192.0.2.200', '10.1.1.1', '10.200.1.1', '2001:db8::1', '::1']


MESSAGE = '''From: a@b
Subject: folded
 subject
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

preamble
--x
Content-Type: text/plain

body one
--x
Content-Type: message/rfc822

Subject: inner

inner body
--x--
'''


class TableTest(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-table-'))
        self.addCleanup(shutil.rmtree, self.dir)
        (self.dir / 'main.cf').write_text('compatibility_level = 3.6\n')
        (self.dir / 'master.cf').write_text('')
        for name in ('postmap', 'postalias', 'newaliases'):
            (self.dir / name).symlink_to(BIN / 'facteur')

    def call(self, *words, text=''):
        """(exit status, output) of a program."""
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              timeout=60, input=text, env=dict(os.environ, MAIL_CONFIG=str(self.dir)))
        return done.returncode, done.stdout

    def ours(self, *options, tool='postmap', **more):
        return self.call(self.dir / tool, '-c', self.dir, *options, **more)

    def theirs(self, *options, tool='postmap', **more):
        return self.call('/usr/sbin/' + tool, '-c', self.dir, *options, **more)

    def write(self, name, text):
        (self.dir / name).write_text(text)
        return str(self.dir / name)

    def same_answers(self, table, keys):
        for key in keys:
            if key:
                self.assertEqual(self.ours('-q', key, table), self.theirs('-q', key, table), key)
        lines = ''.join(key + '\n' for key in keys if key)
        self.assertEqual(self.ours('-q', '-', table, text=lines),
                         self.theirs('-q', '-', table, text=lines))

    def test_databases_of_either_are_read_by_the_other(self):
        for kind in ('hash', 'btree', 'lmdb', 'cdb'):
            for maker in (self.ours, self.theirs):
                with self.subTest(kind=kind, maker=maker.__name__):
                    table = f'{kind}:' + self.write('map', MAP)
                    self.assertEqual(maker(table)[0], 0)
                    self.same_answers(table, KEYS)
                    if kind == 'cdb':  # Postfix cannot list it
                        continue
                    self.assertEqual(sorted(self.ours('-s', table)[1].splitlines()),
                                     sorted(self.theirs('-s', table)[1].splitlines()))

    def test_entries_are_added_and_removed(self):
        table = 'hash:' + self.write('map', MAP)
        self.assertEqual(self.theirs(table)[0], 0)
        self.assertEqual(self.ours('-i', table, text='New new value\n')[0], 0)
        self.assertEqual(self.theirs('-q', 'new', table), (0, 'new value\n'))
        self.assertEqual(self.ours('-d', 'bob@example.org', table)[0], 0)
        self.assertEqual(self.ours('-d', 'bob@example.org', table)[0], 1)
        self.assertEqual(self.theirs('-q', 'bob@example.org', table)[0], 1)

    def test_text_tables_answer_alike(self):
        # Postfix 3.7 takes quoted keys in postmap, and not yet in texthash:.
        plain = [key for key in KEYS if ' ' not in key]
        self.same_answers('texthash:' + self.write('text', MAP), plain)
        self.same_answers('inline:{ a=b, { c = d, e } }', ['a', 'c', 'x'])
        self.same_answers('static:everything', ['a'])
        self.same_answers('regexp:' + self.write('rules', RULES), RULE_KEYS)
        self.same_answers('pcre:' + self.write('rules', RULES), RULE_KEYS)
        self.same_answers('cidr:' + self.write('nets', NETWORKS), NETWORK_KEYS)
        self.same_answers('unionmap:{static:one,inline:{a=b}}', ['a', 'c'])
        self.same_answers('pipemap:{inline:{a=b},inline:{b=c}}', ['a', 'b'])
        self.same_answers('unix:passwd.byname', ['root', 'no-such-user'])

    def test_messages_become_keys(self):
        table = 'pcre:' + self.write('checks', '/./ found\n')
        for options in (['-h'], ['-b'], ['-h', '-b'], ['-h', '-m'], ['-b', '-m']):
            with self.subTest(options=options):
                asked = [*options, '-q', '-', table]
                self.assertEqual(self.ours(*asked, text=MESSAGE), self.theirs(*asked, text=MESSAGE))

    def test_options_for_equal_keys_and_case(self):
        for options in (['-w'], ['-r'], ['-f', '-w'], ['-n'], ['-N'], ['-p', '-o']):
            for kind in ('hash', 'cdb', 'lmdb'):
                with self.subTest(options=options, kind=kind):
                    table = f'{kind}:' + self.write('map', 'One 1\none 2\ntwo 3\n')
                    said = []
                    for tool in (self.theirs, self.ours):
                        self.assertEqual(tool(*options, table)[0], 0)
                        said.append([self.theirs('-q', key, table) for key in ('one', 'two', 'One')])
                    self.assertEqual(*said)

    def test_check_finds_what_is_wrong(self):
        def check(table):
            return self.call(BIN / 'facteur', '-c', self.dir, 'table', 'check', table)[0]
        self.assertEqual(check('texthash:' + self.write('good', 'a b\n')), 0)
        self.assertEqual(check('texthash:' + self.write('double', 'a b\nA c\n')), 1)
        self.assertEqual(check('pcre:' + self.write('broken', '/(/ x\n')), 1)
        self.assertEqual(check(f'sqlite:{self.dir}/nowhere.cf'), 1)

    def test_aliases_are_made_by_newaliases(self):
        aliases = self.write('aliases', 'Root: alice, "|/bin/x -y, z"\npostmaster: root\n')
        (self.dir / 'main.cf').write_text(f'alias_database = hash:{aliases}\n')
        self.assertEqual(self.call(self.dir / 'newaliases')[0], 0)
        for tool in (self.ours, self.theirs):
            self.assertEqual(tool('-q', 'root', f'hash:{aliases}', tool='postalias'),
                             (0, 'alice, "|/bin/x -y, z"\n'))

    def test_a_reader_never_sees_half_a_table(self):
        table = 'hash:' + self.write('map', ''.join(f'key{n} v\n' for n in range(2000)))
        self.assertEqual(self.ours(table)[0], 0)
        path = str(self.dir / 'map')
        maker = subprocess.Popen([str(self.dir / 'postmap'), '-c', str(self.dir), table])
        while maker.poll() is None:
            self.assertEqual(self.ours('-q', 'key1999', table), (0, 'v\n'))
        self.assertEqual(maker.returncode, 0)
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ['main.cf', 'map', 'map.db', 'master.cf', 'newaliases', 'postalias',
                          'postmap'], path)


if __name__ == '__main__':
    unittest.main(verbosity=2)
