"""An emulated machine: QEMU's process, its monitor (QMP), its console, and lines of text to and from programs in the guest."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path

# Seconds that anything may take on a busy host; what is judged is judged by the guest's own clock.
PATIENCE = 180.0
POLL = 0.05


class Failed(Exception):
    """Something that was to happen in the guest did not."""


def until(what, happened, patience=PATIENCE):
    """Waits until `happened()` gives something, and gives it."""
    end = time.monotonic() + patience
    while not (found := happened()):
        if time.monotonic() > end:
            raise Failed(f"not within {patience:.0f} s: {what}")
        time.sleep(POLL)
    return found


class Line:
    """A line of text at a time, over a socket of QEMU's."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        until(path.name, lambda: self.socket.connect_ex(str(path)) == 0)
        self.socket.settimeout(PATIENCE)
        self.waiting = b""

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def receive(self):
        while b"\n" not in self.waiting:
            more = self.socket.recv(65536)
            if not more:
                raise Failed("the line is closed")
            self.waiting += more
        line, self.waiting = self.waiting.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")


class Machine:
    """QEMU, from its start to its end; used with `with`."""

    def __init__(self, folder, arguments, ports=()):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for stale in [*folder.glob("*.socket"), folder / "console.log"]:
            stale.unlink(missing_ok=True)
        command = ["qemu-system-aarch64", "-display", "none", "-no-reboot", *map(str, arguments)]
        command += ["-qmp", f"unix:{folder}/qmp.socket,server=on,wait=off", "-serial", f"file:{folder}/console.log"]
        for port in ports:
            command += ["-chardev", f"socket,id={port},path={folder}/{port}.socket,server=on,wait=off"]
            command += ["-device", f"virtserialport,chardev={port},name={port}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.monitor = Line(folder / "qmp.socket")
        self.monitor.receive()
        self.qmp("qmp_capabilities")
        # At once: a guest that opens a port nobody is connected to reads its end.
        self.lines = {port: Line(folder / f"{port}.socket") for port in ports}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.monitor.send(json.dumps({"execute": "quit"}))
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def qmp(self, command, **arguments):
        self.monitor.send(json.dumps({"execute": command, "arguments": arguments}))
        while True:
            answer = json.loads(self.monitor.receive())
            if "error" in answer:
                raise Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def picture(self, name):
        """Takes a picture of the display."""
        path = self.folder / f"{name}.png"
        self.qmp("screendump", filename=str(path), format="png")
        return path

    def press(self, key):
        """Presses a key of the emulated keyboard, by QEMU's name."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key}])

    def word(self, address):
        """The 32 bits at a physical address, as the bus shows them."""
        said = self.qmp("human-monitor-command", **{"command-line": f"xp /1wx {address:#x}"})
        return int(said.split(":")[1], 16)

    def console(self):
        """What the guest has printed so far."""
        return (self.folder / "console.log").read_text(errors="replace")

    def wait_console(self, pattern, after=0):
        """Waits for a line of the console from its character `after` on; gives its match."""
        return until(f"console: {pattern}", lambda: self.seen(pattern, after))

    def seen(self, pattern, after):
        if self.process.poll() is not None:
            raise Failed("the machine has stopped")
        return re.compile(pattern, re.MULTILINE).search(self.console(), after)


class Shell:
    """A shell in the guest at the end of a line."""

    def __init__(self, line):
        self.line = line

    def run(self, command):
        """Runs a command; gives what it prints. Fails if the command does."""
        self.line.send(f"{command}\necho end-of-command $?")
        said = []
        while not (line := self.line.receive()).startswith("end-of-command "):
            said.append(line)
        if line != "end-of-command 0":
            raise Failed(f"{command}: {' '.join(said)}")
        return "\n".join(said)


