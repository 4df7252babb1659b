"""The same conversations with a real Postfix and with Facteur: the same replies, the same queue.

Each file of dialogues/ is one SMTP service: its first lines are -o settings for both, then come
dialogues, each with a title behind "== ".  A line is sent as a command and its reply awaited, but

    + line      sent with the next line, without waiting (pipelining)
    ! bytes     sent as they are, with Python's escapes, and a reply awaited
    # text      a comment

After DATA with a 354 the lines up to "." are content; after another reply they are left out.
Compared are the reply code and the enhanced status code of each reply, and what is in the queue
afterwards: place, sender, recipients.  Where the two differ on purpose, dialogues/differences says
how and why.
"""
import json
import os
import re
import shutil
import socket
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lib import ports, process
from tests.lib.case import TestCase
from tests.lib.instance import Instance
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until

JOBS = 8
FOLDER = Path(__file__).parent / 'dialogues'
SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_error_sleep_time = 0
smtpd_banner = $myhostname ESMTP
message_size_limit = 100000
mydestination =
virtual_mailbox_domains = here.test
virtual_mailbox_maps = texthash:{tables}/mailboxes
virtual_alias_domains = alias.test
virtual_alias_maps = texthash:{tables}/aliases
relay_domains = relay.test
relay_recipient_maps = texthash:{tables}/relayed
virtual_transport = smtp:[127.0.0.1]:1
relay_transport = smtp:[127.0.0.1]:1
default_transport = smtp:[127.0.0.1]:1
recipient_delimiter = +
smtputf8_enable = yes
smtpd_restriction_classes = strict, lax
strict = reject_non_fqdn_helo_hostname, reject
lax = permit
smtpd_sender_login_maps = texthash:{tables}/logins
smtpd_forbid_unauth_pipelining = no
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination
notify_classes =
'''


def settings_and_dialogues(path):
    """({name: value}, [(title, [line])])."""
    settings, dialogues = {}, []
    for line in path.read_text().splitlines():
        if line.startswith('-o '):
            name, _, value = line[3:].partition('=')
            settings[name.strip()] = value.strip()
        elif line.startswith('== '):
            dialogues.append((line[3:], []))
        elif dialogues and line and not line.startswith('#'):
            dialogues[-1][1].append(line)
    return settings, dialogues


class Talk:
    """One connection; what it says is taken down as [(line, 'code status')]."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.file = self.socket.makefile('rb')
        self.replies = [('connect', self.reply())]

    def reply(self):
        while True:
            try:
                line = self.file.readline().decode(errors='replace')
            except OSError:
                line = ''
            if line[3:4] != '-':
                break
        found = re.match(r'(\d{3})(?: ([245]\.\d{1,3}\.\d{1,3})\b)?', line)
        if not found:
            return 'closed'
        return found.group(1) + (' ' + found.group(2) if found.group(2) else '')

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def play(self, lines):
        waiting, content = [], None
        for line in lines:
            if content is not None:
                if content:
                    self.send(line.encode() + b'\r\n')
                if line == '.':
                    if content:
                        self.replies.append(('content', self.reply()))
                    content = None
            elif line.startswith('+ '):
                waiting.append(line[2:])
            else:
                raw = line.startswith('! ')
                data = line[2:].encode().decode('unicode_escape').encode('latin-1') if raw \
                    else line.encode() + b'\r\n'
                self.send(b''.join(w.encode() + b'\r\n' for w in waiting) + data)
                for said in waiting + [line]:
                    self.replies.append((said, self.reply()))
                waiting = []
                if line.upper() == 'DATA':
                    content = self.replies[-1][1].startswith('354')
        self.file.close()
        self.socket.close()
        return self.replies


def leaves_a_message(lines):
    """Whether a dialogue may come to the end of a content."""
    return '.' in lines or any(line.startswith(('! BDAT', 'BDAT')) for line in lines)


def known_differences():
    """{(file, title): {(step, postfix, facteur)}}; a line: file | title | step | P | F | why."""
    known = {}
    for line in (FOLDER / 'differences').read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        name, title, *difference, why = [part.strip() for part in line.split('|')]
        assert why and len(difference) == 3, line
        known.setdefault((name, title), set()).add(tuple(difference))
    return known


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class Dialogues(TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.tables = Path('/tmp') / f'facteur-dialogues-{os.getpid()}'
        shutil.copytree(FOLDER / 'tables', cls.tables)
        cls.addClassCleanup(shutil.rmtree, cls.tables)
        os.chmod(cls.tables, 0o755)
        cls.files = sorted(FOLDER.glob('*.dlg'))
        cls.parsed = {path.stem: settings_and_dialogues(path) for path in cls.files}
        settings = SETTINGS.format(tables=cls.tables)
        cls.ports = {}
        cls.postfix = cls.keep(Postfix(settings=settings, services=cls.services('postfix', '-')))
        cls.i = cls.keep(Instance())
        cls.i.add_settings(settings + 'myhostname = mx.postfix.test\n')
        with (cls.i.dir / 'master.cf').open('a') as master:
            master.write(cls.services('facteur', '1'))
        cls.i.start()
        for where in cls.ports.values():
            for port in where.values():
                wait_until(lambda: ports.accepts(port), what=f'service on port {port}')

    @classmethod
    def services(cls, who, processes):
        """Lines for master.cf; notes the ports."""
        text, cls.ports[who] = '', {}
        for name, (settings, _) in cls.parsed.items():
            taken = [port for where in cls.ports.values() for port in where.values()]
            port = next(p for p in iter(ports.free_port, None) if p not in taken)
            cls.ports[who][name] = port
            text += f'127.0.0.1:{cls.ports[who][name]} inet n - n - {processes} smtpd\n'
            for key, value in settings.items():
                text += f'  -o {{ {key} = {value.replace("TABLES", str(cls.tables))} }}\n'
        return text

    def queued(self):
        """{queue id: (place, sender, recipients)} of each."""
        def entries(listed):
            found = {}
            for entry in listed:
                place = 'hold' if entry['queue_name'] == 'hold' else 'queue'
                to = ','.join(sorted(r['address'] for r in entry['recipients']))
                found[entry['queue_id']] = f'{place} from <{entry["sender"]}> to {to}'
            return found
        facteur = self.i.run('queue', 'list', '--json').splitlines()
        return {'postfix': entries(self.postfix.queue()),
                'facteur': entries(map(json.loads, facteur))}

    def differences(self, name, lines):
        """{(step, postfix, facteur)} of one dialogue."""
        said = {who: Talk(self.ports[who][name]).play(lines) for who in ('postfix', 'facteur')}
        found = set()
        longest = max(map(len, said.values()))
        for talk in said.values():
            talk += [('', 'nothing')] * (longest - len(talk))
        taken = False
        for (step, one), (_, other) in zip(said['postfix'], said['facteur']):
            if one != other:
                found.add((step.replace('|', '/'), one, other))
            content = step == 'content' or step.upper().startswith(('! BDAT', 'BDAT'))
            taken |= content and '250' in one + other
        if taken:
            new = self.new_messages()
            if new['postfix'] != new['facteur']:
                found.add(('queue', ' & '.join(new['postfix']), ' & '.join(new['facteur'])))
        return found

    def new_messages(self):
        """Sorted, since the last time; when nothing has changed for a moment."""
        last = None

        def at_rest():
            nonlocal last
            now = self.queued()
            same, last = now == last, now
            # Postfix lists a message before its queue manager has read who gets it.
            return same and all(not entry.endswith(' ') for q in now.values()
                                for entry in q.values())
        wait_until(at_rest, 10, 'both queues are at rest')
        new = {who: sorted(entry for key, entry in last[who].items()
                           if key not in self.seen[who]) for who in last}
        self.seen = last
        return new

    def test_both_say_the_same(self):
        known = known_differences()
        self.seen = {'postfix': {}, 'facteur': {}}
        everything = [(path.stem, title, lines) for path in self.files
                      for title, lines in self.parsed[path.stem][1]]
        # Those that leave nothing in the queue do not disturb each other.
        alone = [each for each in everything if not leaves_a_message(each[2])]
        with ThreadPoolExecutor(JOBS) as pool:
            results = list(pool.map(lambda each: self.differences(each[0], each[2]), alone))
        for (name, title, _), found in zip(alone, results):
            self.compare(name, title, found, known)
        for name, title, lines in everything:
            if leaves_a_message(lines):
                self.compare(name, title, self.differences(name, lines), known)
        titles = {(p.stem, title) for p in self.files for title, _ in self.parsed[p.stem][1]}
        self.assertEqual(set(known) - titles, set(), 'differences of dialogues that are gone')
        self.assertGreaterEqual(len(everything), 300)

    def compare(self, name, title, found, known):
        with self.subTest(file=name, title=title):
            self.assertEqual(found, known.get((name, title), set()))


if __name__ == '__main__':
    unittest.main()
