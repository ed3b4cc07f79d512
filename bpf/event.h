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

#define EVENT_ABI_VERSION 1

/* Bounds on what one record carries. Longer text is cut and flagged; true lengths are kept. */
#define EVENT_ARGV_MAX        32768
#define EVENT_ENVIRONMENT_MAX 4096
#define EVENT_PATH_MAX        4096
#define EVENT_RECORD_MAX      65536

#define EVENT_COMM_SIZE 16
#define EVENT_TTY_SIZE  16
#define EVENT_NAME_SIZE 64

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

/* The ring a record came through. */
#define EVENT_RING_LIFECYCLE 0 /* fork, exec, exit, cgroups, scan */
#define EVENT_RING_ACTIVITY  1 /* the rest: a flood here can not push out an exec */
#define EVENT_RINGS          2

/* Classes of loss, in the order in which they are given up: the last is the first to go. */
#define EVENT_CLASS_LIFECYCLE 0
#define EVENT_CLASS_NETWORK   1
#define EVENT_CLASSES         2

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
    __u32 padding;
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
    __u32 padding;
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

/* What a CPU sent, one for each CPU in a map shared with user space. */
struct emit_counters {
    __u64 sequence[EVENT_RINGS]; /* records attempted */
    __u64 dropped[EVENT_RINGS];  /* of those, the ones that did not fit */
    __u64 rescued;               /* skipped by network_state, taken by network_state_again */
    __u64 padding[3];            /* a cache line each */
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
EVENT_ASSERT_SIZE(event_tcp, 136);
EVENT_ASSERT_SIZE(event_cgroup, 56);
EVENT_ASSERT_SIZE(event_user, 112);
EVENT_ASSERT_SIZE(event_clock, 48);
EVENT_ASSERT_SIZE(event_loss, 80);
EVENT_ASSERT_SIZE(event_host, 112);
EVENT_ASSERT_SIZE(emit_counters, 64);

#endif
