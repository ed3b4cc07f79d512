/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The record ABI between the kernel programs, user space and recording files.
 *
 * Every record starts with struct event_header and is a multiple of 8 bytes long. Variable text
 * sits behind the fixed part; a struct event_text inside the fixed part says where. Integers are
 * in host byte order, addresses and ports too unless said otherwise. Nothing here may be `long`,
 * `bool` or an enum, and every struct names its padding: the layout is the same for BPF and for
 * every user-space compiler.
 *
 * All times are nanoseconds on the boot clock (CLOCK_BOOTTIME): wall time steps, this does not.
 * A process is named by (pid of its thread group, start time of its group leader): neither exec
 * nor the reuse of a pid changes or repeats that pair within one boot.
 */
#ifndef SPYQ_EVENT_H
#define SPYQ_EVENT_H

#ifdef __bpf__
#include "kernel_types.h"
#else
#include <linux/types.h>
#endif

#define EVENT_ABI_VERSION 2

/* Bounds on what one record carries. Longer text is cut and flagged; true lengths are kept. */
#define EVENT_ARGV_MAX        32768
#define EVENT_ENVIRONMENT_MAX 4096
#define EVENT_PATH_MAX        4096
#define EVENT_RECORD_MAX      65536

#define EVENT_COMM_SIZE 16
#define EVENT_TTY_SIZE  16
#define EVENT_NAME_SIZE 64

/* What one EVENT_DNS carries of a packet: any UDP answer that is not fragmented on a common link.
 */
#define EVENT_DNS_MAX 4096
/* Descriptors that one message may pass: SCM_MAX_FD of the kernel. */
#define EVENT_DESCRIPTORS_MAX 253

/* An id that the kernel calls unset: (uid_t)-1, as in login_uid and audit_session. */
#define EVENT_ID_UNSET 0xffffffffu

/* Kinds. Numbers are part of the recording format: never reuse one. */
#define EVENT_HOST               1 /* user space: who recorded; the first record of a recording */
#define EVENT_CLOCK              2 /* user space: wall clock minus boot clock, from here on */
#define EVENT_USER               3 /* user space: the name of a uid */
#define EVENT_CGROUP             4 /* the path of a cgroup id */
#define EVENT_FRONTIER           5 /* user space: all records before this time have been seen */
#define EVENT_LOSS               6 /* user space: records that never arrived */
#define EVENT_SCAN_DONE          7 /* user space: a scan that began at header.start is done */
#define EVENT_CONTAINER          8 /* user space: what a runtime's files say of a container */
#define EVENT_PROCESS            10 /* a process as it is now: start-up scan, or moved into the cgroup */
#define EVENT_FORK               11
#define EVENT_EXEC               12
#define EVENT_EXEC_FAILED        13
#define EVENT_EXIT               14
#define EVENT_CGROUP_ATTACH      15 /* a process moved to another cgroup */
#define EVENT_TCP_CONNECT        20 /* SYN sent */
#define EVENT_TCP_ESTABLISHED    21
#define EVENT_TCP_ACCEPT         22
#define EVENT_TCP_CLOSE          23
#define EVENT_TCP_LISTEN         24
#define EVENT_TCP_CONNECT_FAILED 25 /* connect() failed; perhaps without any state change */
#define EVENT_TCP_SOCKET         26 /* a socket as it is now: start-up scan */
#define EVENT_UDP_FLOW           30 /* a flow began, or has carried more: totals so far */
#define EVENT_UDP_CLOSE          31 /* the socket of flows was closed */
#define EVENT_UDP_BIND           32 /* a socket waits for whoever sends to its port */
#define EVENT_UDP_SOCKET         33 /* a bound or connected socket as it is now: start-up scan */
#define EVENT_DNS                35 /* a packet to or from port 53 */
#define EVENT_UNIX_CONNECT       40 /* connect() of a datagram socket */
#define EVENT_UNIX_ACCEPT        41 /* a stream or seqpacket connection was accepted */
#define EVENT_UNIX_BIND          42 /* a datagram socket got a name */
#define EVENT_UNIX_SOCKET        43 /* a server's end, or a datagram socket, as of a scan */
#define EVENT_PIPE_WRITE         45 /* bytes went into a pipe or fifo */
#define EVENT_PIPE_READ          46 /* bytes came out of one */
#define EVENT_FILE_WRITE         50 /* first bytes written to a file by a process, or again later */
#define EVENT_FILE_READ          51 /* a file that was seen being written is read */
#define EVENT_FILE_LOAD          52 /* such a file is mapped for execution */
#define EVENT_FILE_RENAME        53
#define EVENT_FILE_LINK          54
#define EVENT_FILE_CHMOD         55
#define EVENT_FILE_UNLINK        56
#define EVENT_FILE_SYMLINK       57
#define EVENT_PRIVILEGE          60 /* credentials or walls changed */
#define EVENT_PTRACE             65 /* another process was attached to, or its state written */
#define EVENT_INJECT             66 /* another process' memory was written */
#define EVENT_SIGNAL             67 /* a signal that stops or ends another process was sent */
#define EVENT_FD_SEND            70 /* descriptors were sent over a UNIX socket */
#define EVENT_FD_RECEIVE         71 /* descriptors were received, or taken by pidfd_getfd() */

