"""PROXY protocol: HAProxy and nginx in front of smtpd."""
import re
import socket
import struct
import unittest

from tests.lib import ports, process
from tests.lib.case import TestCase
from tests.lib.instance import Instance
from tests.lib.proxies import haproxy, nginx
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_peername_lookup = no
smtpd_upstream_proxy_protocol = haproxy
smtpd_upstream_proxy_timeout = 2s
haproxy_trusted_networks = 127.0.0.1
'''


class Proxied(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.keep(Instance(users={'anna@example.test': 'secret'}, settings=SETTINGS))
        cls.i.run('start')
        wait_until(lambda: ports.accepts(cls.i.port('smtp')), what='smtp accepts')
        cls.v1, cls.v2, cls.stream = ports.free_port(), ports.free_port(), ports.free_port()
        cls.keep(haproxy((cls.v1, cls.v2), cls.i.port('smtp')))
        cls.keep(nginx(cls.stream, cls.i.port('smtp')))
        for port in (cls.v1, cls.v2, cls.stream):
            wait_until(lambda p=port: ports.accepts(p), what='the proxy accepts')

    def talk(self, port, source='127.0.0.1', first=b''):
        """What the server says first; '' when it hangs up."""
        with socket.create_connection(('127.0.0.1', port), timeout=10,
                                      source_address=(source, 0)) as s:
            if first:
                s.sendall(first)
            file = s.makefile('rb')
            try:
                greeting = file.readline().decode()
            except ConnectionResetError:  # what it did not read is thrown away
                return ''
            if greeting:
                s.sendall(b'EHLO a.example\r\nQUIT\r\n')
                file.read()
            return greeting

    def test_the_client_behind_haproxy_is_known(self):
        for source, port in (('127.0.0.21', self.v1), ('127.0.0.22', self.v2)):
            with self.subTest(source=source):
                self.assertRegex(self.talk(port, source), '^220 ')
                self.i.wait_log('connect from unknown' + re.escape(f'[{source}]'))

    def test_the_client_behind_nginx_is_known(self):
        self.assertRegex(self.talk(self.stream, '127.0.0.23'), '^220 ')
        self.i.wait_log(r'connect from unknown\[127\.0\.0\.23\]')

    def test_headers_by_hand(self):
        port = self.i.port('smtp')
        six = socket.inet_pton(socket.AF_INET6, '2001:db8::7')
        binary = b'\r\n\r\n\0\r\nQUIT\n'
        for header, client in (
                (b'PROXY TCP6 2001:db8::6 2001:db8::1 4711 25\r\n', '2001:db8::6'),
                (binary + b'\x21\x21' + struct.pack('!H', 36) + six + six + struct.pack('!HH', 1, 25),
                 '2001:db8::7'),
                (b'PROXY UNKNOWN\r\n', '127.0.0.1'), (binary + b'\x20\0\0\0', '127.0.0.1')):
            with self.subTest(client=client):
                self.assertRegex(self.talk(port, first=header), '^220 ')
                self.i.wait_log(re.escape(f'connect from unknown[{client}]'))

    def test_who_says_no_header_hears_nothing(self):
        port = self.i.port('smtp')
        self.assertEqual(self.talk(port, first=b'EHLO a.example\r\n'), '')
        self.i.wait_log('no PROXY header')
        self.assertEqual(self.talk(port), '')
        self.i.wait_log('no whole PROXY header in time')

    def test_only_trusted_networks_are_believed(self):
        header = b'PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n'
        self.assertEqual(self.talk(self.i.port('smtp'), '127.0.0.99', header), '')
        self.i.wait_log('haproxy_trusted_networks does not hold 127.0.0.99')


if __name__ == '__main__':
    unittest.main()
