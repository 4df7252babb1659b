"""pop3d with Python's poplib, curl, and dialogues over a socket."""
import base64
import poplib
import subprocess
import unittest

from tests.lib import message, process
from tests.lib.case import TestCase
from tests.lib.instance import TRUSTING

USER, PASSWORD = 'user@example.test', 'secret'


class Pop3d(TestCase):
    def setUp(self):
        self.i = self.own_instance(settings='mail_max_userip_connections = 0\n')

    def fill(self, texts):
        c = self.i.imap(USER)
        for text in texts:
            self.assertEqual(c.append('INBOX', None, None, text)[0], 'OK')
        c.logout()

    def plain(self):
        return poplib.POP3('127.0.0.1', self.i.port('pop3'), timeout=30)

    def test_a_whole_session(self):
        texts = [b'Subject: %d\r\n\r\n.\r\n..x\r\nbody\r\n' % n for n in range(3)]
        self.fill(texts)
        c = self.i.pop3(USER)
        self.assertEqual(c.stat(), (3, sum(map(len, texts))))
        self.assertEqual(c.list()[1], [b'%d %d' % (n + 1, len(t)) for n, t in enumerate(texts)])
        unique = c.uidl()[1]
        self.assertEqual(len({u.split()[1] for u in unique}), 3)
        self.assertRegex(unique[0], rb'^1 00000001[0-9a-f]{8}$')
        for n, text in enumerate(texts):
            self.assertEqual(b'\r\n'.join(c.retr(n + 1)[1]) + b'\r\n', text)
        self.assertEqual(c.top(1, 1)[1], [b'Subject: 0', b'', b'.'])
        c.dele(2)
        self.assertRaises(poplib.error_proto, c.retr, 2)
        c.rset()
        c.dele(1)
        c.quit()
        c = self.i.pop3(USER)
        self.assertEqual(c.uidl()[1], [unique[1].replace(b'2 ', b'1 '), unique[2].replace(b'3 ', b'2 ')])
        c.dele(1)
        c.close()  # without QUIT nothing goes
        c = self.i.pop3(USER)
        self.assertEqual(c.stat()[0], 2)
        c.quit()
        self.i.wait_log(r'pop3-login: Login: user=<user@example.test>, method=PLAIN, rip=127\.0\.0\.1')
        self.i.wait_log(r'pop3\(user@example.test\)<\d+><\S+>: Disconnected: Logged out top=1/\d+, '
                        r'retr=3/\d+, del=1/3, size=')

    def test_every_way_to_log_in(self):
        c = self.plain()
        self.assertIn('STLS', c.capa())
        self.assertEqual(c.capa()['SASL'], ['PLAIN', 'LOGIN'])
        c.stls(TRUSTING)
        c.user(USER)
        c.pass_(PASSWORD)
        self.assertEqual(c.stat(), (0, 0))
        c.quit()
        c = self.plain()
        response = base64.b64encode(f'\0{USER}\0{PASSWORD}'.encode()).decode()
        self.assertTrue(c._shortcmd(f'AUTH PLAIN {response}').startswith(b'+OK'))
        c.quit()
        c = self.plain()
        c._putcmd('AUTH PLAIN')
        self.assertEqual(c._getline()[0], b'+ ')
        self.assertTrue(c._shortcmd(response).startswith(b'+OK'))
        c.quit()

    def test_wrong_passwords_are_refused_and_logged(self):
        c = self.plain()
        c.user(USER)
        with self.assertRaisesRegex(poplib.error_proto, r'\[AUTH\]'):
            c.pass_('wrong')
        self.assertRaises(poplib.error_proto, c.pass_, PASSWORD)
        c.close()
        self.i.wait_log(r'pop3-login: Disconnected: Connection closed \(auth failed, 1 attempts in \d+ '
                        r'secs\): user=<user@example.test>, method=PLAIN, rip=127\.0\.0\.1')

    def test_pipelining_over_the_login(self):
        self.fill([b'a: b\r\n\r\nx\r\n'])
        c = self.plain()
        c.sock.sendall(f'USER {USER}\r\nPASS {PASSWORD}\r\nSTAT\r\nRETR 1\r\nQUIT\r\n'.encode())
        said = [c._getline()[0] for _ in range(9)]
        self.assertEqual(said, [b'+OK', b'+OK Logged in.', b'+OK 1 11', b'+OK 11 octets', b'a: b', b'',
                                b'x', b'.', b'+OK Logging out.'])

    @unittest.skipIf(process.missing('curl'), 'curl is not installed')
    def test_curl_reads(self):
        self.fill([message.plain(USER, USER, 'for curl').replace('\n', '\r\n').encode()])
        for url in (f'pop3s://127.0.0.1:{self.i.port("pop3s")}/1',
                    f'pop3://127.0.0.1:{self.i.port("pop3")}/1'):
            out = subprocess.run(['curl', '-sS', '-k', '--user', f'{USER}:{PASSWORD}', url],
                                 capture_output=True, text=True, timeout=30)
            self.assertIn('Subject: for curl', out.stdout, out.stderr)


if __name__ == '__main__':
    unittest.main()
