"""Runs one file of e2e tests; writes {passed, failed, skipped} as JSON: see tests/run."""
import importlib.util
import json
import os
import sys
import unittest


def main():
    path, report = sys.argv[1:3]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))  # what stands beside it
    spec = importlib.util.spec_from_file_location('tests_e2e_file', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = [(test.id().split('.', 1)[-1], why) for test, why in result.skipped]
    passed = max(0, result.testsRun - failed - len(skipped))
    with open(report, 'w') as file:
        json.dump({'passed': passed, 'failed': failed, 'skipped': skipped}, file)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
