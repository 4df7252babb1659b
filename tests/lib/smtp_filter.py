"""A content filter as FILTER_README and SMTPD_PROXY_README have it: an SMTP server that changes
what it gets and gives it back on another port."""
import re
import smtplib

from .sink import Sink

EXTENSIONS = ('PIPELINING', 'SIZE 50000000', '8BITMIME', 'ENHANCEDSTATUSCODES', 'DSN',
              'XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE')


class SmtpFilter(Sink):
    """next_port: where filtered mail goes.  Of a content with a word of `refusals` the client
    hears that reply instead; every other one gets the field X-Filtered."""

    def __init__(self, next_port=None, extensions=EXTENSIONS, xforward=True):
        self.next_port, self.xforward = next_port, xforward
        self.refusals = {b'VIRUS': '550 5.7.1 a virus', b'LATER': '451 4.7.1 come again'}
        super().__init__(extensions=extensions)

    def data(self, session, number, sender, recipients):
        self.say(session, '354 go ahead')
        content = b''
        for line in session.rfile:
            if line == b'.\r\n':
                break
            content += line[1:] if line.startswith(b'.') else line
        for word, reply in self.refusals.items():
            if word in content:
                return self.say(session, reply)
        self.say(session, self.hand_on(sender, recipients, content))

    def hand_on(self, sender, recipients, content):
        """The next server's reply to the whole."""
        attributes = [line for line in self.commands if line.startswith('XFORWARD ')]
        with smtplib.SMTP('127.0.0.1', self.next_port, local_hostname='filter.test',
                          timeout=30) as client:
            client.ehlo()
            for line in attributes[-2:] if self.xforward else []:
                client.docmd(line)
            client.mail(sender)
            for recipient in recipients:
                code, text = client.rcpt(recipient)
                if code >= 400:
                    return f'{code} {text.decode()}'
            code, text = client.data(b'X-Filtered: yes\r\n' + content)
            return f'{code} {text.decode()}'

    def heard(self):
        """Its commands, with what no two mail systems have in common left out."""
        return [re.sub(r'(IDENT|PORT|SOURCE)=\S+', r'\1=x',
                       re.sub(r'^\w+', lambda verb: verb[0].upper(), line))
                for line in self.commands]
