"""postscreen's tests before the greeting: in smtpd, with policyd's memory."""
import re
import socket
import time
import unittest

from tests.lib import dns
from tests.lib.case import TestCase
from tests.lib.instance import Instance
from tests.lib.waiting import wait_until

SETTINGS = '''mynetworks = 192.0.2.0/24
smtpd_error_sleep_time = 0
postscreen_enable = yes
postscreen_greet_wait = 2
postscreen_greet_action = enforce
postscreen_dnsbl_sites = bad.example=127.0.0.[2..4]*2, worse.example*3, good.example*-4
postscreen_dnsbl_threshold = 3
postscreen_dnsbl_allowlist_threshold = -2
postscreen_dnsbl_action = enforce
postscreen_access_list = permit_mynetworks, cidr:$config_directory/access
postscreen_denylist_action = drop
postscreen_client_connection_count_limit = 50
'''


class Line:
    """An SMTP client from an address of its own that can break every rule."""

    def __init__(self, instance, source='127.0.0.1'):
        self.socket = socket.create_connection(('127.0.0.1', instance.port('smtp')), timeout=20,
                                               source_address=(source, 0))
        self.file = self.socket.makefile('rb')
        self.name = '[%s]:%d' % self.socket.getsockname()

    def say(self, text):
        self.socket.sendall(text.encode())

    def reply(self):
        """The last line of a reply; '' at the end."""
        while True:
            line = self.file.readline().decode().rstrip('\r\n')
            if line[3:4] != '-':
                return line

    def talk(self, *lines):
        for line in lines:
            self.say(line + '\r\n')
            answer = self.reply()
        return answer

    def close(self):
        self.file.close()
        self.socket.close()


