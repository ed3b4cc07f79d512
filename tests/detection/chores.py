# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that does no harm, done for real on the stage: none of it may raise an alarm."""


from boxes import container


class Chore:
    """What is typed into a session of `user`; or a function that does it and gives a pid of the trace."""

    def __init__(self, name, lines, user="ana", act=None):
        self.name, self.lines, self.user, self.act = name, lines, user, act


def cron_job(stage):
    """A cron whose job runs at once; its pid."""
    stage.write("/etc/crontab", "@reboot root tar -czf /var/tmp/nightly.tgz /home 2>/dev/null; find /var/tmp -name nightly.tgz -size +0\n")
    daemon = stage.start(["/usr/sbin/cron", "-f"], "system.slice/cron.service")
    stage.store.wait("SELECT 1 FROM processes WHERE cmdline LIKE 'find /var/tmp -name nightly%'")
    daemon.terminate()
    return daemon.pid


PROGRAM = ["mkdir -p ~/src; cd ~/src",
           "for i in 1 2 3 4 5 6; do echo \"int f$i(void) { return $i; }\" >f$i.c; done",
           "printf 'int f1(void); int main(void) { return f1() - 1; }\\n' >main.c",
           "printf 'OBJ = main.o f1.o f2.o f3.o f4.o f5.o f6.o\\nprog: $(OBJ)\\n\\t$(CC) -o $@ $(OBJ)\\n"
           "test: prog\\n\\t./prog\\n' >Makefile"]
PACKAGE = ["mkdir -p /var/tmp/p/DEBIAN /var/tmp/p/etc/cron.d /var/tmp/p/usr/lib/systemd/system /var/tmp/p/usr/bin",
           "printf 'Package: tool\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@example.org>\\n"
           "Description: tool\\n' >/var/tmp/p/DEBIAN/control",
           "printf '#!/bin/sh\\nid -u daemon >/dev/null\\necho root:tool >/etc/tool.conf\\n"
           "ln -sf /usr/lib/systemd/system/tool.service /etc/systemd/system/tool.service\\n' >/var/tmp/p/DEBIAN/postinst",
           "chmod 755 /var/tmp/p/DEBIAN/postinst; cp /bin/true /var/tmp/p/usr/bin/tool",
           "echo '0 3 * * * root true' >/var/tmp/p/etc/cron.d/tool",
           "printf '[Service]\\nExecStart=/usr/bin/tool\\n' >/var/tmp/p/usr/lib/systemd/system/tool.service",
           "dpkg-deb -b /var/tmp/p /var/tmp/tool.deb >/dev/null; rm -r /var/tmp/p"]