/* The ring a record came through. */
#define EVENT_RING_LIFECYCLE 0 /* fork, exec, exit, cgroups, scan */
#define EVENT_RING_ACTIVITY  1 /* the rest: a flood here can not push out an exec */
#define EVENT_RINGS          2

/* Classes of loss, in the order in which they are given up: the last is the first to go. */
#define EVENT_CLASS_LIFECYCLE 0
#define EVENT_CLASS_PRIVILEGE 1 /* credentials, walls, ptrace, injection, signals */
#define EVENT_CLASS_NETWORK   2
#define EVENT_CLASS_DNS       3
#define EVENT_CLASS_IPC       4 /* UNIX sockets, pipes, descriptors passed */
#define EVENT_CLASS_FILE      5
#define EVENT_CLASSES         6

struct event_header {
    __u32 size; /* of the whole record, tail included, in bytes */
    __u16 kind; /* EVENT_* */
    __u16 cpu;
    __u64 time;
    __u64 sequence; /* per CPU and ring, from 1; gaps are losses; 0: made in user space */
    __u64 start;    /* start time of the subject process; 0: no process is known */
    __u32 pid;      /* of the subject's thread group, in the initial pid namespace; 0: unknown */
    __u32 tid;
};

/* A stretch of the record: bytes [offset, offset + length) from its first byte. Length 0: none. */
struct event_text {
    __u32 offset;
    __u32 length;
};

/* event_task.flags */
#define EVENT_TASK_KERNEL_THREAD 1u
#define EVENT_TASK_ENTERED       2u /* moved into the recorded cgroup just now */
#define EVENT_TASK_WALLED        4u /* FORK: born into other namespaces than its creator's */

/* What the kernel says of a process, the same in every record about one. Device numbers are
 * kernel dev_t (major << 20 | minor). pid, sid and pgid are those of the initial pid namespace. */
struct event_task {
    __u64 parent_start;
    __u64 creator_start; /* the process that called fork; not the parent under CLONE_PARENT */
    __u64 cgroup_id;     /* v2 hierarchy */
    __u64 capabilities;  /* effective */
    __u64 cwd_inode;
    __u32 cwd_device;
    __u32 parent_pid;
    __u32 creator_pid;
    __u32 ns_pid; /* in its own pid namespace */
    __u32 uid;
    __u32 euid;
    __u32 gid;
    __u32 egid;
    __u32 login_uid;
    __u32 audit_session;
    __u32 sid;
    __u32 pgid;
    __u32 mnt_ns;
    __u32 pid_ns;
    __u32 net_ns;
    __u32 user_ns;
    __u32 flags;
    __u32 child_pid_ns;         /* where its next children are born; 0: unknown */
    char comm[EVENT_COMM_SIZE]; /* NUL-padded */
    char tty[EVENT_TTY_SIZE];   /* as the driver names it (`pts0`, `tty1`); empty: none */
};

