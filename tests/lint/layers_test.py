import unittest

from layers import objection


class Layers(unittest.TestCase):
    def test_down_is_allowed(self):
        for path, included in [('lib/net/a.cc', 'lib/base/b.h'), ('smtpd/a.cc', 'lib/smtp/b.h'),
                               ('smtpd/sub/a.cc', 'smtpd/b.h'), ('tests/fuzz/a.cc', 'qmgr/b.h'),
                               ('tools/facteur/a.cc', 'lib/config/b.h'),
                               ('lib/ipc/a.cc', 'lib/ipc/ways/b.h')]:
            self.assertIsNone(objection(path, included), (path, included))

    def test_up_and_sideways_are_not(self):
        for path, included in [('lib/base/a.cc', 'lib/event/b.h'), ('lib/smtp/a.cc', 'lib/imap/b.h'),
                               ('lib/sasl/a.cc', 'authd/b.h'), ('smtpd/a.cc', 'qmgr/b.h'),
                               ('tools/facteur/a.cc', 'tools/drop/b.h'), ('smtpd/a.cc', 'b.h'),
                               ('smtpd/a.cc', 'tests/b.h'), ('smtpd/a.cc', 'lib/nosuch/b.h')]:
            self.assertIsNotNone(objection(path, included), (path, included))