CHORES = [
    Chore("a C project built and tested", [*PROGRAM, "make -s", "make -s test"]),
    Chore("configure's many little programs", ["cd /tmp; for i in 1 2 3 4 5; do echo 'int main(void){return 0;}' >conf$i.c; "
                                               "gcc -o conf$i conf$i.c && ./conf$i; rm -f conf$i*; done"]),
    Chore("a package built", PACKAGE, "root"),
    Chore("a package installed and removed", ["dpkg -i /var/tmp/tool.deb >/dev/null 2>&1", "/usr/bin/tool",
                                              "dpkg -P tool >/dev/null 2>&1"], "root"),
    Chore("a backup", ["tar -czf /var/tmp/backup.tgz /etc /home 2>/dev/null", "sha256sum /var/tmp/backup.tgz"], "root"),
    Chore("a backup to another host", ["tar -cz /home 2>/dev/null | cat >/var/tmp/copy.tgz"], "root"),
    Chore("logs rotated", ["cd /var/log; echo x >app.log; mv app.log app.log.1; gzip app.log.1; : >app.log; rm -f app.log.2.gz"], "root"),
    Chore("an administrator looks at the load", ["uptime; df -h; free -m; ps aux | head -5; ls -la /var/log"], "root"),
    Chore("a service looked at", ["cat /etc/hosts; ls /etc/cron.d; ps; tail -n 1 /etc/profile; grep -c . /etc/passwd"], "root"),
    Chore("settings edited", ["sed -i 's/^$//' /etc/profile.d/none.sh 2>/dev/null; echo '127.0.0.2 db2' >>/etc/hosts"], "root"),
    Chore("one's own shell set up", ["echo 'alias ll=\"ls -l\"' >>~/.bashrc; . ~/.bashrc"]),
    Chore("a crontab put in", ["echo '0 4 * * * /usr/bin/true' | crontab -"]),
    Chore("a monitoring agent", ["python3 - <<'END'", "import os, subprocess", "for i in range(5):",
                                 "    open('/proc/loadavg').read()", "    subprocess.run(['df', '-P'], stdout=subprocess.DEVNULL)",
                                 "    subprocess.run(['ps', '-e'], stdout=subprocess.DEVNULL)", "END"], "root"),
    Chore("a health check", ["for i in 1 2 3; do curl -s -o /dev/null http://cdn.example.net/page; sleep 0.05; done",
                             "bash -c '</dev/tcp/198.51.100.80/80' && echo up"]),
    Chore("a program under a debugger", ["echo 'int main(void){return 0;}' >d.c; gcc -g -o d d.c",
                                         "gdb -q -batch -ex 'break main' -ex run -ex continue ./d >/dev/null 2>&1"]),
    Chore("a program traced", ["strace -f -o /var/tmp/trace sh -c 'ls / >/dev/null; true'"]),
    Chore("a repository used", ["git init -q r; cd r; git config user.email a@example.org; git config user.name a",
                                "for i in 1 2 3; do echo $i >f; git add f; git commit -q -m $i; done; git log --oneline | wc -l; git gc -q"]),
    Chore("a release downloaded and unpacked", ["curl -s -o rel.tar http://cdn.example.net/release; tar -xf rel.tar; ls release"]),
    Chore("a program downloaded and run", ["curl -s -o ./tool http://cdn.example.net/harmless; chmod 755 tool; ./tool"]),
    Chore("an own key made", ["ssh-keygen -q -t ed25519 -N '' -f ~/.ssh-key </dev/null; cat ~/.ssh-key.pub"]),
    Chore("text worked on", ["seq 2000 | sort -rn | awk '{ s += $1 } END { print s }'; grep -r root /etc/pam.d 2>/dev/null | cut -d: -f1 "
                             "| sort -u | xargs -n 1 basename | sed 's/^/x/' | head -3"]),
    Chore("a database dumped", ["sqlite3 t.db 'create table t (a); insert into t values (1)'; sqlite3 t.db .dump | gzip >t.sql.gz"]),
    Chore("another user for a moment", ["su -s /bin/sh ana -c 'id; ls'"], "root"),
    Chore("an account made", ["/usr/sbin/useradd -m carl; echo carl:x | /usr/sbin/chpasswd 2>/dev/null"], "root"),
    Chore("software installed from source", ["cd /tmp; printf 'install:\\n\\tinstall -m 755 /bin/true $(DESTDIR)/usr/local/bin/own\\n' >Makefile; "
                                             "make -s install; /usr/local/bin/own; rm Makefile"], "root"),
    Chore("a file decoded", ["echo aGVsbG8K | base64 -d >hello; openssl rand -hex 8 >/dev/null; xxd hello"]),
    Chore("a job in the background", ["nohup sh -c 'sleep 0.2; echo done >>log' >/dev/null 2>&1 & sleep 0.4; cat log"]),
    Chore("a container started", None, act=lambda stage: container(stage, "box", ["sh", "-c", "ls /; id; true"])),
    Chore("a job of cron", None, act=cron_job),
    Chore("names looked up", ["getent hosts cdn.example.net updates.example.org localhost"]),
    Chore("one's own program stopped", ["sleep 30 & kill $!; sleep 30 & kill -STOP $!; kill -CONT $!; kill -9 $!"]),
]