/* What fds 0 to 2 were. */
struct event_fd {
    __u64 inode;
    __u32 device; /* of the file system */
    __u32 rdev;   /* of a character or block device node */
    __u32 mode;   /* st_mode; 0: closed */
    __u32 padding;
    struct event_text path; /* regular files, directories and unusual devices only */
};

/* event_image.flags */
#define EVENT_IMAGE_MEMFD           1u
#define EVENT_IMAGE_DELETED         2u
#define EVENT_IMAGE_SETUID          4u /* the file's setuid or setgid bit changed an effective id */
#define EVENT_IMAGE_SCRIPT          8u /* `filename` is a script, `interpreter` ran it */
#define EVENT_IMAGE_ARGV_CUT        16u /* argv longer than EVENT_ARGV_MAX */
#define EVENT_IMAGE_ARGV_FAULT      32u /* some of argv could not be read */
#define EVENT_IMAGE_PATH_CUT        64u /* a path longer or deeper than could be walked */
#define EVENT_IMAGE_ENVIRONMENT_CUT 128u

/* The program a process runs. */
struct event_image {
    __u64 inode;
    __u64 argv_length; /* true length in bytes, NULs included */
    __u32 device;
    __u32 links; /* 0: deleted or memfd */
    __u32 mode;
    __u32 argc; /* true count; 0 in snapshots: count the NULs */
    __u32 flags;
    __u32 generation;              /* of the inode: tells apart files that had one number in turn */
    struct event_text filename;    /* as called */
    struct event_text exe;         /* the file really run */
    struct event_text interpreter; /* as the #! line or binfmt named it */
    struct event_text cwd;
    struct event_text argv;        /* NUL-terminated strings, one after the other */
    struct event_text environment; /* likewise, allow-listed names only */
    struct event_fd stdio[3];
};

/* EVENT_FORK, EVENT_CGROUP_ATTACH: the subject is the new or moved process. */
struct event_fork {
    struct event_header header;
    struct event_task task;
};

/* EVENT_EXEC, EVENT_PROCESS (where stdio is not filled in and filename is empty). */
struct event_exec {
    struct event_header header;
    struct event_task task;
    struct event_image image;
};

/* EVENT_EXEC_FAILED: filename and argv are what the caller's memory held when the call returned. */
struct event_exec_failed {
    struct event_header header;
    struct event_task task;
    __u32 error; /* errno, positive */
    __u32 flags; /* EVENT_IMAGE_ARGV_* */
    __u32 argc;  /* of the argv below */
    __s32 dirfd; /* of execveat; AT_FDCWD for execve */
    struct event_text filename;
    struct event_text cwd;
    struct event_text argv;
};

/* event_exit.flags */
#define EVENT_EXIT_OUTSIDE 1u /* not in the recorded cgroup (any more) */

struct event_exit {
    struct event_header header;
    __u32 status; /* as wait(2) gives it: code << 8 | signal */
    __u32 flags;
    char comm[EVENT_COMM_SIZE];
};

/* event_tcp.flags */
#define EVENT_TCP_FIN_RECEIVED  1u
#define EVENT_TCP_OWNER_UNKNOWN 2u /* seen from outside its owner: the header names nobody */

/* All EVENT_TCP_*. Addresses are 16 bytes in network order; IPv4, and IPv4 mapped into IPv6, in
 * the first 4. Sequence numbers are those just after the handshake: the pair (ours, theirs) of one
 * end is (theirs, ours) of the other, across namespaces and address translation. */
