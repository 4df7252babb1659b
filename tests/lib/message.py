"""Messages for tests."""
import time


def plain(sender, recipient, subject='A test', body='Hello,\nthis is a test.\n', identity=None):
    """A small message of ASCII text with LF line ends (smtplib turns them into CRLF)."""
    identity = identity or f'{time.monotonic_ns()}@client.test'
    return (f'From: <{sender}>\nTo: <{recipient}>\nSubject: {subject}\n'
            f'Date: Sun, 22 Nov 2026 12:00:00 +0000\nMessage-ID: <{identity}>\n\n{body}')
