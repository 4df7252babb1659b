"""The helpers of the other tests do what those rely on."""
import imaplib
import os
import smtplib
import socket
import struct
import unittest

from tests.lib import dns, process, sink
from tests.lib.case import TestCase
from tests.lib.dovecot import Dovecot
from tests.lib.postfix import Postfix
from tests.lib.waiting import wait_until


def ask(port, name, kind):
    """(RCODE, number of answers) over UDP."""
    question = struct.pack('!HHHHHH', 7, 0x0100, 1, 0, 0, 0) + dns.name_to_wire(name)
    question += struct.pack('!HH', dns.TYPES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(question, ('127.0.0.1', port))
        answer = client.recv(4096)
    flags, _, answers = struct.unpack('!HHH', answer[2:8])
    return flags & 15, answers


class Harness(TestCase):
    def test_a_sink_takes_mail_and_says_what_it_is_told(self):
        server = self.own(sink.Sink({'RCPT TO:<full@': '452 4.2.2 full'}))
        with smtplib.SMTP('127.0.0.1', server.port, timeout=10) as client:
            refused = client.sendmail('a@test', ['b@test', 'full@test'], 'Subject: x\n\n.dot\n')
        self.assertEqual(refused, {'full@test': (452, b'4.2.2 full')})
        self.assertEqual(server.messages[0].recipients, ['b@test'])
        self.assertEqual(server.messages[0].content, b'Subject: x\r\n\r\n.dot\r\n')

    def test_the_small_dns_server_answers_and_fails(self):
        server = self.own(dns.Answers({
            'a.test': ['MX 10 mx.a.test', 'MX 20 mx2.a.test'], 'mx.a.test': ['A 127.0.0.1'],
            'c.test': ['CNAME mx.a.test'], 'bad.test': ['SERVFAIL']}))
        self.assertEqual(ask(server.port, 'a.test', 'MX'), (0, 2))
        self.assertEqual(ask(server.port, 'c.test', 'A'), (0, 2))
        self.assertEqual(ask(server.port, 'a.test', 'A'), (0, 0))
        self.assertEqual(ask(server.port, 'bad.test', 'A'), (2, 0))
        self.assertEqual(ask(server.port, 'none.test', 'A'), (3, 0))

    @unittest.skipIf(process.missing('nsd'), 'nsd is not installed')
    def test_nsd_serves_zones(self):
        server = self.own(dns.Nsd({'a.test': '@ MX 10 mx\nmx A 127.0.0.1\n'}))
        self.assertEqual(ask(server.port, 'a.test', 'MX')[0:2], (0, 1))
        self.assertEqual(ask(server.port, 'x.a.test', 'A'), (3, 0))

    @unittest.skipIf(process.missing('postfix', 'dovecot') or os.getuid() != 0,
                     'needs Postfix, Dovecot and root')
    def test_postfix_and_dovecot_run_beside_each_other(self):
        dovecot = self.own(Dovecot({'tim@dovecot.test': 'secret'}))
        postfix = self.own(Postfix(
            dovecot_sasl=dovecot.sasl_socket,
            settings=f'smtpd_relay_restrictions = permit_mynetworks,reject\n'
                     f'relay_domains = dovecot.test\n'
                     f'relay_transport = lmtp:inet:127.0.0.1:{dovecot.lmtp_port}\n'))
        with smtplib.SMTP('127.0.0.1', postfix.port, timeout=20) as client:
            client.sendmail('a@test', ['user@postfix.test', 'tim@dovecot.test'], 'Subject: x\n\ny\n')
        self.assertIn(b'Subject: x', postfix.wait_messages()[0])
        with imaplib.IMAP4('127.0.0.1', dovecot.imap_port, timeout=20) as client:
            client.login('tim@dovecot.test', 'secret')
            wait_until(lambda: client.select('INBOX')[1] == [b'1'], what='the message in Dovecot')
