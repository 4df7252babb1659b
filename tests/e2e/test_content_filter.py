"""Filters behind the queue, as in Postfix's FILTER_README, beside Postfix."""
import os
import re
import smtplib
import unittest

from tests.lib import ports, process
from tests.lib.case import TestCase
from tests.lib.milter import Milter
from tests.lib.postfix import Postfix
from tests.lib.smtp_filter import SmtpFilter
from tests.lib.waiting import wait_until

USER = 'user@example.test'
SERVICES = """scan unix - - n - 10 {client}
  -o disable_mime_output_conversion=yes
127.0.0.1:{port} inet n - n - - smtpd
  -o content_filter= -o mynetworks=127.0.0.0/8 -o smtpd_authorized_xforward_hosts=127.0.0.0/8
  -o smtpd_recipient_restrictions=permit_mynetworks,reject -o smtpd_relay_restrictions=
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
"""
SETTINGS = """content_filter = scan:[127.0.0.1]:{filter}
receive_override_options = no_address_mappings
smtpd_milters = {milter}
header_checks = pcre:{{ {{ /^Subject: checked/ PREPEND X-Checked: yes }} {{ /^Subject: elsewhere/ FILTER scan:[127.0.0.1]:{other} }} }}
virtual_alias_maps = inline:{{ {{ alias@example.test = user@example.test }} }}
smtpd_peername_lookup = no
local_header_rewrite_clients =
"""


@unittest.skipIf(process.missing('postfix') or os.getuid() != 0, 'needs Postfix and root')
class BehindTheQueue(TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.serial = 0
        cls.filters = [cls.keep(SmtpFilter()), cls.keep(SmtpFilter())]
        cls.others = [cls.keep(SmtpFilter()), cls.keep(SmtpFilter())]
        cls.milters = [cls.keep(Milter()), cls.keep(Milter())]
        settings, services = [], []
        for one, other, milter in zip(cls.filters, cls.others, cls.milters):
            one.next_port = other.next_port = ports.free_port()
            settings.append(SETTINGS.format(filter=one.port, other=other.port,
                                            milter=milter.place))
        for one, client in zip(cls.filters, ('smtp', 'smtp-client')):
            services.append(SERVICES.format(port=one.next_port, client=client))
        cls.postfix = cls.keep(Postfix('example.test', settings=settings[0], services=services[0]))
        cls.i = cls.instance(users={USER: 'x'}, settings=settings[1], services=services[1])
        cls.ports = (cls.postfix.port, cls.i.port('smtp'))
        cls.boxes = (cls.postfix.messages, lambda: cls.i.messages(USER))

    def send(self, subject, recipient=USER, body='text'):
        """To both; what the filters heard, and the message as it is delivered."""
        type(self).serial += 1
        mark = f'<{self.serial}@client.test>'
        heard, found = [], []
        for port, box, *filters in zip(self.ports, self.boxes, self.filters, self.others):
            for one in filters:
                one.commands.clear()
            with smtplib.SMTP('127.0.0.1', port, local_hostname='client.test', timeout=30) as c:
                c.sendmail('a@client.test', [recipient],
                           f'Subject: {subject}\r\nMessage-ID: {mark}\r\n\r\n{body}\r\n')
            found.append(wait_until(lambda b=box: next(
                (m for m in b() if mark.encode() in m), None), 30, mark).replace(b'\r\n', b'\n'))
            heard.append([[re.sub(r' SIZE=\d+| BODY=\w+| ORCPT=\S+', '', line)
                           for line in one.heard() if line.split()[0] in ('MAIL', 'RCPT')]
                          for one in filters])
        return heard, found

    def test_through_the_filter(self):
        for milter in self.milters:
            milter.forget()
        (theirs, ours), messages = self.send('checked', 'alias@example.test')
        self.assertEqual(ours, theirs)
        self.assertEqual(ours[0], ['MAIL FROM:<a@client.test>', 'RCPT TO:<alias@example.test>'])
        for message in messages:
            self.assertEqual(message.count(b'X-Filtered: yes\n'), 1)
            self.assertEqual(message.count(b'X-Checked: yes\n'), 1)
        for milter in self.milters:
            self.assertEqual(len(milter.sessions), 1)

    def test_filter_of_header_checks(self):
        (theirs, ours), _ = self.send('elsewhere')
        self.assertEqual(ours, theirs)
        self.assertEqual([len(one) for one in ours], [0, 2])

    def test_refusal_goes_to_the_sender(self):
        with smtplib.SMTP('127.0.0.1', self.i.port('smtp'), timeout=30) as client:
            client.sendmail(USER, [USER], 'Subject: x\r\n\r\nVIRUS\r\n')
        bounce = wait_until(lambda: next((m for m in self.i.messages(USER)
                                          if b'a virus' in m and b'Undelivered' in m), None), 30,
                            'the notice')
        self.assertIn(b'said: 550 5.7.1 a virus', bounce)


if __name__ == '__main__':
    unittest.main()
