"""What an emulated board boots: Debian's arm64 kernel, unpacked and not installed, and an initramfs with the program.

Everything lies below one folder, which may be removed at any time. Nothing of it needs root but apt's own lists.
"""

import lzma
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
FOLDER = TARGET / "virtual-board"
PROGRAMS = TARGET / "aarch64-unknown-linux-gnu/release"
# What the program is linked to, from the cross compiler's own packages.
LIBRARIES = Path("/usr/aarch64-linux-gnu/lib")
LOADER = "ld-linux-aarch64.so.1"
# Debian 12's own kernel: vivid of later ones is looped in another way. It has all that a virtual board needs as modules.
KERNEL = "linux-image-arm64"


def run(*command, **options):
    """Runs a command that must succeed; gives what it prints."""
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Kernel:
    """Debian's arm64 kernel package, unpacked."""

    def __init__(self):
        name = next(
            line.split()[-1]
            for line in known(KERNEL).splitlines()
            if line.strip().startswith("Depends: linux-image-")
        )
        self.tree = unpacked(name.removesuffix(":arm64"))
        (self.modules,) = (self.tree / "lib/modules").iterdir()
        self.version = self.modules.name
        self.image = self.tree / f"boot/vmlinuz-{self.version}"
        self.device_trees = self.tree / f"usr/lib/linux-image-{self.version}"
        if not (self.modules / "modules.dep").exists():
            run("/usr/sbin/depmod", "-b", self.tree, self.version)

    def load_order(self, names):
        """The files of these modules and of all that they need, each after what it needs. Names of built-in ones are skipped."""
        needs = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            path, others = line.split(":")
            needs[module_name(path)] = [*reversed(others.split()), path]
        built_in = {module_name(path) for path in (self.modules / "modules.builtin").read_text().split()}
        wanted = [name for name in names if name not in built_in]
        return list(dict.fromkeys(self.modules / path for name in wanted for path in needs[name]))


def module_name(path):
    return Path(path).name.split(".ko")[0].replace("-", "_")


def known(package):
    """What apt says an arm64 package depends on; its lists are fetched where they lack it."""
    command = ["apt-cache", "depends", f"{package}:arm64"]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    if "Depends" not in said:
        subprocess.run([ROOT / "cross/sources", f"{package}:arm64"], check=True)
        subprocess.run([*([] if os.geteuid() == 0 else ["sudo"]), "apt-get", "update", "-q"], check=True)
        said = run(*command)
    return said


def unpacked(package):
    """The tree of an arm64 package, fetched once."""
    tree = FOLDER / "packages" / package
    if not tree.exists():
        print(f"fetching {package}", flush=True)
        fresh = FOLDER / "packages" / f"{package}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", f"{package}:arm64", cwd=fresh)
        (file,) = fresh.glob("*.deb")
        run("dpkg-deb", "-x", file, fresh)
        file.unlink()
        fresh.rename(tree)
    return tree


class Initramfs:
    """A cpio archive in the kernel's "newc" form, uncompressed: an emulated core would unpack it slowly."""

    def __init__(self):
        self.parts = []
        self.folders = set()

    def add(self, path, data=b"", mode=0o100755, device=(0, 0)):
        """Adds a file (by default an executable one), or what else the mode says, and the folders above it."""
        for parent in reversed(Path(path).parents[:-1]):
            if str(parent) not in self.folders:
                self.folders.add(str(parent))
                self.entry(str(parent), b"", 0o040755, (0, 0))
        self.entry(path, data, mode, device)

    def entry(self, path, data, mode, device):
        name = path.encode() + b"\0"
        fields = [len(self.parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.parts.append(padded(head) + padded(data))

    def write(self, path):
        self.entry("TRAILER!!!", b"", 0, (0, 0))
        path.write_bytes(b"".join(self.parts))


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def build(kernel, modules, board_file, name, extra=None):
    """Writes an initramfs with the program, its models, a board file, the modules and `extra` files by their paths."""
    image = Initramfs()
    image.add("dev/console", mode=0o020600, device=(5, 1))
    image.add("init", (ROOT / "board/virtual/init").read_bytes())
    (busybox,) = unpacked("busybox-static").glob("**/bin/busybox")
    image.add("bin/busybox", busybox.read_bytes())
    order = []
    for path in kernel.load_order(modules):
        data = path.read_bytes()
        image.add(f"modules/{module_name(path)}.ko", lzma.decompress(data) if path.suffix == ".xz" else data)
        order.append(module_name(path))
    image.add("modules/order", "".join(f"{module}\n" for module in order).encode())
    image.add(f"lib/{LOADER}", (LIBRARIES / LOADER).read_bytes())
    for library in ["libc.so.6", "libm.so.6", "libgcc_s.so.1"]:
        image.add(f"lib/{library}", (LIBRARIES / library).read_bytes())
    image.add("sonogfr/sonogfr", (PROGRAMS / "sonogfr").read_bytes())
    for model in ["demo/demo.sonogfr", "text/ch_PP-OCRv4_rec_infer.onnx"]:
        image.add(f"sonogfr/models/{model}", (ROOT / "models" / model).read_bytes())
    image.add("sonogfr/board.toml", board_file.read_bytes())
    for path, data in (extra or {}).items():
        image.add(path, data)
    file = FOLDER / f"{name}.cpio"
    image.write(file)
    return file
