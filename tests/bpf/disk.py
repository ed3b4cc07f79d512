# SPDX-License-Identifier: GPL-3.0-or-later
"""Full disks, for whoever tests what becomes of a recorder on one."""


def fill(path):
    """A file that takes all that is left; what is left is less than a page."""
    with open(path, "wb", buffering=0) as ballast:
        for size in (65536, 4096):
            try:
                while ballast.write(b"x" * size) == size:
                    pass
            except OSError:
                pass