class Postscreen(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = cls.keep(dns.Answers({
            '9.0.0.127.bad.example': ['A 127.0.0.3'], '9.0.0.127.worse.example': ['A 127.0.0.2'],
            '8.0.0.127.bad.example': ['A 127.0.0.3'], '8.0.0.127.good.example': ['A 127.0.0.9'],
            '7.0.0.127.bad.example': ['A 127.0.0.9']}))
        cls.i = cls.keep(Instance(users={'anna@example.test': 'secret'}, settings=SETTINGS,
                                  dns=cls.dns))
        (cls.i.dir / 'access').write_text('127.0.0.66 reject\n127.0.0.55 permit\n')
        cls.i.run('start')
        wait_until(lambda: cls.i.greets('submission'), what='submission greets')

    def line(self, source):
        line = Line(self.i, source)
        self.addCleanup(line.close)
        return line

    def sends(self, line):
        return line.talk('EHLO client.example', 'MAIL FROM:<a@else.example>',
                         'RCPT TO:<anna@example.test>')

    def test_a_good_client_waits_once_and_is_remembered(self):
        first = self.line('127.0.0.2')
        begun = time.monotonic()
        self.assertEqual(first.file.readline()[:4], b'220-')
        self.assertEqual(first.reply()[:4], '220 ')
        self.assertGreater(time.monotonic() - begun, 1.5)
        self.assertEqual(self.sends(first)[:3], '250')
        self.i.wait_log(re.escape(f'postscreen[') + r'\d+\]: PASS NEW ' + re.escape(first.name))
        self.i.kill('policyd')
        self.i.wait_log('policyd pid [0-9]+ killed by signal 9')

        def old():
            again = self.line('127.0.0.2')
            begun = time.monotonic()
            self.assertEqual(again.reply()[:4], '220 ')
            return time.monotonic() - begun < 1 and again
        again = wait_until(old, what='the client is remembered')
        self.i.wait_log('PASS OLD ' + re.escape(again.name))

    def test_a_client_that_talks_first_is_refused(self):
        line = self.line('127.0.0.3')
        line.say('EHLO spam.example\r\n')
        self.assertEqual(line.reply()[:4], '220 ')
        self.assertEqual(line.reply()[:4], '250 ')
        self.assertEqual(line.talk('MAIL FROM:<a@else.example>', 'RCPT TO:<anna@example.test>'),
                         '550 5.5.1 Protocol error')
        self.i.wait_log(r'PREGREET 19 after \S+ from ' + re.escape(line.name) +
                        r': EHLO spam\.example\\r\\n')
        self.i.wait_log('NOQUEUE: reject: RCPT from ' + re.escape(line.name) +
                        ': 550 5.5.1 Protocol error; from=<a@else.example>, '
                        'to=<anna@example.test>, proto=ESMTP, helo=<spam.example>')

    def test_a_client_on_lists_is_refused_with_the_worst_of_them(self):
        line = self.line('127.0.0.9')
        self.assertEqual(line.reply()[:4], '220 ')
        self.assertEqual(self.sends(line), '550 5.7.1 Service unavailable; client [127.0.0.9] '
                                           'blocked using worse.example')
        self.i.wait_log('DNSBL rank 5 for ' + re.escape(line.name))
        self.i.wait_log(r'dnsblog\[\d+\]: addr 127.0.0.9 listed by domain worse.example as '
                        '127.0.0.2')

    def test_a_good_score_ends_the_wait(self):
        line = self.line('127.0.0.8')
        begun = time.monotonic()
        self.assertEqual(line.reply()[:4], '220 ')
        self.assertLess(time.monotonic() - begun, 1.5)

    def test_an_answer_that_the_filter_leaves_out_does_not_count(self):
        line = self.line('127.0.0.7')
        self.assertEqual(line.reply()[:4], '220 ')
        self.assertEqual(self.sends(line)[:3], '250')

    def test_the_access_list_comes_first(self):
        refused = self.line('127.0.0.66')
        self.assertEqual(refused.reply(), '521 5.3.2 Service currently unavailable')
        self.i.wait_log('DENYLISTED ' + re.escape(refused.name))
        begun = time.monotonic()
        self.assertEqual(self.line('127.0.0.55').reply()[:4], '220 ')
        self.assertLess(time.monotonic() - begun, 1.5)

    def test_a_client_that_hangs_up_is_logged(self):
        line = self.line('127.0.0.5')
        line.file.readline()
        line.close()
        self.i.wait_log(r'HANGUP after \S+ from ' + re.escape(line.name) +
                        ' in tests before SMTP handshake')

    def test_many_wait_without_holding_up_each_other(self):
        begun = time.monotonic()
        lines = [self.line(f'127.0.1.{n}') for n in range(1, 101)]
        for line in lines:
            self.assertEqual(line.reply()[:4], '220 ')
        self.assertLess(time.monotonic() - begun, 15)
        self.i.run('queue', 'list')


class MasterCf(TestCase):
    """Postfix's own lines in master.cf turn it on."""

    def test_the_service_postscreen_with_its_smtpd(self):
        i = self.own(Instance(settings=SETTINGS.replace('postscreen_enable = yes\n', '')))
        (i.dir / 'access').write_text('')
        master = i.dir / 'master.cf'
        text = master.read_text()
        line = next(each for each in text.splitlines()
                    if re.match(r'(\S+:)?%d\s+inet' % i.port('smtp'), each))
        name = line.split()[0]
        text = text.replace(line, f'{name} inet n - y - 1 postscreen\n'
                            'smtpd pass - - y - - smtpd\n  -o smtpd_banner=behind\n'
                            'dnsblog unix - - y - 0 dnsblog\ntlsproxy unix - - y - 0 tlsproxy')
        master.write_text(text)
        i.run('start')
        wait_until(lambda: i.greets('submission'), what='submission greets')
        first = Line(i, '127.0.0.2')
        self.addCleanup(first.close)
        self.assertEqual(first.reply(), '220 behind')
        i.wait_log('PASS NEW ' + re.escape(first.name))


if __name__ == '__main__':
    unittest.main()
