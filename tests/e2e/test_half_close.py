"""A client that has said all it has to say still hears every answer, over TLS and without."""
import socket
import ssl
import unittest

from tests.lib.case import TestCase
from tests.lib.instance import TRUSTING

USER, PASSWORD = 'user@example.test', 'secret'
MESSAGE = 'Subject: large\r\n\r\n' + 'A line of the text.\r\n' * 20000


class Client:
    """TLS in memory, so that each side of the connection can be ended by itself."""

    def __init__(self, port, tls):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=30)
        self.tls = None
        if tls:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = TRUSTING.wrap_bio(self.incoming, self.outgoing)
            self.until_done(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.send_pending()
                data = self.socket.recv(65536)
                self.incoming.write(data) if data else self.incoming.write_eof()
            finally:
                self.send_pending()

    def send_pending(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)

    def say(self, text):
        if not self.tls:
            self.socket.sendall(text.encode())
            return
        self.tls.write(text.encode())
        self.send_pending()

    def say_last(self, text, close_notify=False):
        """Nothing will follow: the TLS way (RFC 8446 section 6.1), or the end of TCP alone."""
        self.say(text)
        if close_notify:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass  # the other side goes on, as it may
            self.send_pending()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has answered all and is gone

    def hear(self):
        """Everything until the other side ends."""
        heard = b''
        while True:
            try:
                piece = self.until_done(lambda: self.tls.read(65536)) if self.tls \
                    else self.socket.recv(65536)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                piece = b''
            if not piece:
                return heard.decode()
            heard += piece

    def line(self):
        heard = b''
        while not heard.endswith(b'\n'):
            piece = self.until_done(lambda: self.tls.read(1)) if self.tls else self.socket.recv(1)
            if not piece:
                break
            heard += piece
        return heard.decode()


class HalfClose(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(users={USER: PASSWORD})
        client = cls.i.imap(USER)
        client.append('INBOX', None, None, MESSAGE.encode())
        client.logout()

    def on_each_way(self, plain, secured, talk):
        """talk(client, close_notify) without TLS, and for both ends that TLS can have."""
        for name, port, tls, close_notify in (('plain', plain, False, False),
                                              ('TLS, close_notify', secured, True, True),
                                              ('TLS, FIN alone', secured, True, False)):
            with self.subTest(name), Client(self.i.port(port), tls) as client:
                talk(client, close_notify)

    def test_imap_answers_all_that_was_asked(self):
        def talk(client, close_notify):
            client.say_last(f'a LOGIN {USER} {PASSWORD}\r\nb SELECT INBOX\r\n'
                            'c FETCH 1 BODY[]\r\nd LOGOUT\r\n', close_notify)
            heard = client.hear()
            self.assertTrue(MESSAGE in heard, heard[-200:])
            self.assertIn('\r\na OK', '\r\n' + heard)
            self.assertTrue(heard.endswith('d OK Logout completed.\r\n'), heard[-200:])
        self.on_each_way('imap', 'imaps', talk)

    def test_imap_answers_what_came_before_the_end_without_a_logout(self):
        def talk(client, close_notify):
            client.say(f'a LOGIN {USER} {PASSWORD}\r\n')
            while not client.line().startswith('a OK'):
                pass
            client.say_last('b SELECT INBOX\r\nc FETCH 1 BODY[]\r\nd NOOP\r\n', close_notify)
            heard = client.hear()
            self.assertTrue(MESSAGE in heard, heard[-200:])
            self.assertIn('\r\nd OK', heard[-200:])
        self.on_each_way('imap', 'imaps', talk)

    def test_pop3_answers_all_that_was_asked(self):
        def talk(client, close_notify):
            client.say_last(f'USER {USER}\r\nPASS {PASSWORD}\r\nRETR 1\r\nQUIT\r\n', close_notify)
            heard = client.hear()
            self.assertTrue(MESSAGE in heard, heard[-200:])
            self.assertRegex(heard[-100:], r'\r\n\+OK Logging out[^\r]*\r\n$')
        self.on_each_way('pop3', 'pop3s', talk)

    def test_an_answer_does_not_wait_for_the_rest_of_the_next_command(self):
        for port, login, asked, rest, answer in (
                ('imap', f'a LOGIN {USER} {PASSWORD}\r\n', 'b NOOP\r\nc NO', 'OP\r\n', 'b OK'),
                ('imaps', f'a LOGIN {USER} {PASSWORD}\r\n', 'b NOOP\r\nc NO', 'OP\r\n', 'b OK'),
                ('imap', '', 'b NOOP\r\nc NO', 'OP\r\n', 'b OK'),
                ('pop3', f'USER {USER}\r\nPASS {PASSWORD}\r\n', 'STAT\r\nNO', 'OP\r\n', '+OK 1 '),
                ('pop3', '', f'USER {USER}\r\nPA', 'SS x\r\n', '+OK')):
            with self.subTest(port=port, login=login), \
                    Client(self.i.port(port), port == 'imaps') as client:
                client.line()
                for line in login.splitlines():
                    client.say(line + '\r\n')
                    while not client.line().startswith(('a OK', '+OK')):
                        pass
                client.say(asked)
                self.assertTrue(client.line().startswith(answer))
                client.say(rest)
                self.assertTrue(client.line())


if __name__ == '__main__':
    unittest.main()
