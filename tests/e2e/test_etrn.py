"""ETRN (RFC 1985): a host that was away asks for its mail, and gets it at once."""
import unittest

from tests.lib import ports
from tests.lib.case import TestCase
from tests.lib.instance import Instance
from tests.lib.message import plain
from tests.lib.sink import Sink
from tests.lib.waiting import wait_until


class Etrn(TestCase):
    def test_what_waits_is_sent_at_once(self):
        port = ports.free_port()
        i = self.own(Instance(settings=f'relay_domains = relay.test, other.test\n'
                               f'relay_transport = smtp:[127.0.0.1]:{port}\n'
                               'fast_flush_domains = relay.test\n'
                               'minimal_backoff_time = 1000s\nqueue_run_delay = 1000s\n'))
        i.start()
        for recipient in ('one@relay.test', 'two@sub.relay.test', 'three@other.test'):
            i.send('a@example.test', [recipient], plain('a@example.test', recipient))
        i.wait_log(r'to=<three@other.test>.*status=deferred')
        i.wait_log(r'to=<one@relay.test>.*status=deferred')
        sink = self.own(Sink(port=port))
        with i.smtp() as client:
            self.assertEqual(client.docmd('ETRN', 'other.test')[0], 459)
            self.assertEqual(client.docmd('ETRN', 'relay.test')[0], 250)
        wait_until(lambda: len(sink.messages) == 1, what='the message of the domain')
        with i.smtp() as client:
            self.assertEqual(client.docmd('ETRN', '@relay.test')[0], 250)
        wait_until(lambda: len(sink.messages) == 2, what='the message of its subdomain')
        self.assertEqual(len(i.queue()), 1)


if __name__ == '__main__':
    unittest.main()
