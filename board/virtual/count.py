"""Counts the instructions that an emulated board's core needs: to see a picture, and to run a bundle's networks.

usage: count.py [networks]

QEMU's machine counts instructions as nanoseconds (-icount shift=0): the same on every run, whatever the host does. A Pi 4's core does
about 1.8 thousand million cycles a second, and mostly one instruction a cycle or more. Prints a line each; ends with 1 where the
networks need more than they may.
"""

import json
import sys

import image
from exam import FOLDER, draw_exams
from machine import Machine, Shell

MODULES = ["virtio_pci", "virtio_console"]
# Of each core, for one multiplication and addition of the demonstration bundle's trunks, with all that their networks do beside:
# 2 % above what was counted when this was set.
INSTRUCTIONS_MAX = {"cortex-a72": 0.293, "cortex-a76": 0.102}
# The core that sees pictures; the other differs in the networks' kernel alone.
SEEING = "cortex-a72"
# Pictures beyond the first, which also pays for the program's start.
TIMES = 4


def seconds(shell, command):
    """The guest's seconds that a command takes, to a hundredth."""
    said = shell.run(f"cat /proc/uptime; {command} >/dev/null; cat /proc/uptime").splitlines()
    before, after = [float(line.split()[0]) for line in said]
    return after - before


def machine(core, name, files):
    """A machine of one core that counts, with a shell."""
    kernel = image.Kernel()
    initramfs = image.build(kernel, MODULES, image.ROOT / "board/virtual.toml", name, files)
    return Machine(FOLDER / name, [
        *["-M", "virt", "-cpu", core, "-smp", 1, "-m", 2048, "-net", "none", "-icount", "shift=0,sleep=off"],
        *["-kernel", kernel.image, "-initrd", initramfs, "-append", "console=ttyAMA0 loglevel=3 panic=-1"],
        *["-device", "virtio-serial-pci"],
    ], ports=["shell"])


def sight(shell, exams):
    """Calipers, ruler and printed length of each exam's last picture."""
    for number, exam in enumerate(exams):
        width, height = exam["size"]
        for what, options in [("", ""), (", cart known", " --profiles /tmp/carts.json")]:
            read = lambda times: seconds(shell, f"sonogfr inspect{options}{f' /sonogfr/{number}.png' * times}")
            first = read(1)
            each = (read(1 + TIMES) - read(1)) / TIMES
            print(f"{width} x {height}{what}: {each * 1e3:.0f} million instructions; {first * 1e3:.0f} with the program's start", flush=True)


def engine(core, shell):
    """The demonstration bundle's networks; gives whether they need no more than they may."""
    said = json.loads(shell.run("sonogfr bench /sonogfr/models/demo/demo.sonogfr --reps 1 --json"))
    # A nanosecond is an instruction, so thousand millions a second are multiplications an instruction.
    each = 1 / said["gmac_per_s"]
    print(f"{core}, {said['kernel']}: {each:.3f} instructions a multiplication of the networks; {INSTRUCTIONS_MAX[core]} at most", flush=True)
    return each <= INSTRUCTIONS_MAX[core]


def main():
    exams = draw_exams()
    pictures = {f"sonogfr/{number}.png": (FOLDER / exam["measured"]).read_bytes() for number, exam in enumerate(exams)}
    fits = []
    for core in INSTRUCTIONS_MAX:
        with machine(core, f"count-{core}", pictures) as counting:
            shell = Shell(counting.lines["shell"])
            fits.append(engine(core, shell))
            if core == SEEING and sys.argv[1:] != ["networks"]:
                sight(shell, exams)
    sys.exit(not all(fits))


if __name__ == "__main__":
    main()
