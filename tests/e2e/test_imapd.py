"""imapd with Python's imaplib, curl, and dialogues over a socket."""
import imaplib
import os
import socket
import ssl
import subprocess
import threading
import unittest

from tests.lib import message, process
from tests.lib.case import TestCase
from tests.lib.instance import TRUSTING, Instance

USER, PASSWORD = 'user@example.test', 'secret'
SETTINGS = 'mail_max_userip_connections = 0\n'


class Dialogue:
    """A plain or TLS connection on which lines are said and heard."""

    def __init__(self, instance, protocol='imap', tls=False):
        self.socket = socket.create_connection(('127.0.0.1', instance.port(protocol)), timeout=20)
        if tls:
            self.socket = TRUSTING.wrap_socket(self.socket)
        self.file = self.socket.makefile('rb')

    def say(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        return self.file.readline().decode()

    def until(self, start):
        """All lines up to the one that starts so."""
        lines = []
        while not lines or not lines[-1].startswith(start):
            line = self.line()
            if not line:
                raise AssertionError(f'closed before {start}: {lines}')
            lines.append(line)
        return ''.join(lines)

    def start_tls(self):
        self.socket = ssl.SSLContext.wrap_socket(TRUSTING, self.socket)
        self.file = self.socket.makefile('rb')

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Imapd(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(settings=SETTINGS)

    def dialogue(self, *arguments, **options):
        dialogue = Dialogue(self.i, *arguments, **options)
        self.addCleanup(dialogue.close)
        return dialogue

    def logged_in(self, **options):
        d = self.dialogue(**options)
        d.line()
        d.say(f'l LOGIN {USER} {PASSWORD}\r\n')
        d.until('l OK')
        return d

    def append(self, client, count, mailbox='INBOX'):
        for n in range(count):
            text = message.plain(USER, USER, f'number {n}').replace('\n', '\r\n')
            self.assertEqual(client.append(mailbox, None, None, text.encode())[0], 'OK')

    def test_login_over_tls_and_starttls_and_in_the_clear_on_this_host(self):
        for tls in (True, False):
            client = self.i.imap(USER, tls=tls)
            self.assertEqual(client.select()[0], 'OK')
            client.logout()
        client = self.i.imap(tls=False)
        client.starttls(TRUSTING)
        client.login(USER, PASSWORD)
        self.assertEqual(client.noop()[0], 'OK')
        client.logout()
        self.i.wait_log(r'imap-login: Login: user=<user@example.test>, method=PLAIN, '
                        r'rip=127\.0\.0\.1, lip=127\.0\.0\.1, mpid=\d+, TLS, session=<')
        self.i.wait_log(r'imap\(user@example.test\)<\d+><\S+>: Disconnected: Logged out in=\d+ out=')

    def test_authenticate_plain_and_login_with_and_without_initial_response(self):
        plain = 'AHVzZXJAZXhhbXBsZS50ZXN0AHNlY3JldA=='
        d = self.dialogue()
        self.assertIn('SASL-IR', d.line())
        d.say(f'a AUTHENTICATE PLAIN {plain}\r\n')
        self.assertIn('a OK [CAPABILITY', d.until('a OK'))
        d = self.dialogue()
        d.line()
        d.say('a AUTHENTICATE PLAIN\r\n')
        self.assertEqual(d.line(), '+ \r\n')
        d.say(plain + '\r\n')
        d.until('a OK')
        d = self.dialogue()
        d.line()
        d.say('a AUTHENTICATE LOGIN\r\n')
        self.assertTrue(d.line().startswith('+ '))
        d.say('dXNlckBleGFtcGxlLnRlc3Q=\r\n')
        self.assertTrue(d.line().startswith('+ '))
        d.say('c2VjcmV0\r\n')
        d.until('a OK')
        d = self.dialogue()
        d.line()
        d.say('a AUTHENTICATE PLAIN\r\n')
        d.line()
        d.say('*\r\nb AUTHENTICATE FOO\r\nc AUTHENTICATE PLAIN !\r\n')
        self.assertIn('a BAD', d.line())
        self.assertIn('b NO', d.line())
        self.assertIn('c BAD', d.line())

    def test_wrong_passwords_and_unknown_users_hear_the_same(self):
        d = self.dialogue()
        d.line()
        d.say(f'a LOGIN {USER} wrong\r\nb LOGIN nobody@example.test wrong\r\n')
        self.assertEqual(d.until('a NO')[1:], d.until('b NO')[1:])
        d.close()
        self.i.wait_log(r'imap-login: Disconnected: Connection closed \(auth failed, 2 attempts in '
                        r'\d+ secs\): user=<nobody@example.test>, method=PLAIN, rip=127\.0\.0\.1, ')

    def test_pipelined_commands_survive_the_change_of_stage(self):
        for tls in (False, True):
            d = self.dialogue('imaps' if tls else 'imap', tls=tls)
            d.say(f'a NOOP\r\nb LOGIN {{{len(USER)}+}}\r\n{USER} {PASSWORD}\r\nc NOOP\r\n'
                  'd SELECT INBOX\r\ne LOGOUT\r\n')
            said = d.until('e OK')
            for tag in 'abcd':
                self.assertIn(f'\r\n{tag} OK', said)

    def test_nothing_said_before_starttls_counts(self):
        d = self.dialogue()
        d.line()
        d.say('a STARTTLS\r\nb NOOP\r\n')
        d.until('a OK')
        d.start_tls()
        d.say('c NOOP\r\n')
        self.assertTrue(d.line().startswith('c OK'))

    def test_the_session_is_right_for_imaplib(self):
        c = self.i.imap(USER)
        self.assertEqual(c.create('lib')[0], 'OK')
        self.append(c, 3, 'lib')
        self.assertEqual(c.select('lib'), ('OK', [b'3']))
        self.assertEqual(c.search(None, 'SUBJECT', '"number 1"'), ('OK', [b'2']))
        status, data = c.fetch('1:*', '(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
        self.assertEqual(status, 'OK')
        self.assertEqual([d[1] for d in data if isinstance(d, tuple)],
                         [b'Subject: number %d\r\n\r\n' % n for n in range(3)])
        self.assertEqual(c.store('1', '+FLAGS', r'(\Seen work)')[1][0],
                         b'1 (FLAGS (\\Seen \\Recent work))')
        self.assertEqual(c.copy('1:2', 'INBOX')[0], 'OK')
        self.assertEqual(c.store('2', '+FLAGS.SILENT', r'(\Deleted)')[0], 'OK')
        self.assertEqual(c.expunge(), ('OK', [b'2']))
        self.assertEqual(c.uid('SEARCH', 'KEYWORD', 'work')[1], [b'1'])
        self.assertEqual(c.status('lib', '(MESSAGES UIDNEXT)')[1], [b'lib (MESSAGES 2 UIDNEXT 4)'])
        c.logout()

    def test_messages_come_back_byte_for_byte(self):
        c = self.i.imap(USER)
        c.create('bytes')
        texts = [b'', b'\r\n', b'a: b', b'a: b\r\n\r\n', b'x' * 100000,
                 b'Subject: 8bit\r\n\r\n' + bytes(b for b in range(1, 256) if b not in b'\r\n') + b'\r\n',
                 b'a: b\r\n\r\n' + b'.\r\n..\r\n' * 20000]
        for text in texts[1:]:
            self.assertEqual(c.append('bytes', None, None, text)[0], 'OK')
        c.select('bytes')
        for n, text in enumerate(texts[1:], 1):
            status, data = c.fetch(str(n), '(RFC822.SIZE BODY.PEEK[])')
            self.assertEqual(data[0][1], text)
            self.assertIn(b'RFC822.SIZE %d' % len(text), data[0][0] + data[1])
        c.logout()

    def test_idle_hears_of_new_mail_from_another_session_and_from_smtp(self):
        d = self.logged_in()
        d.say('a CREATE idle\r\nb SELECT idle\r\nc IDLE\r\n')
        d.until('+ idling')
        c = self.i.imap(USER)
        self.append(c, 1, 'idle')
        d.until('* 1 EXISTS')
        c.select('idle')
        c.store('1', '+FLAGS', r'\Deleted')
        self.assertIn('\\Deleted', d.until('* 1 FETCH'))
        c.expunge()
        d.until('* 1 EXPUNGE')
        c.logout()
        d.say('DONE\r\n')
        d.until('c OK')

    def test_idle_hears_of_mail_that_smtp_brings(self):
        d = self.logged_in()
        d.say('b SELECT INBOX\r\nc IDLE\r\n')
        d.until('+ idling')
        self.i.send('a@client.test', [USER], message.plain('a@client.test', USER, 'idle smtp'))
        self.assertIn('EXISTS', d.until('* 1 RECENT'))

    def test_names_are_modified_utf7_on_the_wire(self):
        d = self.logged_in()
        d.say('a CREATE "Entw&APw-rfe.2026"\r\nb LIST "" "Entw*"\r\nc DELETE "Entw&APw-rfe.2026"\r\n')
        said = d.until('c OK')
        self.assertIn('Entw&APw-rfe.2026\r\n', said)
        self.assertTrue((self.i.maildir(USER) / '').exists())

    def test_thousands_of_answers_do_not_stop_another_session(self):
        c = self.i.imap(USER)
        c.create('large')
        self.append(c, 200, 'large')
        d = self.logged_in()
        d.say('a SELECT large\r\n')
        d.until('a OK')
        d.say('b FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY[])\r\n' * 20)
        self.assertEqual(c.noop()[0], 'OK')
        for _ in range(20):
            d.until('b OK')
        c.logout()

    def test_too_long_commands_and_literals_are_refused(self):
        d = self.dialogue()
        d.line()
        d.say('a LOGIN {999999}\r\n')
        self.assertTrue(d.line().startswith('a BAD'))
        d.say('b LOGIN ' + 'x' * 100000 + '\r\n')
        self.assertTrue(d.line().startswith('b BAD'))
        d.say('c LOGIN {999999+}\r\n')
        self.assertIn('* BYE', d.until('* BYE'))

    @unittest.skipIf(process.missing('curl'), 'curl is not installed')
    def test_curl_lists_and_fetches(self):
        c = self.i.imap(USER)
        c.create('curl')
        self.append(c, 1, 'curl')
        c.logout()
        base = ['curl', '-sS', '--user', f'{USER}:{PASSWORD}', '-k']
        for url in (f'imaps://127.0.0.1:{self.i.port("imaps")}',
                    f'imap://127.0.0.1:{self.i.port("imap")}'):
            out = subprocess.run(base + [url], capture_output=True, text=True, timeout=30)
            self.assertIn('* LIST', out.stdout, out.stderr)
            out = subprocess.run(base + [url + '/curl;MAILINDEX=1'], capture_output=True, text=True,
                                 timeout=30)
            self.assertIn('Subject: number 0', out.stdout, out.stderr)

    def test_reload_keeps_sessions(self):
        d, t = self.logged_in(), self.logged_in(tls=False)
        self.i.reload()
        c = self.i.imap(USER)
        c.logout()
        for session in (d, t):
            session.say('x NOOP\r\n')
            session.until('x OK')

    def test_many_sessions_work_at_once(self):
        failures = []

        def work(number):
            try:
                c = self.i.imap(USER, tls=number % 2 == 0)
                c.create(f'many{number}')
                self.append(c, 5, f'many{number}')
                c.select(f'many{number}')
                for _ in range(5):
                    assert c.fetch('1:*', '(FLAGS BODY.PEEK[])')[0] == 'OK'
                c.store('1:*', '+FLAGS', r'(\Deleted)')
                assert len(c.expunge()[1]) == 5
                c.logout()
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Limits(TestCase):
    def test_plaintext_is_refused_where_tls_is_demanded(self):
        i = self.own_instance(settings='imapd_tls_security_level = encrypt\n')
        with Dialogue(i) as d:
            self.assertRegex(d.line(), 'STARTTLS.*LOGINDISABLED')
            d.say(f'a LOGIN {USER} {PASSWORD}\r\nb AUTHENTICATE PLAIN\r\n')
            self.assertTrue(d.line().startswith('a NO [PRIVACYREQUIRED]'))
            self.assertTrue(d.line().startswith('b NO [PRIVACYREQUIRED]'))
        i.wait_log(r'imap-login: Disconnected: Connection closed \(tried to use disallowed plaintext '
                   r'auth\): user=<>, rip=127\.0\.0\.1')

    @unittest.skipIf(os.getuid(), 'needs root')
    def test_mail_belongs_to_a_user_with_a_uid_of_its_own(self):
        i = self.own(Instance())
        home = i.dir / 'mail/own'
        home.mkdir(parents=True)
        os.chown(home, 65534, 65534)
        with open(i.dir / 'users', 'a') as users:
            users.write(f'own@example.test:{{PLAIN}}pw:65534:65534::{home}::\n')
        i.users['own@example.test'] = 'pw'
        i.start()
        c = i.imap('own@example.test')
        self.assertEqual(c.append('INBOX', None, None, b'a: b\r\n\r\nc\r\n')[0], 'OK')
        self.assertEqual(c.create('x.y')[0], 'OK')
        c.logout()
        owners = {p.stat().st_uid for p in (home / 'Maildir').rglob('*')}
        self.assertEqual(owners, {65534})

    def test_the_number_of_sessions_of_one_user_is_limited(self):
        i = self.own_instance(settings='mail_max_userip_connections = 2\n')
        sessions, refused = [], None
        try:
            for _ in range(20):
                sessions.append(i.imap(USER, tls=False))
        except imaplib.IMAP4.error as error:
            refused = str(error)
        self.assertRegex(refused or '', r'\[LIMIT\]')


if __name__ == '__main__':
    unittest.main()
