"""PROXY protocol: HAProxy in front of imapd and pop3d."""
import imaplib
import socket
import unittest

from tests.lib import ports, process
from tests.lib.case import TestCase, main
from tests.lib.instance import TRUSTING
from tests.lib.proxies import haproxy
from tests.lib.waiting import wait_until

USER = 'user@example.test'
SETTINGS = '''imapd_haproxy = yes
pop3d_haproxy = yes
haproxy_trusted_networks = 127.0.0.1/32, 192.0.2.128/25
haproxy_timeout = 1s
imapd_client_connection_limit = 3
'''
HEADER = 'PROXY TCP4 {} 192.0.2.1 5555 143\r\n'


@unittest.skipIf(process.missing('haproxy'), 'haproxy is not installed')
class LoginProxy(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance(settings=SETTINGS)
        cls.ports = {}
        for name in ('imap', 'pop3', 'imaps'):
            listen = (ports.free_port(), ports.free_port())
            cls.keep(haproxy(listen, cls.i.port(name)))
            cls.ports[name] = listen
            for port in listen:
                wait_until(lambda p=port: ports.accepts(p), what='the proxy accepts')

    def connect(self, first, source='127.0.0.1', protocol='imap'):
        """A connection past the proxy, and what the server says to these first words."""
        client = socket.create_connection(('127.0.0.1', self.i.port(protocol)), timeout=10,
                                          source_address=(source, 0))
        self.addCleanup(client.close)
        client.sendall(first.encode())
        try:
            return client, client.recv(1000).decode()
        except ConnectionResetError:  # what it did not read is thrown away
            return client, ''

    def test_a_session_behind_haproxy(self):
        for port in self.ports['imap']:
            client = imaplib.IMAP4('127.0.0.1', port, timeout=10)
            client.starttls(TRUSTING)
            client.login(USER, 'secret')
            self.assertEqual(client.select()[0], 'OK')
            client.logout()
        client = imaplib.IMAP4_SSL('127.0.0.1', self.ports['imaps'][1], ssl_context=TRUSTING,
                                   timeout=10)
        client.login(USER, 'secret')
        client.logout()
        for port in self.ports['pop3']:
            with socket.create_connection(('127.0.0.1', port), timeout=10,
                                          source_address=('127.0.0.9', 0)) as pop:
                self.assertTrue(pop.recv(200).startswith(b'+OK'))
                pop.sendall(b'USER user@example.test\r\nPASS secret\r\nSTAT\r\nQUIT\r\n')
                self.assertIn(b'+OK', pop.recv(200))
        self.i.wait_log(r'pop3-login: Login: .*rip=127\.0\.0\.9, lip=127\.0\.0\.1')

    def test_the_client_is_who_the_proxy_says(self):
        client, greeting = self.connect(HEADER.format('192.0.2.7'))
        self.assertTrue(greeting.startswith('* OK'))
        # The proxy is on this host; its client is not, and must have TLS.
        self.assertIn('LOGINDISABLED', greeting)
        client.sendall(b'a STARTTLS\r\n')
        self.assertIn(b'a OK', client.recv(200))
        secure = TRUSTING.wrap_socket(client, server_hostname='mail.example.test')
        secure.sendall(f'b LOGIN {USER} secret\r\n'.encode())
        self.assertIn(b'b OK', secure.recv(2000))
        self.i.wait_log(r'imap-login: Login: .*rip=192\.0\.2\.7, lip=192\.0\.2\.1')
        secure.close()

    def test_only_trusted_proxies_are_heard(self):
        _, said = self.connect(HEADER.format('192.0.2.7'), source='127.0.0.2')
        self.assertEqual(said, '')
        self.i.wait_log(r'haproxy_trusted_networks does not hold 127\.0\.0\.2')

    def test_what_is_no_header_ends_the_connection(self):
        self.assertEqual(self.connect('a LOGIN user secret\r\n')[1], '')
        self.assertEqual(self.connect('PROXY TCP4 ')[1], '')  # and no more of it
        self.assertEqual(self.connect('PROXY TCP4 nobody\r\n', protocol='pop3')[1], '')

    def test_clients_behind_a_proxy_are_counted_one_by_one(self):
        # The limit is each process's own; which of them takes a connection is the kernel's choice.
        most = 3 * list(self.i.workers().values()).count('imapd')
        kept = [self.connect(HEADER.format('192.0.2.9')) for _ in range(most + 1)]
        self.assertTrue(any('* OK' in greeting for _, greeting in kept))
        self.assertTrue(any('* OK' not in greeting for _, greeting in kept))
        wait_until(lambda: '* OK' in self.connect(HEADER.format('192.0.2.10'))[1], 10,
                   'room for another client')
        for client, _ in kept:
            client.close()
        wait_until(lambda: '* OK' in self.connect(HEADER.format('192.0.2.9'))[1], 10,
                   'room once more')


if __name__ == '__main__':
    main()
