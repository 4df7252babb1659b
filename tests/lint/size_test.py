import os
import tempfile
import unittest

import size


class Size(unittest.TestCase):
    def test_the_limit_itself_is_allowed(self):
        for lines, count in [(size.LIMIT, 0), (size.LIMIT + 1, 1)]:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'a.cc')
                with open(path, 'w') as file:
                    file.write('\n' * lines)
                self.assertEqual(len(size.findings([path])), count)
