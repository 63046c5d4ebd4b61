# SPDX-License-Identifier: BSD-3-Clause
"""Programs beside the test: started with a log, waited for, ended."""
import os
import subprocess
import time


def wait_until(condition, seconds=10, what="condition", step=0.02):
    """Poll until condition() is true and return its value; AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(step)


def run(*command, check=True, seconds=60, **options):
    """Run a program to its end; its output as text. With check, a failure shows what it said."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]} exited with {done.returncode}: {done.stdout[-2000:]}")
    return done


class Program:
    """A program that runs until stop(); what it prints goes to `log`."""

    def __init__(self, log, *command, **options):
        self.log = log
        os.makedirs(os.path.dirname(log), exist_ok=True)
        with open(log, "ab") as out:
            self.process = subprocess.Popen([str(word) for word in command],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, **options)

    def running(self):
        return self.process.poll() is None

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, seconds=10, last_words=None):
        """SIGTERM, and SIGKILL if that does not help in time; the exit code.

        last_words: called before SIGKILL, to make it say what it is doing.
        """
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                if last_words:
                    last_words()
                self.process.kill()
        return self.process.wait()

    def kill(self):
        self.process.kill()
        return self.process.wait()
