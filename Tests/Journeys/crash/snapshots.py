"""What a disk holds at one moment while a server writes: of a file system that ends without warning, and of files alone."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

SIZE = 96 << 20


def obstacle():
    """Why no file system can be mounted from a file here; None if one can."""
    if os.geteuid() != 0:
        return "not shown: mounting needs root"
    if not Path("/dev/loop-control").exists():
        return "not shown: there are no loop devices"
    if missing := [tool for tool in ("losetup", "mkfs.ext4", "mount") if not shutil.which(tool)]:
        return f"not shown: {missing[0]} is missing"
    if subprocess.run(["losetup", "--find"], capture_output=True).returncode:
        return "not shown: no loop device is free"
    return None


def quiet(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class LoopDisk:
    """An ext4 file system in a file."""

    def __init__(self, folder, image=None):
        self.folder, self.image = folder, image or folder.with_suffix(".img")
        folder.mkdir()
        if not image:
            with open(self.image, "wb") as file:
                file.truncate(SIZE)
            quiet("mkfs.ext4", "-q", "-E", "lazy_itable_init=0", self.image)
        try:
            quiet("mount", "-t", "ext4", "-o", "loop", self.image, folder)
        except AssertionError:
            folder.rmdir()
            raise
        folder.chmod(0o700)

    def copied(self, to):
        """What a power cut would leave: the device as it is, without what the kernel has not written to it yet."""
        subprocess.run(["cp", "--sparse=always", self.image, to], check=True)
        return to

    def close(self):
        quiet("umount", self.folder)
        self.folder.rmdir()
        self.image.unlink()


@contextlib.contextmanager
def stopped(processes):
    """All of them stand still."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
