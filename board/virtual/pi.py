"""The Raspberry Pi machines: the device on an emulated Pi 4 with buttons, lamp and framebuffer, and on a Pi 3 with an SPI panel.

usage: pi.py MACHINE..., of pi4 and pi3

Prints a table of checks and leaves pictures and logs in target/virtual-board/pi4 and pi3. Ends with 1 where a check fails.
"""

import shutil
import socket
import sys
import time

import exam
import image
from checks import Checks, Log
from machine import Machine, until

HERE = image.ROOT / "board/virtual"
# Pins of pi4.toml and pi3.toml, by their BCM numbers.
LAMP, NEXT_PATIENT = 17, 6
BUTTONS = [5, NEXT_PATIENT]
# Registers of the GPIO block. Source: BCM2711 ARM Peripherals, 5.2: GPSET0, GPCLR0, GPLEV0.
SET, CLEAR, LEVEL = 0x1C, 0x28, 0x34
# What QEMU's display controller shows: 640 x 480 of 16 bits, this far into the memory that is the GPU's.
# Source: QEMU's hw/display/bcm2835_fb.c and hw/arm/bcm2835_peripherals.c.
FRAMEBUFFER = {"address": 0x3C100000, "width": 640, "height": 480, "stride": 1280, "format": "r5g6b5"}
# Nodes of Debian's tree for a Pi 4 that QEMU has no parts for; the kernel stops at some of them.
ABSENT_ON_PI4 = [
    *["/soc/txp@7e004000", "/soc/hvs@7e400000", "/soc/dsi@7e209000", "/soc/dsi@7e700000", "/soc/vec@7ec13000"],
    *["/soc/hdmi@7ef00700", "/soc/hdmi@7ef05700", "/soc/interrupt-controller@7ef00100"],
    *[f"/soc/pixelvalve@{at}" for at in ["7e206000", "7e207000", "7e20a000", "7e216000", "7ec12000"]],
    *["/soc/clock@7ef00000", "/soc/i2c@7ef04500", "/soc/i2c@7ef09500", "/gpu", "/scb/gpu@7ec00000"],
]
# How long a panel may take to draw what lamp and log already tell, in seconds here.
PANEL_S = 3.0
SPI = "/soc/spi@7e204000"
PI3 = {"name": "pi3", "machine": "raspi3b", "memory": "1G", "tree": "bcm2837-rpi-3-b", "gpio": 0x3F200000}
PI4 = {"name": "pi4", "machine": "raspi4b", "memory": "2G", "tree": "bcm2711-rpi-4-b", "gpio": 0xFE200000}


class Pins:
    """The header's pins, from outside: what is wired to them. Over QEMU's test socket, which can write to the bus."""

    def __init__(self, machine, folder, base):
        self.machine = machine
        self.base = base
        self.socket = socket.socket(socket.AF_UNIX)
        until("qtest", lambda: self.socket.connect_ex(f"{folder}/qtest.socket") == 0)

    def write(self, register, pin):
        self.socket.sendall(f"writel {self.base + register:#x} {1 << pin:#x}\n".encode())
        self.socket.recv(64)

    def press(self, pin, seconds=0.5):
        """Connects a button's pin to ground for a while."""
        self.write(CLEAR, pin)
        time.sleep(seconds)
        self.write(SET, pin)

    def is_high(self, pin):
        return bool(self.machine.word(self.base + LEVEL) >> pin & 1)


