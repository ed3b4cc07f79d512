# SPDX-License-Identifier: GPL-3.0-or-later
"""Independent oracles: strace's log, /proc, ss. None of them shares code with the recorder."""
import collections
import glob
import os
import re
import subprocess

# ---- strace ----

Exec = collections.namedtuple("Exec", "at filename argv error")
CALL = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+)(?: (\w+))?.*$", re.S)
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
FORKS = {"fork", "vfork", "clone", "clone3"}


def strace_command(log, command):
    """The command that runs `command` under strace, one log file for each thread."""
    return ["/usr/bin/strace", "-ff", "-ttt", "-v", "-xx", "-s", "200000", "-e", "signal=none",
            "-e", "trace=process,network", "-o", log, "--", *command]


def unescape(text):
    return bytes.fromhex(text.replace("\\x", ""))


def parse_exec(match):
    at, name, arguments, result, error = match.groups()
    if name == "execveat":
        arguments = arguments.partition(", ")[2]
    filename = STRING.match(arguments)
    rest = arguments[filename.end():]
    array = rest[rest.index("[") + 1:rest.index("]")]
    argv = [unescape(item) for item in STRING.findall(array)]
    return Exec(float(at), unescape(filename.group(1)), argv, error if result != "0" else None)


class Trace:
    """What strace saw: execs by pid in order, and the parent of each child."""

    def __init__(self, log):
        self.execs = collections.defaultdict(list)
        self.parents = {}
        self.exits = {}
        for path in glob.glob(glob.escape(log) + ".*"):
            self._read(path, int(path.rpartition(".")[2]))

    def _read(self, path, pid):
        self.execs[pid]
        with open(path) as file:
            for line in file:
                self._line(line.rstrip("\n"), pid)

    def _line(self, line, pid):
        match = CALL.match(line)
        if match and match.group(2) in ("execve", "execveat"):
            self.execs[pid].append(parse_exec(match))
        elif match and match.group(2) in FORKS and int(match.group(4)) > 0:
            if "CLONE_THREAD" not in match.group(3):
                self.parents[int(match.group(4))] = pid
        elif "+++ exited with " in line:
            self.exits[pid] = (int(line.split("+++ exited with ")[1].split()[0]), None)

    def pids(self):
        return sorted(self.execs)


# ---- /proc ----

def stat(pid):
    """Fields of /proc/PID/stat after the name, by proc(5)'s numbers: stat(1)[4] is ppid."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return {number: field for number, field in enumerate(fields, start=3)}


def namespace(pid, kind):
    return int(os.readlink(f"/proc/{pid}/ns/{kind}").partition("[")[2].rstrip("]"))


def number(pid, name):
    with open(f"/proc/{pid}/{name}") as file:
        return int(file.read())


def cgroup(pid):
    with open(f"/proc/{pid}/cgroup") as file:
        for line in file:
            if line.startswith("0::"):
                return line[3:].rstrip("\n")
    return None


# ---- ss ----

Socket = collections.namedtuple("Socket", "state local local_port remote remote_port pids cookie")


def endpoint(text):
    address, _, port = text.rpartition(":")
    address = address.strip("[]").partition("%")[0]
    if address.startswith("::ffff:"):
        address = address[7:]
    return address, port


def sockets(listening=False, netns=None, kind="-t"):
    """TCP sockets, or with kind -u UDP's, of a network namespace (a name of `ip netns`; None:
    ours) by ss."""
    inside = ["/usr/sbin/ip", "netns", "exec", netns] if netns else []
    command = [*inside, "/usr/bin/ss", "-H", kind, "-n", "-p", "-e", "-O",
               "-l" if listening else "-a"]
    found = []
    for line in subprocess.run(command, capture_output=True, text=True, check=True
                               ).stdout.splitlines():
        state, _, _, local, remote = line.split()[:5]
        pids = {int(pid) for pid in re.findall(r"pid=(\d+)", line)}
        sk = re.search(r" sk:([0-9a-f]+)", line)
        found.append(Socket(state, *endpoint(local), *endpoint(remote), pids,
                            int(sk.group(1), 16) if sk else None))
    return found
