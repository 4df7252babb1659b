"""Waiting for conditions: a test never just sleeps."""
import time


def wait_until(condition, seconds=20, what='', pause=0.02):
    """Returns the first true value of condition(); fails when none came after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'still not true after {seconds} s: {what or condition}')
        time.sleep(pause)
