"""What strangers try: smuggling, floods, slowness, ten thousand connections; memory has bounds."""
import re
import resource
import selectors
import socket
import time
import unittest
from pathlib import Path

from tests.lib.case import TestCase

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_sessions_per_process = 6000
'''
CONNECTIONS = 10000


def anonymous_memory(pids):
    """Bytes of their own that processes hold together."""
    total = 0
    for pid in pids:
        text = Path(f'/proc/{pid}/status').read_text()
        total += int(re.search(r'RssAnon:\s+(\d+) kB', text)[1]) * 1024
    return total


class Abuse(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(users={'anna@example.test': 'secret'}, settings=SETTINGS)

    def smtpd(self):
        return [pid for pid, name in self.i.workers().items() if name == 'smtpd']

    def connect(self, greet=True):
        s = socket.create_connection(('127.0.0.1', self.i.port('smtp')), timeout=30)
        self.addCleanup(s.close)
        if greet:
            self.assertEqual(s.recv(1000)[:4], b'220 ')
        return s

    def hear(self, s):
        """Everything until the server hangs up."""
        heard = b''
        try:
            while True:
                block = s.recv(65536)
                if not block:
                    return heard
                heard += block
        except ConnectionResetError:
            return heard

    def talk(self, *lines):
        s = self.connect()
        file = s.makefile('rb')
        answer = b''
        for line in lines:
            s.sendall(line + b'\r\n')
            while True:
                answer = file.readline()
                if answer[3:4] != b'-':
                    break
        return answer.decode().rstrip('\r\n')

    def test_no_second_message_is_smuggled_in_the_first(self):
        second = (b'MAIL FROM:<evil@else.example>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n'
                  b'Subject: smuggled\r\n\r\nhi\r\n.\r\nQUIT\r\n')
        for end in (b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r', b'\r\n.\r', b'\r.\r\n', b'\r\n.\0\r\n',
                    b'\r\n\0.\r\n', b'\r\n.\r\r\n', b'\n\n.\n\n'):
            with self.subTest(end=end):
                s = self.connect()
                file = s.makefile('rb')
                for line in (b'HELO a.example', b'MAIL FROM:<a@else.example>',
                             b'RCPT TO:<anna@example.test>', b'DATA'):
                    s.sendall(line + b'\r\n')
                    answer = file.readline()
                self.assertEqual(answer[:3], b'354')
                s.sendall(b'Subject: first\r\n\r\nhello' + end + second)
                s.shutdown(socket.SHUT_WR)
                heard = file.read().decode()
                # One reply to the content; what it hid was never a command.
                self.assertNotIn('queued', heard.replace('queued', '', 1)
                                 if 'queued' in heard else heard)
        self.assertNotIn('evil@else.example', self.i.log().replace('helo=', ''))
        self.i.wait_queue(0)
        self.assertFalse([each for each in self.i.messages('anna@example.test')
                          if 'Subject: smuggled' in str(each).split('\n\n')[0]])

    def test_addresses_of_every_kind(self):
        for path, code in (('<>', '250'), ('<a@b.example>', '250'), ('<"a b"@b.example>', '250'),
                           (r'<"a\"b\\c"@b.example>', '250'), ('<"<>@"@b.example>', '250'),
                           ('<@x.example,@y.example:a@b.example>', '250'),
                           ('<a@[192.0.2.1]>', '250'), ('<a@[IPv6:2001:db8::1]>', '250'),
                           ('<a@[IPv6:zz]>', '501'), ('<a@[999.0.2.1]>', '501'),
                           ('<a@b@c>', '501'), ('<a..b@c.example>', None), ('<.a@c.example>', None),
                           ('<"a@c.example>', '501'), ('<a@-.example>', '501'),
                           ('<a@b..example>', '501'), ('<a b@c.example>', '501'),
                           ('<a@c.example', '501'), ('<' + 'a' * 65 + '@c.example>', None),
                           ('<a@' + 'b.' * 130 + 'example>', '501'), ('<ä@c.example>', None),
                           ('<a\0@c.example>', '500'), ('', '501')):
            with self.subTest(path=path):
                answer = self.talk(b'EHLO a.example', b'MAIL FROM:' + path.encode())
                self.assertRegex(answer, '^[245]')
                if code:
                    self.assertEqual(answer[:3], code, answer)

    def test_floods_end_with_421(self):
        for flood in (b'NOOP\r\n', b'RSET\r\n', b'FOO\r\n', b'VRFY a@b.example\r\n',
                      b'MAIL FROM:<a@b@c>\r\n', b'EHLO a.example\r\n'):
            with self.subTest(flood=flood):
                s = self.connect()
                heard = b''
                try:
                    for _ in range(300):
                        s.sendall(flood)
                        heard = s.recv(4096)
                        if heard.startswith(b'421') or b'\r\n421' in heard or not heard:
                            break
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.assertIn(b'421 4.7.0', heard)

    def test_recipients_by_the_hundred_thousand(self):
        before = anonymous_memory(self.smtpd())
        s = self.connect()
        s.sendall(b'EHLO a.example\r\n')
        self.assertIn(b'250 ', s.recv(4096))
        s.sendall(b'MAIL FROM:<a@else.example>\r\n')
        self.assertEqual(s.recv(4096)[:3], b'250')
        heard, sent = b'', 0
        s.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
        pending = b''.join(b'RCPT TO:<anna+%d@example.test>\r\n' % n for n in range(100000))
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            events = selector.select(5)[0][1]
            try:
                if events & selectors.EVENT_READ:
                    block = s.recv(1 << 16)
                    if not block:
                        break
                    heard += block
                if events & selectors.EVENT_WRITE and sent < len(pending):
                    sent += s.send(pending[sent:sent + 65536])
            except (BrokenPipeError, ConnectionResetError):
                break
        answers = [line[:3] for line in heard.split(b'\r\n') if line]
        self.assertGreaterEqual(answers.count(b'452'), 1)
        self.assertLessEqual(answers.count(b'250'), 1000)
        self.assertIn(b'421', answers)
        self.assertLess(anonymous_memory(self.smtpd()) - before, 16 << 20)

    def test_a_line_without_end_is_not_kept(self):
        before = anonymous_memory(self.smtpd())
        s = self.connect()
        for _ in range(200):
            s.sendall(b'x' * 65536)
        s.sendall(b'\r\n')
        self.assertEqual(s.recv(100), b'500 5.5.2 Error: line too long\r\n')
        self.assertLess(anonymous_memory(self.smtpd()) - before, 4 << 20)

    def test_ten_thousand_connections(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.assertGreater(hard, CONNECTIONS + 1000)
        before = anonymous_memory(self.smtpd())
        sockets = []
        self.addCleanup(lambda: [s.close() for s in sockets])
        selector = selectors.DefaultSelector()
        greeted, deadline = 0, time.monotonic() + 45
        while greeted < CONNECTIONS and time.monotonic() < deadline:
            # Never more unanswered ones than a backlog takes.
            while len(sockets) < CONNECTIONS and len(sockets) - greeted < 90:
                s = socket.socket()
                s.bind((f'127.1.{len(sockets) % 50}.1', 0))
                s.connect(('127.0.0.1', self.i.port('smtp')))
                s.setblocking(False)
                selector.register(s, selectors.EVENT_READ)
                sockets.append(s)
            for key, _ in selector.select(5):
                self.assertEqual(key.fileobj.recv(1000)[:4], b'220 ')
                selector.unregister(key.fileobj)
                greeted += 1
        self.assertEqual(greeted, CONNECTIONS)
        each = (anonymous_memory(self.smtpd()) - before) / CONNECTIONS
        self.assertLess(each, 16 * 1024)
        self.assertEqual(self.talk(b'EHLO late.example', b'MAIL FROM:<a@else.example>',
                                   b'RCPT TO:<anna@example.test>')[:3], '250')


class Slow(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(users={'anna@example.test': 'secret'},
                             settings=SETTINGS + 'smtpd_timeout = 2\n')

    def drip(self, s, byte):
        """One byte now and then until the server has enough: how long that took."""
        begun = time.monotonic()
        s.settimeout(0.3)
        heard = b''
        while time.monotonic() - begun < 20:
            try:
                s.sendall(byte)
                block = s.recv(1000)
                heard += block
                if not block or b'421 4.4.2' in heard:
                    break
            except socket.timeout:
                pass
            except OSError:
                break
        self.assertIn(b'421 4.4.2', heard)
        return time.monotonic() - begun

    def test_a_command_that_drips_in_has_one_deadline(self):
        with socket.create_connection(('127.0.0.1', self.i.port('smtp')), timeout=10) as s:
            s.recv(1000)
            self.assertLess(self.drip(s, b'N'), 6)

    def test_a_content_that_drips_in_has_a_rate(self):
        with socket.create_connection(('127.0.0.1', self.i.port('smtp')), timeout=10) as s:
            s.recv(1000)
            for line in (b'HELO a.example', b'MAIL FROM:<a@else.example>',
                         b'RCPT TO:<anna@example.test>', b'DATA'):
                s.sendall(line + b'\r\n')
                answer = s.recv(1000)
            self.assertEqual(answer[:3], b'354')
            self.assertLess(self.drip(s, b'x'), 6)


if __name__ == '__main__':
    unittest.main()
