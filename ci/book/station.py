"""A station that runs beside what is done with it."""

import signal
import subprocess
import time

WAIT_S = 120


class Station:
    """One that is ready; commands may be about it until it is ended."""

    def __init__(self, command, folder, environment):
        self.log = folder / "station.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=log, stderr=log)
        self.wait("output ready: active")

    def wait(self, words, times=1):
        """Waits until it has logged the words so often."""
        began = time.monotonic()
        while self.log.read_text().count(words) < times:
            if self.process.poll() is not None or time.monotonic() - began > WAIT_S:
                raise RuntimeError(f"the station has not logged \"{words}\" {times} times:\n{self.log.read_text()}")
            time.sleep(0.1)

    def end(self):
        """Ends it as Ctrl-C does, and returns its exit code and its log."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=WAIT_S), self.log.read_text()
