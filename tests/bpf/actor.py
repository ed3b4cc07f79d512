# SPDX-License-Identifier: GPL-3.0-or-later
"""An actor: a process inside the recorded cgroup that does what a test tells it.

Run as `python3 -I -S actor.py FD`. FD is one end of a SOCK_SEQPACKET socket pair; each message on
it is a JSON request, each answer a JSON reply, so that a test moves several processes step by step
and never has to guess how far one has got. Requests:
  {"do": SOURCE}   evaluates an expression or runs statements in this module's names
  {"fork": true}   forks; the child answers on the socket that came with the request from then on
Replies: {"value": ...}, or {"error": text, "errno": number or null}. The end of the socket ends
the actor. The functions below are what the tests' sources call.
"""
import ctypes
import errno
import json
import os
import select
import signal
import socket
import struct
import sys

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_NOFOLLOW = 0x100
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
SO_COOKIE = 57
SYS_EXECVEAT = {"x86_64": 322, "aarch64": 281}[os.uname().machine]
SYS_CLONE3 = 435
SLOW = float(os.environ.get("SPYQ_TEST_SLOW", "1"))
libc = ctypes.CDLL(None, use_errno=True)


def as_bytes(text):
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def c_strings(texts):
    texts = [as_bytes(text) for text in texts]
    return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)


def execute(path, argv, env=None, dirfd=None, flags=0):
    """execve, or execveat where dirfd is given, with no library in between; raises on failure."""
    environment = c_strings([f"{k}={v}" for k, v in (os.environ if env is None else env).items()])
    sys.stdout.flush()
    if dirfd is None:
        libc.execve(as_bytes(path), c_strings(argv), environment)
    else:
        libc.syscall(SYS_EXECVEAT, dirfd, ctypes.c_char_p(as_bytes(path)), c_strings(argv),
                     environment, flags)
    raise OSError(ctypes.get_errno(), "exec")


def fork_as(wanted):
    """A fork whose child has the pid that is wanted: the kernel goes on counting where it was, so
    the pids of other tests do not come again."""
    pids = (ctypes.c_int * 1)(wanted)
    args = struct.pack("11Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(pids), 1, 0)
    pid = libc.syscall(SYS_CLONE3, args, ctypes.c_size_t(len(args)))
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone3")
    return pid


def spawn(path, argv=None, env=None, dirfd=None, flags=0, fds=None, cwd=None, before=None,
          as_pid=None):
    """Forks and execs; fds maps a descriptor number to one of ours, or to None: closed. `before`
    runs in the child. A failed exec ends the child with its errno as the exit code. as_pid is the
    pid that the child has to have."""
    pid = os.fork() if as_pid is None else fork_as(as_pid)
    if pid:
        return pid
    try:
        for number, ours in (fds or {}).items():
            os.close(number) if ours is None else os.dup2(ours, number)
        if cwd is not None:
            os.chdir(cwd)
        if before is not None:
            before()
        execute(path, [path] if argv is None else argv, env, dirfd, flags)
    except OSError as failure:
        os._exit(failure.errno)
    os._exit(120)


def reap(pid):
    """What wait says: [exit code or None, signal or None, whether core was dumped]."""
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status):
        return [os.WEXITSTATUS(status), None, False]
    return [None, os.WTERMSIG(status), os.WCOREDUMP(status)]


def listen(address="127.0.0.1", port=0, backlog=512, reuseport=False):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def tcp(address="127.0.0.1"):
    """A TCP socket of the address's family; v4-mapped ones count as IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)


def udp(address="127.0.0.1", port=None):
    """A UDP socket of the address's family; bound where a port is given (0: any)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(10)
    if port is not None:
        sock.bind((address, port))
    return sock


def connect(address, port, source_port=None):
    client = tcp(address)
    if source_port is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("::" if ":" in address else "0.0.0.0", source_port))
    client.connect((address, port))
    return client


def cookie(sock):
    return struct.unpack("Q", sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def facts(sock):
    """Both ends of a socket, as the kernel tells its owner."""
    return {"cookie": cookie(sock), "local": sock.getsockname()[:2],
            "remote": sock.getpeername()[:2]}


def receive(sock, length):
    """Reads exactly that much; fewer bytes mean the end of the stream. Returns how many."""
    got = 0
    while got < length:
        piece = sock.recv(min(length - got, 1 << 16))
        if not piece:
            break
        got += len(piece)
    return got


def at_end(sock):
    return sock.recv(1) == b""


def reset(sock):
    """Closes so that the other end is reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def outcome(sock, seconds=10):
    """Waits for the end of a non-blocking connect; its errno, by name, or None."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    if not poll.poll(seconds * 1000 * SLOW):
        return "still connecting"
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode[error] if error else None


def attempt(sock, address, port):
    """connect's errno by name, or None."""
    error = sock.connect_ex((address, port))
    return errno.errorcode[error] if error else None


def enter_namespace(path, kind):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if libc.setns(fd, kind):
        raise OSError(ctypes.get_errno(), "setns " + path)
    os.close(fd)


def unshare(kinds):
    if libc.unshare(kinds):
        raise OSError(ctypes.get_errno(), "unshare")


def evaluate(source):
    try:
        code = compile(source, "<test>", "eval")
    except SyntaxError:
        exec(compile(source, "<test>", "exec"), globals())
        return None
    return eval(code, globals())


def printable(value):
    try:
        json.dumps(value)
        return value
    except TypeError:
        return repr(value)


def answer(request):
    try:
        return {"value": printable(evaluate(request["do"]))}
    except Exception as failure:
        return {"error": f"{type(failure).__name__}: {failure}",
                "errno": getattr(failure, "errno", None)}


def serve(channel):
    while True:
        message, fds, _, _ = socket.recv_fds(channel, 1 << 18, 1)
        if not message:
            os._exit(0)
        request = json.loads(message)
        if "fork" not in request:
            channel.send(json.dumps(answer(request)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            channel.close()
            channel = socket.socket(fileno=fds[0])
            channel.set_inheritable(False)
            channel.send(json.dumps({"value": os.getpid()}).encode())
            continue
        os.close(fds[0])
        channel.send(json.dumps({"value": pid}).encode())


if __name__ == "__main__":
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    serve(end)
