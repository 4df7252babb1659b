"""Servers as they are out there: those that hang up, stall, garble or flood, at each stage."""
import re
import socket
import threading

from tests.lib import ports
from tests.lib.case import TestCase, main
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

USER = 'user@example.test'
BYE = ['421 4.3.2 going down', 'DROP']
TLS = ('PIPELINING', 'STARTTLS')
MUCH = ['250-' + 'x' * 500] * 40

# name: (what the server says, what becomes of the mail: a piece of the log line)
PEERS = {
    'bye-connect': ({'CONNECT': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] '
                                      'refused to talk to me: 421 4.3.2 going down)'),
    'bye-ehlo': ({'EHLO': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] refused to '
                                'talk to me: 421 4.3.2 going down)'),
    'bye-mail': ({'MAIL': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] said: 421 '
                                '4.3.2 going down (in reply to MAIL FROM command))'),
    'bye-rcpt': ({'RCPT': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] said: 421 '
                                '4.3.2 going down (in reply to RCPT TO command))'),
    'bye-data': ({'DATA': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] said: 421 '
                                '4.3.2 going down (in reply to DATA command))'),
    'bye-dot': ({'.': BYE}, 'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] said: 421 '
                            '4.3.2 going down (in reply to end of DATA command))'),
    'drop-connect': ({'CONNECT': 'DROP'}, 'dsn=4.4.2, status=deferred (lost connection with '
                                          '127.0.0.1[127.0.0.1] while receiving the initial '
                                          'server greeting)'),
    'drop-mail': ({'MAIL': 'DROP'}, 'status=deferred (lost connection with 127.0.0.1[127.0.0.1] '
                                    'while sending MAIL FROM)'),
    'drop-dot': ({'.': 'DROP'}, 'status=deferred (lost connection with 127.0.0.1[127.0.0.1] while '
                                'sending end of data -- message may be sent more than once)'),
    'slow-greeting': ({'CONNECT': [1, '220 awake ESMTP']}, 'dsn=2.0.0, status=sent (250 '),
    'no-greeting': ({'CONNECT': [30, 'DROP']}, 'dsn=4.4.2, status=deferred (conversation with '
                                               '127.0.0.1[127.0.0.1] timed out while receiving '
                                               'the initial server greeting)'),
    'stall-dot': ({'.': [30, 'DROP']}, 'dsn=4.4.2, status=deferred (conversation with '
                                       '127.0.0.1[127.0.0.1] timed out while sending end of data '
                                       '-- message may be sent more than once)'),
    'busy-ehlo': ({'EHLO': '450 4.3.2 not now'}, 'dsn=2.0.0, status=sent (250 '),
    'old': ({'CONNECT': '220 old', 'EHLO': '500 what?'}, 'dsn=2.0.0, status=sent (250 '),
    'busy': ({'EHLO': '450 4.3.2 no', 'HELO': '450 4.3.2 not now'},
             'dsn=4.3.2, status=deferred (host 127.0.0.1[127.0.0.1] refused to talk to me: 450 '
             '4.3.2 not now)'),
    'two-codes': ({'RCPT': [b'250-one\r\n', b'251 two\r\n']}, 'dsn=2.0.0, status=sent (250 '),
    'no-text': ({'MAIL': [b'250\r\n'], 'RCPT': [b'250\n'], '.': [b'250\r\n']},
                'dsn=2.0.0, status=sent (250)'),
    'half-reply': ({'MAIL': [b'250-more to c', 'DROP']}, 'status=deferred (lost connection with '
                   '127.0.0.1[127.0.0.1] while sending MAIL FROM)'),
    'garbage': ({'CONNECT': [b'\xff\xfe\0\r\n', 'DROP']}, 'status=deferred (lost connection with '
                '127.0.0.1[127.0.0.1] while receiving the initial server greeting)'),
    'http': ({'CONNECT': [b'HTTP/1.1 400 Bad Request\r\n\r\n', 'DROP']},
             'status=deferred (lost connection with '),
    'long-line': ({'RCPT': [b'550 5.1.1 ' + b'y' * 100000 + b'\r\n']},
                  'dsn=5.1.1, status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1 yyyy'),
    'many-lines': ({'MAIL': [*MUCH, '250 end']}, 'dsn=2.0.0, status=sent (250 '),
    'out-of-range': ({'RCPT': '799 never'}, 'status=deferred (lost connection with '),
    'shy': ({'STARTTLS': 'DROP'}, 'dsn=2.0.0, status=sent (250 '),
    'shy-strict': ({'STARTTLS': 'DROP'}, 'status=deferred (lost connection with '
                                         '127.0.0.1[127.0.0.1] while sending STARTTLS)'),
    'no-tls': ({'STARTTLS': '454 4.7.0 TLS not available'}, 'dsn=2.0.0, status=sent (250 '),
    'no-tls-strict': ({'STARTTLS': '454 4.7.0 TLS not available'},
                      'dsn=4.7.4, status=deferred (TLS is required, but host 127.0.0.1[127.0.0.1] '
                      'refused to start TLS: 454 4.7.0 TLS not available)'),
    'liar': ({'STARTTLS': ['220 go on', b'I have no TLS\r\n', 'DROP']},
             'dsn=2.0.0, status=sent (250 '),
    'liar-strict': ({'STARTTLS': ['220 go on', b'I have no TLS\r\n', 'DROP']},
                    'dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)'),
}


