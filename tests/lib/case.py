"""The base of all end-to-end tests."""
import os
import sys
import unittest

from .instance import Instance


class TestCase(unittest.TestCase):
    """Cleans up after itself; a test that fails prints the logs and keeps the folders.

    cls.instance(...) makes an Instance that lives as long as the class, self.own_instance(...)
    one for this test only.  Everything with stop() and remove() can be handed to cls.keep().
    """

    @classmethod
    def instance(cls, **options):
        """A running Instance for all tests of the class: call it from setUpClass."""
        return cls.keep(Instance(**options)).start()

    @classmethod
    def keep(cls, thing):
        """Stops and removes the thing when the class is done."""
        cls._shared().append(thing)
        cls.addClassCleanup(cls._end, thing)
        return thing

    @classmethod
    def _shared(cls):
        if '_things' not in cls.__dict__:
            cls._things = []
            cls._failed = False
        return cls._things

    def own_instance(self, **options):
        return self.own(Instance(**options)).start()

    def own(self, thing):
        """The same for this test alone."""
        self._own = getattr(self, '_own', [])
        self._own.append(thing)
        self.addCleanup(self._end_own, thing)
        return thing

    @classmethod
    def _end(cls, thing):
        thing.stop()
        if not cls._failed:
            thing.remove()

    def _end_own(self, thing):
        thing.stop()
        if not self._has_failed():
            thing.remove()

    def _has_failed(self):
        errors = self._outcome.result.failures + self._outcome.result.errors
        return not self._outcome.success or any(test is self for test, _ in errors)

    def tearDown(self):
        if self._has_failed():
            type(self)._shared()
            type(self)._failed = True
            self._tell()

    def _tell(self):
        for thing in type(self)._shared() + getattr(self, '_own', []):
            where = getattr(thing, 'dir', '')
            print(f'--- {self.id()}: kept {where}', file=sys.stderr)
            log = thing.log() if callable(getattr(thing, 'log', None)) else ''
            lines = log.splitlines()[-int(os.environ.get('FACTEUR_TEST_LOG_LINES', '80')):]
            print('\n'.join(lines), file=sys.stderr)


def main():
    unittest.main(verbosity=2)
