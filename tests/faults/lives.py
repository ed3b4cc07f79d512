# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of many short lives of processes, each of them told from all others."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))

import recording  # noqa: E402

HEADER = struct.Struct("=IHHQQQII")  # size kind cpu time sequence start pid tid
FILE_HEADER = 16
MS = 1000000
FIRST_PID = 1000
FIRST_AT = 20000 * MS

HOST = """
default * uid=1000 euid=1000 gid=1000 egid=1000 login_uid=1000 audit_session=3 sid=50 pgid=50
  tty="pts0" mnt_ns=4026531841 pid_ns=4026531836 net_ns=4026531840 user_ns=4026531837 cgroup_id=7
  parent_pid=50 parent_start=5s creator_pid=50 creator_start=5s
0s host - wall_minus_boot=1700000000s pid_max=4194304 cpus=2 hostname="faults" machine_id="m1"
  boot_id="b1" kernel="6.18.0" os="Debian" arch="x86_64"
0s user - uid=1000 name="ann"
0s cgroup - cgroup_id=7 path="/user.slice"
9s process 50/5s ns_pid=50 comm="bash" exe="/usr/bin/bash" cwd="/home/ann" argv=["-bash"]
  argv_length=6 image.inode=11 image.device=8:1 links=1 image.mode=0o100755 parent_pid=0
  parent_start=0 creator_pid=0 creator_start=0
10s scan_done 0/8.9s
"""
LIFE = """
20s fork 1000/20s ns_pid=1000 comm="bash"
20s exec 1000/20s ns_pid=1000 comm="job" filename="/usr/bin/job" exe="/usr/bin/job"
  argv=["job", "number-0000000000"] argv_length=22 argc=2 cwd="/home/ann" image.inode=22
  image.device=8:1 links=1 image.mode=0o100755
20.001s exit 1000/20s comm="job"
20.001s frontier -
"""


def records(data):
    at = FILE_HEADER
    while at < len(data):
        size = HEADER.unpack_from(data, at)[0]
        yield data[at:at + size]
        at += size


def write(path, count, text=20, boot="b1"):
    """A recording of `count` processes that live for a millisecond each, one after the other, with
    an argument of `text` bytes. They are of the boot that is named. Process i has the pid
    FIRST_PID + i and began at FIRST_AT + i ms."""
    mark = "number-" + "0" * 10
    life = LIFE.replace(mark, mark + "x" * (text - len(mark)))
    life = life.replace("argv_length=22", f"argv_length={5 + max(text, len(mark))}")
    host = HOST.replace("b1", boot)
    before = recording.assemble(host)
    all_of_them = list(records(recording.assemble(host + life)))
    template = all_of_them[-4:]
    with open(path, "wb") as file:
        file.write(before)
        for number in range(count):
            for record in template:
                size, kind, cpu, time, sequence, start, pid, tid = HEADER.unpack_from(record)
                shift = number * MS
                header = HEADER.pack(size, kind, cpu, time + shift, sequence,
                                     start + shift if pid else start,
                                     pid + number if pid else pid, tid + number if tid else tid)
                rest = record[HEADER.size:]
                file.write(header + rest.replace(b"number-0000000000", b"number-%010d" % number))