struct event_tcp {
    struct event_header header; /* the process is the owner, where current could be trusted */
    __u64 cookie;               /* of the socket; never reused within one boot */
    __u64 cgroup_id;            /* of the socket */
    __u64 bytes_sent;           /* payload, retransmits not counted; at CLOSE and in scans */
    __u64 bytes_received;
    __u64 inode; /* of the socket, as in `socket:[N]`; 0: it has none (yet, or any more) */
    __u32 net_ns;
    __u32 error; /* errno, positive; 0: none */
    __u32 local_sequence;
    __u32 remote_sequence;
    __u32 flags;
    __u32 uid;    /* of the owner */
    __u16 family; /* AF_INET or AF_INET6, after mapping */
    __u16 local_port;
    __u16 remote_port;
    __u8 old_state; /* TCP_* of the kernel */
    __u8 new_state;
    __u8 local_address[16];
    __u8 remote_address[16];
};

/* ---- UDP and DNS ---- */

/* event_udp.flags */
#define EVENT_UDP_IN        1u /* the flow's first packet was received */
#define EVENT_UDP_CONNECTED 2u /* the socket takes packets from one peer only */
#define EVENT_UDP_IDLE      4u /* nothing has come for so long that the flow has ended at `last` */
#define EVENT_UDP_BOUND     8u /* SOCKET: the process has chosen its address or port */

/* All EVENT_UDP_*: a flow is a socket and a peer. Addresses as in event_tcp. A BIND has no remote
 * end. A CLOSE tells the totals of the socket's only flow; where it had several, or none, it has
 * neither ends nor totals. */
struct event_udp {
    struct event_header header; /* the process is who last bound it, first sent on it, or made it */
    __u64 cookie;
    __u64 cgroup_id;  /* of the socket */
    __u64 inode;      /* as in event_tcp */
    __u64 began;      /* first packet */
    __u64 last;       /* newest packet */
    __u64 bytes_sent; /* payload */
    __u64 bytes_received;
    __u64 packets_sent;
    __u64 packets_received;
    __u32 net_ns;
    __u32 flags;
    __u32 uid;
    __u16 family;
    __u16 local_port;
    __u16 remote_port;
    __u16 padding[3];
    __u8 local_address[16];
    __u8 remote_address[16];
};

/* event_dns.flags */
#define EVENT_DNS_RECEIVED 1u /* by this socket; else sent */
#define EVENT_DNS_TCP      2u /* the payload is a piece of a stream */

struct event_dns {
    struct event_header header; /* as in event_udp; 0 where only the cookie is known */
    __u64 cookie;
    __u32 net_ns;
    __u32 flags;
    __u32 length;   /* of the payload on the wire */
    __u32 sequence; /* of the payload's first byte, for EVENT_DNS_TCP */
    __u16 family;
    __u16 local_port;
    __u16 remote_port;
    __u16 padding;
    __u8 local_address[16];
    __u8 remote_address[16];
    struct event_text payload;
};

/* ---- UNIX sockets, pipes, descriptors ---- */

/* event_unix.flags */
#define EVENT_UNIX_SERVER                                                                          \
    1u /* `path` is the name of the subject's own socket; else of the peer's */

/* All EVENT_UNIX_*: the subject connected, accepted, bound or (in a scan) holds the socket. */
struct event_unix {
    struct event_header header;
    __u64 inode;      /* of the subject's socket, as in `socket:[N]` */
    __u64 peer_inode; /* of the other end; 0: unknown, or it has none yet */
    __u64 peer_start; /* the process at the other end, as SO_PEERCRED has it; 0: unknown */
    __u32 peer_pid;
    __u32 net_ns; /* abstract names are per network namespace */
    __u32 type;   /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
    __u32 flags;
    struct event_text path; /* the server's name; the first byte of an abstract one is NUL */
};

/* event_pipe.flags */
#define EVENT_PIPE_EMPTY 1u /* nothing was left in it after the call */
#define EVENT_PIPE_END   2u /* READ of a fifo: no byte, and nobody is left to write one */

