"""A reload, and the death of each daemon, as its clients see them: not at all."""
import re
import threading

from tests.lib.case import TestCase, main
from tests.lib.waiting import wait_until

USER = 'user@example.test'


def message(number):
    return f'From: a@away.test\r\nTo: {USER}\r\nSubject: {number}\r\n\r\nNumber {number}\r\n'


class Load:
    """Clients that send one message after the other, a connection each."""

    def __init__(self, instance, clients=4):
        self.instance = instance
        self.accepted, self.failures = [], []
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def work(self, client):
        number = 0
        while not self.done.is_set():
            number += 1
            name = f'{client}-{number}'
            try:
                self.instance.send('a@away.test', [USER], message(name))
            except Exception as error:  # whatever a client can meet is a failure
                self.failures.append(f'{name}: {error!r}')
                continue
            with self.lock:
                self.accepted.append(name)

    def goes_on(self):
        before = len(self.accepted)
        wait_until(lambda: len(self.accepted) > before + 5 or self.failures, what='accepted mail')


class Reload(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = cls.instance()

    def test_a_reload_drops_no_session_and_no_message(self):
        smtp = [self.i.smtp() for _ in range(3)]
        for client in smtp:
            client.ehlo()
            client.mail('a@away.test')
        imap = [self.i.imap(USER) for _ in range(3)]
        for client in imap:
            client.select('INBOX')
        with Load(self.i) as load:
            for _ in range(3):
                load.goes_on()
                self.i.reload()
                load.goes_on()
        self.assertEqual(load.failures, [])
        for number, client in enumerate(smtp):
            self.assertEqual(client.rcpt(USER)[0], 250)
            self.assertEqual(client.data(message(f'old-{number}'))[0], 250)
            client.quit()
        for client in imap:
            self.assertEqual(client.noop()[0], 'OK')
            client.logout()
        expected = sorted([*load.accepted, 'old-0', 'old-1', 'old-2'])
        wait_until(lambda: len(self.delivered()) >= len(expected), what='all messages')
        self.assertEqual(self.delivered(), expected)

    def delivered(self):
        """The subjects of what the load sent, each as often as it arrived."""
        found = (re.search(rb'Subject: (.*)\r', m).group(1).decode()
                 for m in self.i.messages(USER))
        return sorted(subject for subject in found if re.search(r'-\d+$', subject))

    def test_a_killed_daemon_is_back_at_once(self):
        for daemon in ('addressd', 'policyd', 'qmgr', 'lmtp-local', 'authd'):
            with self.subTest(daemon):
                before = len(self.i.messages(USER))
                self.assertTrue(self.i.kill(daemon))
                wait_until(lambda: daemon in self.i.workers().values(), what=f'a new {daemon}')
                self.i.send('a@away.test', [USER], message(daemon))
                self.i.wait_messages(USER, before + 1)


if __name__ == '__main__':
    main()
