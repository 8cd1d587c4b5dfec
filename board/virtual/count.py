"""Counts the instructions that an emulated Cortex-A72 needs to see a picture: calipers, ruler and printed length.

QEMU's machine counts instructions as nanoseconds (-icount shift=0): the same on every run, whatever the host does. A Pi 4's core does
about 1.8 thousand million cycles a second, and mostly one instruction a cycle or more. Prints one line a picture.
"""

import image
from exam import FOLDER, draw_exams
from machine import Machine, Shell

MODULES = ["virtio_pci", "virtio_console"]
# Pictures beyond the first, which also pays for the program's start.
TIMES = 4


def seconds(shell, command):
    """The guest's seconds that a command takes, to a hundredth."""
    said = shell.run(f"cat /proc/uptime; {command} >/dev/null; cat /proc/uptime").splitlines()
    before, after = [float(line.split()[0]) for line in said]
    return after - before


def main():
    exams = draw_exams()
    files = {f"sonogfr/{number}.png": (FOLDER / exam["measured"]).read_bytes() for number, exam in enumerate(exams)}
    kernel = image.Kernel()
    initramfs = image.build(kernel, MODULES, image.ROOT / "board/virtual.toml", "count", files)
    arguments = [
        *["-M", "virt", "-cpu", "cortex-a72", "-smp", 1, "-m", 2048, "-net", "none", "-icount", "shift=0,sleep=off"],
        *["-kernel", kernel.image, "-initrd", initramfs, "-append", "console=ttyAMA0 loglevel=3 panic=-1"],
        *["-device", "virtio-serial-pci"],
    ]
    with Machine(FOLDER / "count", arguments, ports=["shell"]) as machine:
        shell = Shell(machine.lines["shell"])
        for number, exam in enumerate(exams):
            width, height = exam["size"]
            for what, options in [("", ""), (", cart known", " --profiles /tmp/carts.json")]:
                read = lambda times: seconds(shell, f"sonogfr inspect{options}{f' /sonogfr/{number}.png' * times}")
                first = read(1)
                each = (read(1 + TIMES) - read(1)) / TIMES
                print(f"{width} x {height}{what}: {each * 1e3:.0f} million instructions; {first * 1e3:.0f} with the program's start", flush=True)


if __name__ == "__main__":
    main()
