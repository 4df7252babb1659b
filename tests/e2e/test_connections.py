"""Few connections for much mail, and no second copy of what a server may have."""
import threading

from tests.lib.case import TestCase, main
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until

SENDER = 'sender@client.test'


class Stalling(Sink):
    """Says nothing after the first message."""

    def __init__(self):
        super().__init__()
        self.over = threading.Event()
        self.stalled = 0

    def data(self, session, number, sender, recipients):
        if self.stalled:
            return super().data(session, number, sender, recipients)
        self.stalled += 1
        self.say(session, '354 go ahead')
        for line in session.rfile:
            if line == b'.\r\n':
                break
        return self.over.wait(60)


class Connections(TestCase):
    def relay(self, sink, settings=''):
        return self.own_instance(settings=f'relayhost = [127.0.0.1]:{sink.port}\n' + settings)

    def test_one_after_the_other_share_a_connection(self):
        sink = self.own(Sink())
        instance = self.relay(sink, 'smtp_connection_cache_time_limit = 20s\n')
        for number in range(20):
            instance.send(SENDER, [f'r{number}@elsewhere.test'], 'Subject: x\r\n\r\nx\r\n')
            wait_until(lambda: len(sink.messages) == number + 1, what='the message')
            instance.wait_log(rf'to=<r{number}@elsewhere\.test>.*status=sent')
        self.assertEqual(sink.connections, 1)

    def test_many_at_once_share_a_few(self):
        sink = self.own(Sink())
        instance = self.relay(sink)
        with instance.smtp() as client:
            for number in range(300):
                client.sendmail(SENDER, [f'r{number}@elsewhere.test'], 'Subject: x\r\n\r\nx\r\n')
        wait_until(lambda: len(sink.messages) == 300, 60, 'all messages')
        self.assertLessEqual(sink.connections, 20)  # default_destination_concurrency_limit

    def test_many_recipients_share_a_transaction(self):
        sink = self.own(Sink())
        instance = self.relay(sink)
        instance.send(SENDER, [f'r{n}@elsewhere.test' for n in range(100)], 'Subject: x\r\n\r\n')
        wait_until(lambda: sum(len(m.recipients) for m in sink.messages) == 100, 30, 'all of them')
        self.assertEqual(len(sink.messages), 2)  # default_destination_recipient_limit = 50

    def test_silence_after_the_dot_is_not_answered_with_another_copy(self):
        sink = self.own(Stalling())
        self.addCleanup(sink.over.set)
        instance = self.relay(sink, 'smtp_data_done_timeout = 2s\nminimal_backoff_time = 300s\n'
                                    f'smtp_fallback_relay = [127.0.0.1]:{sink.port}\n')
        instance.send(SENDER, ['someone@elsewhere.test'], 'Subject: x\r\n\r\nx\r\n')
        instance.wait_log(r'to=<someone@elsewhere\.test>.*dsn=4\.4\.2, status=deferred \(conversation '
                          r'with .* timed out while sending end of data -- message may be sent more')
        self.assertEqual((sink.connections, sink.stalled, sink.messages), (1, 1, []))
        self.assertEqual(len(instance.queue()), 1)


if __name__ == '__main__':
    main()