class Endless:
    """A server whose greeting never ends."""

    def __init__(self):
        self.port = ports.free_port()
        self.socket = socket.create_server(('127.0.0.1', self.port))
        self.sent = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            try:
                while True:
                    self.sent += client.send(b'220-' + b'z' * 400 + b'\r\n')
            except OSError:
                pass

    def stop(self):
        self.socket.close()

    def remove(self):
        pass

    def log(self):
        return f'{self.sent} bytes'


class BrokenPeers(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sinks = {}
        policies = hops = ''
        for name, (replies, _) in PEERS.items():
            wants_tls = 'STARTTLS' in replies
            options = {'extensions': TLS} if wants_tls else {}
            sink = cls.sinks[name] = cls.keep(Sink(replies=replies, **options))
            hops += f' {{ {name}.test = smtp:[127.0.0.1]:{sink.port} }}'
            level = 'encrypt' if name.endswith('strict') else 'may'
            policies += f' {{ [127.0.0.1]:{sink.port} = {level} }}'
        cls.endless = cls.keep(Endless())
        hops += f' {{ endless.test = smtp:[127.0.0.1]:{cls.endless.port} }}'
        cls.i = cls.instance(settings=f'''transport_maps = inline:{{{hops} }}
smtp_tls_policy_maps = inline:{{{policies} }}
smtp_helo_timeout = 3s
smtp_data_done_timeout = 2s
smtp_fallback_relay =
''')
        # All at once: each of them takes its time.
        for name in [*PEERS, 'endless']:
            cls.i.send(USER, [f'someone@{name}.test'],
                       f'From: {USER}\r\nSubject: {name}\r\n\r\n{name}\r\n', 'submission', USER)

    def outcome(self, name):
        pattern = rf'to=<someone@{name}\.test>, .*'
        return self.i.wait_log(pattern)[0]

    def test_each_peer_gets_what_it_deserves(self):
        for name, (_, expected) in PEERS.items():
            with self.subTest(name):
                self.assertIn(expected, self.outcome(name))

    def test_no_more_copies_than_the_server_took(self):
        for name, (replies, expected) in PEERS.items():
            self.outcome(name)
            if '.' in replies or 'RCPT' in replies:
                continue  # the scripted server does not count then
            taken = [m for m in self.sinks[name].messages if m.recipients]
            with self.subTest(name):
                self.assertEqual(len(taken), 1 if 'status=sent' in expected else 0)

    def test_an_endless_greeting_ends(self):
        self.assertIn('status=deferred (lost connection with ', self.outcome('endless'))
        self.assertLess(self.endless.sent, 10_000_000)

    def test_what_is_not_smtp_is_told(self):
        self.outcome('http')
        self.i.wait_log(r'warning: non-SMTP response from 127\.0\.0\.1\[127\.0\.0\.1\]: '
                        r'HTTP/1\.1 400 Bad Request')

    def test_after_a_421_nothing_more_is_said(self):
        for name in ('bye-mail', 'bye-data'):
            self.outcome(name)
            said = self.sinks[name].commands
            wait_until(lambda: self.sinks[name].connections >= 1, what=name)
            self.assertNotIn('QUIT', [re.split(' ', line)[0] for line in said[-1:]], name)


if __name__ == '__main__':
    main()