/* EVENT_PIPE_*: WRITE is a process' first bytes into a pipe, and again when more than a second has
 * passed since it was last told of; READ is a process' first bytes out of it, and again after each
 * WRITE that was told of. */
struct event_pipe {
    struct event_header header;
    __u64 inode;
    __u32 device;
    __u32 generation; /* of a fifo's inode */
    __u32 flags;
    __u32 padding;
    struct event_text path; /* of a fifo; empty for pipes */
};

/* A descriptor under way: the open file behind it is one and the same at both ends. */
struct event_descriptor {
    __u64 file;  /* an address in the kernel: an identity, as long as somebody holds it */
    __u64 inode; /* as in `socket:[N]` */
    __u32 mode;  /* st_mode */
    __u32 fd;    /* in the subject */
};

/* EVENT_FD_SEND, EVENT_FD_RECEIVE: one message, or one pidfd_getfd(). `count` descriptors stand
 * behind the record. */
struct event_fd_pass {
    struct event_header header;
    __u64 source_start; /* RECEIVE: whom pidfd_getfd() took it from; 0: it came in a message */
    __u32 source_pid;
    __u32 count;
    __u64 socket;                  /* inode of the one that receives; 0: not known */
    struct event_text descriptors; /* struct event_descriptor, one after the other */
};

/* ---- files ---- */

/* event_file.flags */
#define EVENT_FILE_MEMFD    1u
#define EVENT_FILE_PATH_CUT 2u
#define EVENT_FILE_MMAP     4u /* WRITE: mapped shared and writable rather than written */
#define EVENT_FILE_BY_NAME  8u /* inode, device and mode are not known: the path says which file */

/* All EVENT_FILE_*. A file is (device, inode, generation). A WRITE may be told late, when somebody
 * else comes to use the file: the subject is then who wrote, and may have ended. */
struct event_file {
    struct event_header header;
    __u64 written; /* WRITE: when; of the others the record's own time */
    __u64 inode;
    __u64 size;      /* bytes, as it was then */
    __u64 cgroup_id; /* of the subject */
    __u32 device;
    __u32 generation;
    __u32 mode; /* st_mode; after a CHMOD the new one */
    __u32 flags;
    struct event_text path;      /* whole, or as given to the call: then relative to `directory` */
    struct event_text old_path;  /* RENAME, LINK: its other name; SYMLINK: what it holds */
    struct event_text directory; /* what `path` is relative to; empty where it is absolute */
    struct event_text old_directory; /* likewise for old_path */
};

/* ---- credentials, walls, and what one process does to another ---- */

/* event_privilege.what: the system call, or what it amounts to; and what `first`, `second`,
 * `target`, `source` and `type` are, in this order */
#define EVENT_PRIVILEGE_UID         1  /* setuid(), setreuid(), setresuid() */
#define EVENT_PRIVILEGE_GID         2  /* likewise */
#define EVENT_PRIVILEGE_CAPS        3  /* capset() */
#define EVENT_PRIVILEGE_SETNS       4  /* CLONE_NEW* or 0; the descriptor's inode */
#define EVENT_PRIVILEGE_UNSHARE     5  /* CLONE_NEW* */
#define EVENT_PRIVILEGE_CHROOT      6  /* the new root */
#define EVENT_PRIVILEGE_MOUNT       7  /* MS_*; where, what, file system */
#define EVENT_PRIVILEGE_MODULE      8  /* its taints; name, file */
#define EVENT_PRIVILEGE_BPF         9  /* BPF_PROG_TYPE_*, id; name, function */
#define EVENT_PRIVILEGE_FSUID       10 /* setfsuid(): before, after */
#define EVENT_PRIVILEGE_FSGID       11 /* likewise */
#define EVENT_PRIVILEGE_PIVOT_ROOT  12 /* the new root, where the old one went */
#define EVENT_PRIVILEGE_UMOUNT      13 /* MNT_*; where */
#define EVENT_PRIVILEGE_MOVE_MOUNT  14 /* where, what or from where, file system */
#define EVENT_PRIVILEGE_MODULE_GONE 15 /* delete_module(): name */
#define EVENT_PRIVILEGE_KINDS       16

