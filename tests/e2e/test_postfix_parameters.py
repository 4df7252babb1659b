"""conf/postfix_parameters against what the daemons declare and against Postfix itself.

With --update, the rows of what daemons declare meanwhile become honoured.
"""
import os
import re
import subprocess
import sys
import unittest
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get('FACTEUR_BIN', ROOT / 'build/bin')).resolve()
DAEMONS = ('master', 'smtpd', 'qmgr', 'smtp-client', 'lmtp-local', 'imapd', 'pop3d', 'addressd',
           'authd', 'policyd')
MEASURED = ('reception', 'rewriting', 'tables', 'routing')
AREAS = MEASURED + ('delivery', 'client', 'queue', 'house', 'tools')
VERDICTS = ('honoured', 'meaningless', 'refused')
WANTED = 90   # percent of the measured areas that are honoured, of those with a meaning

Row = namedtuple('Row', 'name area verdict default text')
OWN_VALUES = re.compile(r'\((the|of|a) [\w. ]+\)$')   # what postconf computes from its host


def table():
    lines = (ROOT / 'conf/postfix_parameters').read_text().splitlines()
    rows = [line.split(' | ', 4) for line in lines if line and not line.startswith('#')]
    return [Row(*(row + [''])[:5]) for row in rows]


def declared():
    """Names that daemons declare; for each service's own ones "transport" + suffix."""
    names = set()
    for daemon in DAEMONS:
        done = subprocess.run([BIN / daemon, '--parameters'], capture_output=True, text=True,
                              check=True, timeout=60)
        for line in done.stdout.splitlines():
            fields = line.split('\t')
            names.add(fields[0])
            if len(fields) > 6 and fields[6]:
                names.add('transport' + fields[6])
    # The set-gid helper answers no question about itself.
    names.update(re.findall(r'params, "(\w+)"', (ROOT / 'tools/drop/main.cc').read_text()))
    return names


def postconf():
    """{name: default} of the Postfix that is installed."""
    done = subprocess.run(['postconf', '-d'], capture_output=True, text=True, check=True, timeout=60)
    return {name.strip(): value.strip()
            for name, _, value in (line.partition('=') for line in done.stdout.splitlines())}


def share(rows, verdict='honoured'):
    return 100 * sum(row.verdict == verdict for row in rows) / len(rows)


def update():
    """Rewrites the table: what a daemon declares is honoured."""
    path, known = ROOT / 'conf/postfix_parameters', declared()
    lines = []
    for line in path.read_text().splitlines():
        fields = line.split(' | ', 4)
        if not line.startswith('#') and fields[0] in known and fields[2] != 'honoured':
            line = ' | '.join([fields[0], fields[1], 'honoured', fields[3]])
            print(f'{fields[0]}: was {fields[2]}')
        lines.append(line)
    path.write_text('\n'.join(lines) + '\n')


class PostfixParameters(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.rows = table()
        cls.declared = declared()

    def test_each_row_is_complete(self):
        names = [row.name for row in self.rows]
        self.assertEqual(names, sorted(names))
        self.assertEqual(len(names), len(set(names)))
        for row in self.rows:
            with self.subTest(row.name):
                self.assertIn(row.area, AREAS)
                self.assertIn(row.verdict, VERDICTS)
                if row.verdict != 'honoured':
                    self.assertGreater(len(row.text), 15)

    def test_honoured_is_what_a_daemon_declares(self):
        self.assertEqual([row.name for row in self.rows
                          if row.verdict == 'honoured' and row.name not in self.declared], [],
                         'called honoured, and no daemon declares it')
        self.assertEqual([row.name for row in self.rows
                          if row.verdict != 'honoured' and row.name in self.declared], [],
                         'a daemon declares it: call it honoured')

    def test_every_parameter_of_postfix_is_there(self):
        named = {row.name: row for row in self.rows}
        suffixes = [row.name[len('transport'):] for row in self.rows
                    if row.name.startswith('transport_')]
        missing = [name for name in postconf() if name not in named
                   and not any(name.endswith(suffix) for suffix in suffixes)]
        self.assertEqual(missing, [])

    def test_the_defaults_are_those_of_postfix(self):
        theirs = postconf()
        for row in self.rows:
            if row.name in theirs and not OWN_VALUES.match(row.default):
                with self.subTest(row.name):
                    self.assertEqual(row.default.rstrip('-') or '',
                                     theirs[row.name].rstrip('-') or '')

    def test_most_of_what_matters_is_honoured(self):
        for area in AREAS:
            rows = [row for row in self.rows if row.area == area]
            print(f'{area}: {share(rows):.0f} % of {len(rows)} honoured, '
                  f'{share(rows, "refused"):.0f} % refused')
        rows = [row for row in self.rows if row.area in MEASURED]
        with_meaning = [row for row in rows if row.verdict != 'meaningless']
        print(f'reception, rewriting, tables and routing: {share(rows):.1f} % of {len(rows)} '
              f'honoured; {share(with_meaning):.1f} % of the {len(with_meaning)} with a meaning')
        self.assertGreaterEqual(share(with_meaning), WANTED)


if __name__ == '__main__':
    if sys.argv[1:] == ['--update']:
        update()
    else:
        unittest.main(verbosity=2)
