import unittest

from words import findings_in


class Words(unittest.TestCase):
    def test_notes_need_an_issue(self):
        self.assertTrue(findings_in('a.cc', '// TODO: later'))
        self.assertTrue(findings_in('a.cc', '// FIXME'))
        self.assertFalse(findings_in('a.cc', '// TODO(#12): later'))
        self.assertFalse(findings_in('a.cc', 'TODOS'))

    def test_paths_of_one_machine(self):
        self.assertTrue(findings_in('a.cc', 'open("/work/x")'))
        self.assertFalse(findings_in('a.cc', '"https://a.example/work/x"'))
        self.assertFalse(findings_in('a.cc', '$DIR/work/x'))

    def test_trailing_space(self):
        self.assertTrue(findings_in('a.cc', 'a \nb'))
        self.assertFalse(findings_in('a.cc', 'a\n\nb\n'))