struct event_privilege {
    struct event_header header;
    struct event_task task; /* after the change */
    __u32 what;             /* EVENT_PRIVILEGE_* */
    __u32 uts_ns;           /* SETNS, UNSHARE: after the change, those that `task` does not name */
    __u32 ipc_ns;
    __u32 cgroup_ns;
    __u32 child_time_ns; /* where its next children are born */
    __u32 padding;
    __u64 first; /* numbers: see EVENT_PRIVILEGE_* */
    __u64 second;
    struct event_text target; /* paths are as given to the call, but for the root of a chroot */
    struct event_text source;
    struct event_text type;
};

/* event_influence.how */
#define EVENT_INJECT_POKE   1 /* ptrace(): `number` is the request */
#define EVENT_INJECT_WRITEV 2 /* process_vm_writev() */
#define EVENT_INJECT_FILE   3 /* /proc/PID/mem */
#define EVENT_INJECT_WAYS   4

/* EVENT_PTRACE, EVENT_INJECT, EVENT_SIGNAL: the subject acted on the target. Where only a pid is
 * known (target_start 0), target_pid is one of the pid namespace target_pid_ns. */
struct event_influence {
    struct event_header header;
    __u64 target_start;
    __u64 cgroup_id; /* of the subject */
    __u32 target_pid;
    __u32 target_pid_ns;
    __u32 how;    /* INJECT: EVENT_INJECT_*; else 0 */
    __u32 number; /* the ptrace request or the signal */
};

/* EVENT_CONTAINER: what of it is not known is empty. */
struct event_container {
    struct event_header header;
    __u64 cgroup_id; /* the container's own */
    struct event_text container_id;
    struct event_text runtime;
    struct event_text name;
    struct event_text image;
    struct event_text pod;
    struct event_text namespace_name;
    struct event_text labels; /* a JSON object */
};

/* EVENT_CGROUP: the path below the v2 mount, beginning with '/'. */
struct event_cgroup {
    struct event_header header;
    __u64 cgroup_id;
    struct event_text path;
};

struct event_user {
    struct event_header header;
    __u32 uid;
    __u32 padding;
    char name[EVENT_NAME_SIZE]; /* NUL-padded */
};

struct event_clock {
    struct event_header header;
    __s64 wall_minus_boot; /* ns */
};

/* EVENT_FRONTIER: everything before header.time has been seen. EVENT_SCAN_DONE: everything that ran
 * when the scan began, at header.start, has been reported by header.time. */
struct event_mark {
    struct event_header header;
};

struct event_loss {
    struct event_header header; /* time: when the loss was noticed, the end of its span */
    __u64 began;
    __u64 count;      /* records */
    __u64 cgroup_id;  /* whose they were; 0: not known, or of many */
    __u32 loss_class; /* EVENT_CLASS_* */
    __u32 padding;
    struct event_text stage; /* a name from the column losses.stage */
    struct event_text detail;
};

struct event_host {
    struct event_header header;
    __u64 pid_max;
    __s64 wall_minus_boot; /* ns, when the recording began */
    __u32 abi;             /* EVENT_ABI_VERSION */
    __u32 cpus;
    struct event_text hostname;
    struct event_text machine_id;
    struct event_text boot_id;
    struct event_text kernel;
    struct event_text os;
    struct event_text arch;
};

/* What one cgroup may send of a class, and what it could not: a bucket of tokens, in a map that
 * user space reads. One noisy cgroup does not push out the rest. */
struct emit_bucket {
    __s64 tokens;   /* records that may be sent now */
    __u64 refilled; /* ns, boot clock */
    __u64 dropped;  /* records not sent */
    __u64 told;     /* of those, the ones that user space has been told of */
};

/* What a flow is kept under in the kernel, while struct event_udp counts its packets: a socket and
 * both addresses of a packet, as it is on this host. */
