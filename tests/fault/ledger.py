"""What arrived: attempts by where they are, and the judgement over them."""
from collections import Counter

from tests.fault.traffic import ID

NOT_OURS = 'not ours: '


def in_mailboxes(instance, users):
    """Attempts found in the INBOXes, duplicates and all."""
    found = Counter()
    for user in users:
        for content in instance.messages(user):
            match = ID.search(content)
            found[match[1].decode() if match else f'{NOT_OURS}{content[:60]!r}'] += 1
    return found


def judge(test, accepted, attempted, arrived, doubtful=()):
    """Everything that got its 250 arrived; nothing arrived twice, but where the peer's 250 may
    have been cut off; nothing arrived that was never sent."""
    missing = sorted(set(accepted) - set(arrived))
    test.assertEqual(missing, [], f'{len(missing)} of {len(accepted)} accepted messages are lost')
    twice = sorted(a for a, count in arrived.items() if count > 1 and a not in doubtful)
    test.assertEqual(twice, [], 'delivered more than once')
    test.assertEqual(sorted(set(arrived) - set(attempted)), [], 'nobody sent these')
