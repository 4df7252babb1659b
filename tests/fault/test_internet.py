"""Mail into an Internet where a quarter of the destinations is dead, slow or moody: each message is
delivered, returned or kept as it should be, once.  tests/bench/internet is the same at full size."""
import os
import unittest

from tests.lib.case import TestCase
from tests.lib.internet import Flow, Internet, Plan

DESTINATIONS = int(os.environ.get('FACTEUR_INTERNET_DESTINATIONS', '200'))
MESSAGES = int(os.environ.get('FACTEUR_INTERNET_MESSAGES', '5000'))


class InternetTest(TestCase):
    def test_each_message_comes_to_what_its_destination_deserves(self):
        internet = self.own(Internet(Plan(DESTINATIONS, MESSAGES)))
        instance = self.own(internet.instance())
        instance.start()
        flow = Flow(internet, instance, internet.plan.messages)
        settled = flow.run(90)
        flow.judge(self)
        self.assertTrue(settled)


if __name__ == '__main__':
    unittest.main()
