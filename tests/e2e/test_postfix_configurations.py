"""facteur check over configurations of Postfix as people have them.

Each folder of postfix_configurations/ has a main.cf and a master.cf, and in `said` what `facteur
check` may say about them: its lines, without the folder's name and without what depends on the
machine (files that are not there).  A line that is not in it is a complaint too many; one that is
no longer said is progress.  It is renewed, and read, with

    FACTEUR_RENEW=1 tests/run e2e postfix_configurations
"""
import os
import re
import shutil
import unittest
from pathlib import Path

from tests.lib import ports
from tests.lib.case import TestCase
from tests.lib.instance import PROGRAM, Instance
from tests.lib.message import plain

FOLDER = Path(__file__).parent / 'postfix_configurations'
# What depends on the machine that the test runs on.
LOCAL = re.compile(r'cannot read /|queue_directory .* does not exist|user .* does not exist|'
                   r'group .* does not exist|no such file', re.I)
# Those that start as they are, but for ports and paths; and whom they take mail for.
STARTED = {'simple_mx': 'root@mx.example.com', 'backup_mx': 'x@example.org',
           'null_client': None, 'send_only': None}


class Configurations(TestCase):
    maxDiff = None

    def said_about(self, folder):
        i = self.own(Instance())
        for name in ('main.cf', 'master.cf'):
            shutil.copy(folder / name, i.dir / name)
        output = i.run('check', check=False)
        lines = [line.replace(str(i.dir) + '/', '') for line in output.splitlines()]
        return ''.join(line + '\n' for line in lines
                       if not LOCAL.search(line) and not line.endswith(': no errors'))

    def test_check_says_what_it_should(self):
        folders = sorted(path for path in FOLDER.iterdir() if path.is_dir())
        self.assertGreaterEqual(len(folders), 15)
        for folder in folders:
            with self.subTest(folder.name):
                said = self.said_about(folder)
                if os.environ.get('FACTEUR_RENEW'):
                    (folder / 'said').write_text(said)
                more = set(said.splitlines()) - set((folder / 'said').read_text().splitlines())
                self.assertEqual(more, set())

    def test_a_slip_and_a_refusal_are_named_with_a_way_out(self):
        said = self.said_about(FOLDER / 'secondary_instance')
        for line in (
                'warning: main.cf, line 7: unknown parameter "smtpd_reciepient_restrictions": did '
                'you mean smtpd_recipient_restrictions?',
                'error: main.cf, line 8: sender_based_routing is not supported: the parameter was '
                'removed from Postfix: write sender_dependent_relayhost_maps',
                'warning: main.cf, line 13: fast_destination_rate_delay: master.cf has no service '
                '"fast": remove the line or correct the name',
                'note: main.cf, line 2: multi_instance_enable changes nothing'):
            self.assertIn(line, said)
        self.assertIn('-o nosuch_parameter', said.replace('unknown parameter "', '-o '))
        self.assertIn('-o smtpd_timeout: smtp-client does not read it', said)
        self.assertIn('-o virtual_alias_maps: cleanup is a part of', said)

    def test_nothing_is_ignored(self):
        """Each parameter that is set is honoured, or there is a line about it."""
        known = self.own(Instance()).run('conf', '-d')
        names = {line.split(' =')[0] for line in known.splitlines()}
        for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
            said = self.said_about(folder)
            text = (folder / 'main.cf').read_text()
            for name in re.findall(r'^([A-Za-z0-9_]+) *=', text, re.M):
                used = re.search(r'\$\{?' + name + r'\b', text + (folder / 'master.cf').read_text())
                of_table = name.startswith('users_')
                is_class = re.search(rf'smtpd_restriction_classes = .*\b{name}\b', text)
                if '_destination_' in name:
                    continue
                if name not in names and not used and not of_table and not is_class:
                    with self.subTest(folder=folder.name, name=name):
                        self.assertIn(name, said)

    def test_some_start_and_take_mail(self):
        for name, recipient in STARTED.items():
            with self.subTest(name):
                self.start(FOLDER / name, recipient)

    def start(self, folder, recipient):
        i = self.own(Instance())
        own = (i.dir / 'main.cf').read_text()
        keep = [line for line in own.splitlines()
                if re.match(r'(queue_directory|maillog_file|mail_home|daemon_directory|auth_passdb|'
                            r'smtpd_tls_(cert|key)_file)', line)]
        (i.dir / 'aliases').write_text('postmaster: root\n')
        text = (folder / 'main.cf').read_text().replace('hash:/etc/aliases',
                                                        f'texthash:{i.dir}/aliases')
        text = re.sub(r'reject_(rbl_client|rhsbl_sender) \S+,?', '', text)
        text = re.sub(r'reject_unknown_\w+,?|reject_unverified_\w+,?', '', text)
        for table in ('relay_recipients', 'transport'):
            (i.dir / table).write_text('x@example.org x\n' if table[0] == 'r' else '')
        (i.dir / 'main.cf').write_text(text + '\n' + '\n'.join(keep) + '\n')
        master = (folder / 'master.cf').read_text()
        port = ports.free_port()
        master = re.sub(r'^smtp( +inet)', f'127.0.0.1:{port}\\1', master, flags=re.M)
        (i.dir / 'master.cf').write_text(master)
        i.run('start')
        import smtplib
        with smtplib.SMTP('127.0.0.1', port, timeout=30, local_hostname='client.test') as client:
            self.assertEqual(client.ehlo()[0], 250)
            if recipient:
                client.sendmail('sender@client.test', [recipient],
                                plain('sender@client.test', recipient))
        if recipient:
            i.wait_log(rf'to=<{re.escape(recipient)}>')


if __name__ == '__main__':
    unittest.main()
