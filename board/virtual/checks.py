"""What is checked of an emulated board, printed as it happens; and the device's log, by which most of it is."""

import re
from datetime import datetime

STATE = re.compile(r'^(\S+Z) +INFO \S+: state state="([a-z-]+)" look=(\d+)', re.MULTILINE)
LOOKING = re.compile(r"^(\S+Z) DEBUG \S+: looking look=\d+", re.MULTILINE)
ENDED = re.compile(
    r"stream ended; since the start: frames (\d+), lost (\d+), of them for want of a buffer (\d+), late (\d+), corrupt (\d+)"
)


class Checks:
    """Counts what does not hold."""

    def __init__(self):
        self.failed = 0

    def check(self, what, holds, said=""):
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {what}{f': {said}' if said else ''}", flush=True)

    def note(self, what, said):
        """A figure that has no limit."""
        print(f"     {what}: {said}", flush=True)


class Log:
    """The device's log on the console, read on from one expectation to the next."""

    def __init__(self, machine):
        self.machine = machine
        self.read = 0

    def states(self):
        """The states since the last expectation: name and time by the guest's clock, in seconds."""
        found = STATE.finditer(self.machine.console(), self.read)
        return [(match[2], seconds(match[1])) for match in found]

    def wait(self, name):
        """Waits for a state; gives the names of all states since the last one waited for, and when that one came."""
        began = self.read
        match = self.machine.wait_console(rf'^(\S+Z) +INFO \S+: state state="{name}" look=\d+', began)
        between = [found[2] for found in STATE.finditer(self.machine.console(), began, match.end())]
        self.read = match.end()
        return between, seconds(match[1])

    def shown(self, name):
        """When the display showed a state that has been waited for."""
        return seconds(self.machine.wait_console(rf'^(\S+Z) +INFO \S+: shown state="{name}"', self.read)[1])

    def streams(self):
        """What the device counted since its start, told at the end of each stream: frames that came, lost, of these for want of a buffer,
        late, corrupt."""
        return [tuple(map(int, counts)) for counts in ENDED.findall(self.machine.console())]

    def looking(self):
        """When the look that gave the last state waited for was begun."""
        return seconds(LOOKING.findall(self.machine.console()[: self.read])[-1])


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