struct emit_flow_key {
    __u64 cookie;
    __u16 family;
    __u16 local_port;
    __u16 remote_port;
    __u16 padding;
    __u8 local_address[16];
    __u8 remote_address[16];
};

struct emit_budget {
    struct emit_bucket buckets[EVENT_CLASSES];
};

/* Programs that are there twice: what the kernel has skipped of the first, the second takes. */
#define EVENT_PAIR_STATE  0 /* network_state, network_state_again; the others likewise */
#define EVENT_PAIR_READ   1
#define EVENT_PAIR_READV  2
#define EVENT_PAIR_WRITE  3
#define EVENT_PAIR_WRITEV 4
#define EVENT_PAIRS       5

/* What user space asks of a sweep (bpf/sweep.bpf.c), and hears back. */
struct emit_sweep {
    __u64 now;        /* ns, boot clock; the same when an unfinished sweep is gone on with */
    __u64 began;      /* budgets: since when what was dropped has not been told */
    __u64 idle_ns;    /* flows: when nothing came for so long they have ended */
    __u64 round;      /* flows: looks so far */
    __u32 all;        /* flows: tell every one that has changed, however long it has lived */
    __u32 seen;       /* out, flows: how many there are, unless it is unfinished */
    __u32 unfinished; /* out: the ring took no more */
    __u32 padding;
};

/* What a CPU sent, one for each CPU in a map shared with user space. */
struct emit_counters {
    __u64 sequence[EVENT_RINGS];  /* records attempted */
    __u64 dropped[EVENT_CLASSES]; /* of those, the ones that did not fit, or had to leave room */
    __u64 rescued[EVENT_PAIRS];   /* skipped by the first of a pair, taken by the second */
    __u64 deferred;               /* left by network_state to network_state_again */
    __u64 over_budget;            /* records not sent because of a budget */
    __u64 executed;               /* programs executed by a system call ... */
    __u64 returned;               /* ... and returns of it that were seen */
    __u64 padding[7];             /* whole cache lines each */
};

#define EVENT_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)
EVENT_ASSERT_SIZE(event_header, 40);
EVENT_ASSERT_SIZE(event_text, 8);
EVENT_ASSERT_SIZE(event_task, 144);
EVENT_ASSERT_SIZE(event_fd, 32);
EVENT_ASSERT_SIZE(event_image, 184);
EVENT_ASSERT_SIZE(event_fork, 184);
EVENT_ASSERT_SIZE(event_exec, 368);
EVENT_ASSERT_SIZE(event_exec_failed, 224);
EVENT_ASSERT_SIZE(event_exit, 64);
EVENT_ASSERT_SIZE(event_tcp, 144);
EVENT_ASSERT_SIZE(event_udp, 168);
EVENT_ASSERT_SIZE(event_dns, 112);
EVENT_ASSERT_SIZE(event_unix, 88);
EVENT_ASSERT_SIZE(event_pipe, 72);
EVENT_ASSERT_SIZE(event_descriptor, 24);
EVENT_ASSERT_SIZE(event_fd_pass, 72);
EVENT_ASSERT_SIZE(event_file, 120);
EVENT_ASSERT_SIZE(event_privilege, 248);
EVENT_ASSERT_SIZE(event_influence, 72);
EVENT_ASSERT_SIZE(event_container, 104);
EVENT_ASSERT_SIZE(emit_budget, 192);
EVENT_ASSERT_SIZE(emit_sweep, 48);
EVENT_ASSERT_SIZE(emit_flow_key, 48);
EVENT_ASSERT_SIZE(event_cgroup, 56);
EVENT_ASSERT_SIZE(event_user, 112);
EVENT_ASSERT_SIZE(event_clock, 48);
EVENT_ASSERT_SIZE(event_loss, 88);
EVENT_ASSERT_SIZE(event_host, 112);
EVENT_ASSERT_SIZE(emit_counters, 192);

#endif
