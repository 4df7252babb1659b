import unittest

import batches

KEEPS = 'namespace {\n\nconstexpr int kTurn = 4;\n\nint limit(int n) {\n    return n;\n}\n\n}  // namespace\n'


class Batches(unittest.TestCase):
    def test_names_are_found(self):
        text = ('namespace {\nusing Kind = int;\nclass Walk : public A {\n    int b;\n};\n'
                'constexpr Name kNames[] = {\n};\nstd::string word(int a) {\n}\n}  // namespace\nint c();\n')
        self.assertEqual(batches.unnamed(text), {'Kind', 'Walk', 'kNames', 'word'})

    def test_two_sources_may_not_keep_one_name(self):
        self.assertEqual(len(batches.clashes({'a/x.cc': KEEPS, 'a/y.cc': KEEPS}, {})), 2)
        self.assertFalse(batches.clashes({'a/x.cc': KEEPS, 'a/y.cc': 'int limit(int n);\n'}, {}))

    def test_nor_one_that_a_header_declares(self):
        self.assertEqual(len(batches.clashes({'a/x.cc': KEEPS}, {'a/y.h': 'int limit(long n);\n'})), 1)
        self.assertFalse(batches.clashes({'a/x.cc': KEEPS}, {'a/y.h': 'class Turn;\n'}))


if __name__ == '__main__':
    unittest.main()