def tree(kernel, pi, folder):
    """Debian's device tree with what a Pi's firmware or an overlay would change, and without what QEMU has not."""
    file = folder / "board.dtb"
    shutil.copy(kernel.device_trees / f"broadcom/{pi['tree']}.dtb", file)
    if pi is PI4:
        for node in ABSENT_ON_PI4:
            image.run("fdtput", "-t", "s", file, node, "status", "disabled")
        node = f"/chosen/framebuffer@{FRAMEBUFFER['address']:x}"
        image.run("fdtput", "-c", file, node)
        bytes_ = FRAMEBUFFER["stride"] * FRAMEBUFFER["height"]
        image.run("fdtput", "-t", "x", file, "/chosen", "#address-cells", 2)
        image.run("fdtput", "-t", "x", file, "/chosen", "#size-cells", 1)
        image.run("fdtput", file, "/chosen", "ranges")
        image.run("fdtput", "-t", "x", file, node, "reg", 0, f"{FRAMEBUFFER['address']:x}", f"{bytes_:x}")
        for key in ["width", "height", "stride"]:
            image.run("fdtput", "-t", "u", file, node, key, FRAMEBUFFER[key])
        image.run("fdtput", "-t", "s", file, node, "format", FRAMEBUFFER["format"])
        image.run("fdtput", "-t", "s", file, node, "compatible", "simple-framebuffer")
    else:
        image.run("fdtput", "-t", "s", file, SPI, "status", "okay")
        image.run("fdtput", "-c", file, f"{SPI}/spidev@0")
        image.run("fdtput", "-t", "s", file, f"{SPI}/spidev@0", "compatible", "rohm,dh2228fv")
        image.run("fdtput", "-t", "u", file, f"{SPI}/spidev@0", "reg", 0)
        image.run("fdtput", "-t", "u", file, f"{SPI}/spidev@0", "spi-max-frequency", 32000000)
    return file


def start(pi, picture):
    """Starts a Pi that shows one picture to the device."""
    kernel = image.Kernel()
    folder = image.FOLDER / pi["name"]
    folder.mkdir(parents=True, exist_ok=True)
    board = HERE / f"{pi['name']}.toml"
    extra = {"sonogfr/measured.png": picture.read_bytes()}
    initramfs = image.build(kernel, ["spi_bcm2835"], board, pi["name"], extra)
    (folder / "qtest.socket").unlink(missing_ok=True)
    arguments = [
        *["-M", pi["machine"], "-m", pi["memory"], "-kernel", kernel.image, "-initrd", initramfs],
        *["-dtb", tree(kernel, pi, folder), "-append", "console=ttyAMA0 iomem=relaxed loglevel=4 panic=-1"],
        *["-qtest", f"unix:{folder}/qtest.socket,server=on,wait=off", "-qtest-log", "none"],
    ]
    return Machine(folder, arguments)


def exercise(pi, picture, checks):
    """The device on one Pi: the lamp rises with the result, a press moves on, the lamp falls."""
    name = pi["name"]
    with start(pi, picture) as machine:
        pins = Pins(machine, machine.folder, pi["gpio"])
        # Nobody presses: the pull-ups that QEMU has not.
        for button in BUTTONS:
            pins.write(SET, button)
        checks.note(f"{name}: boot", machine.wait_console(r"^init: ready after (\S+ s)").group(1))
        log = Log(machine)
        came, _ = log.wait("measuring")
        checks.check(f"{name}: no lamp before the result", not pins.is_high(LAMP), ", ".join(came))
        log.wait("result")
        until("the lamp is lit", lambda: pins.is_high(LAMP))
        checks.check(f"{name}: the lamp is lit with the result", True)
        time.sleep(PANEL_S)
        machine.picture("result")
        pins.press(NEXT_PATIENT)
        came, _ = log.wait("frozen")
        checks.check(f"{name}: a press of the button for the next patient moves on", True, ", ".join(came))
        until("the lamp is off", lambda: not pins.is_high(LAMP))
        checks.check(f"{name}: the lamp is off", True)
        time.sleep(PANEL_S)
        machine.picture("next-patient")


def main():
    exams = exam.draw_exams()
    picture = image.FOLDER / exams[0]["measured"]
    checks = Checks()
    for pi in [PI4, PI3]:
        if pi["name"] in sys.argv[1:]:
            exercise(pi, picture, checks)
    print(f"{checks.failed} checks failed; pictures in {image.FOLDER}/pi4 and pi3")
    sys.exit(checks.failed > 0)


if __name__ == "__main__":
    main()
