/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * The kernel's structures, as far as the programs here read them. Each struct names only the
 * fields that are used; CO-RE finds where they are in the running kernel, so neither order nor
 * padding matters and no header of the build host's kernel is needed.
 */
#ifndef SPYQ_KERNEL_H
#define SPYQ_KERNEL_H

#include "kernel_types.h"

/* bpf_helper_defs.h wants the UAPI names of a few map types, flags and constants. */
enum bpf_map_type {
    BPF_MAP_TYPE_HASH = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_LRU_HASH = 9,
    BPF_MAP_TYPE_SK_STORAGE = 24,
    BPF_MAP_TYPE_RINGBUF = 27,
    BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };
enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC = 0 };
#define BPF_F_NO_PREALLOC           (1u << 0)
#define BPF_SK_STORAGE_GET_F_CREATE 1
#define BPF_F_MMAPABLE              (1u << 10)

/* bpf_tracing.h then takes the registers by the names that struct pt_regs has inside the kernel. */
#define __VMLINUX_H__

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

/*
 * PEEK(pointer, field, ...) reads pointer->field->... of a structure that the verifier does not
 * know as such; what is not there reads as 0. Newer kernels let a program say what a pointer points
 * to: the fields are then plain loads, where each is a call of a helper otherwise. User space sets
 * `typed_reads` where this kernel has that for all programs.
 */
extern const volatile __u32 typed_reads;
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define TYPED(pointer)                                                                             \
    ((typeof(pointer))bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(typeof(*(pointer)))))

#define PEEK(pointer, ...)                                                                         \
    (typed_reads ? ___arrow(TYPED(pointer), __VA_ARGS__) : BPF_CORE_READ(pointer, __VA_ARGS__))

#define AF_UNIX  1
#define AF_INET  2
#define AF_INET6 10

#define EINTR       4
#define EAGAIN      11
#define EEXIST      17
#define EISCONN     106
#define EALREADY    114
#define EINPROGRESS 115
/* From ... to: the kernel starts the call again, and the caller never sees the error. */
#define ERESTART_FIRST 512
#define ERESTART_LAST  516
#define AT_FDCWD       (-100)

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_SEQPACKET 5

#define SOL_SOCKET 1
#define SCM_RIGHTS 1

#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT    2
#define TCP_SYN_RECV    3
#define TCP_CLOSE       7
#define TCP_LISTEN      10
#define SOCK_DONE       1 /* bit in skc_flags: the peer's FIN was received */
/* sk_userlocks: the process has chosen the address, the port. */
#define SOCK_BINDADDR_LOCK 4
#define SOCK_BINDPORT_LOCK 8

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000
#define S_ISUID  0004000
#define S_ISGID  0002000
#define S_IXGRP  0000010

#define TMPFS_MAGIC      0x01021994
#define PROC_SUPER_MAGIC 0x9fa0
#define PIPEFS_MAGIC     0x50495045
#define PID_FS_MAGIC     0x50494446

#define FMODE_WRITE 2u

#define PF_KTHREAD        0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004
#define PIDTYPE_PID       0
#define PIDTYPE_TGID      1
#define PIDTYPE_PGID      2
#define PIDTYPE_SID       3

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    int counter;
} atomic_t;

typedef struct {
    __s64 counter;
} atomic64_t;

typedef struct {
    __u32 val;
} kuid_t;

typedef struct {
    __u32 val;
} kgid_t;

struct ns_common {
    unsigned int inum;
};

struct xarray {
    void *xa_head;
};

struct xa_node {
    unsigned char shift;
    void *slots[64];
};

struct idr {
    struct xarray idr_rt;
};

struct pid_namespace {
    struct idr idr;
    struct ns_common ns;
};

struct uts_namespace {
    struct ns_common ns;
};

struct ipc_namespace {
    struct ns_common ns;
};

struct cgroup_namespace {
    struct ns_common ns;
};

struct time_namespace {
    struct ns_common ns;
};

struct mnt_namespace {
    struct ns_common ns;
};

struct user_namespace {
    int level;
    struct ns_common ns;
};

struct net {
    struct ns_common ns;
};

struct nsproxy {
    struct uts_namespace *uts_ns;
    struct ipc_namespace *ipc_ns;
    struct mnt_namespace *mnt_ns;
    struct pid_namespace *pid_ns_for_children;
    struct net *net_ns;
    struct time_namespace *time_ns_for_children; /* only with CONFIG_TIME_NS */
    struct cgroup_namespace *cgroup_ns;
};

struct upid {
    int nr;
    struct pid_namespace *ns;
};

struct hlist_node {
    struct hlist_node *next;
};

struct hlist_head {
    struct hlist_node *first;
};

struct pid {
    unsigned int level;
    struct hlist_head tasks[4];
    struct upid numbers[1];
};

struct sigaction {
    void *sa_handler;
};

struct k_sigaction {
    struct sigaction sa;
};

struct sighand_struct {
    struct k_sigaction action[64];
};

struct kernel_siginfo {
    int si_code;
};

struct tty_struct {
    char name[64];
};

struct signal_struct {
    atomic_t live;
    struct pid *pids[4];
    struct tty_struct *tty;
    int group_exit_code;
    unsigned int flags;
};

/* One __u64, or before 6.3 two __u32: the same eight bytes on little endian, under no common name.
 */
typedef struct {
} kernel_cap_t;

struct cred {
    kuid_t uid;
    kgid_t gid;
    kuid_t euid;
    kgid_t egid;
    kuid_t fsuid;
    kgid_t fsgid;
    kernel_cap_t cap_effective;
    struct user_namespace *user_ns;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup_root {
    int hierarchy_id;
};

struct cgroup {
    int level;
    struct kernfs_node *kn;
    struct cgroup_root *root;
    struct cgroup *ancestors[1];
};

struct css_set {
    struct cgroup *dfl_cgrp;
};

struct file_system_type {
    const char *name;
};

struct super_block {
    unsigned int s_dev;
    unsigned long s_magic;
    struct file_system_type *s_type;
};

struct inode {
    unsigned short i_mode;
    kuid_t i_uid;
    kgid_t i_gid;
    unsigned int i_rdev;
    unsigned long i_ino;
    unsigned int i_nlink;
    unsigned int i_generation;
    __s64 i_size;
    struct super_block *i_sb;
    void *i_private;
};

struct qstr {
    unsigned int len;
    const unsigned char *name;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
};

struct vfsmount {
    struct dentry *mnt_root;
    struct super_block *mnt_sb;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    const char *mnt_devname;
    struct vfsmount mnt;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    struct path f_path;
    struct inode *f_inode;
    unsigned int f_mode;
    void *private_data;
};

struct io_cqe {
    __s32 res;
};

struct io_kiocb {
    struct file *file;
    struct io_cqe cqe;
};

struct pipe_inode_info {
    unsigned int head;
    unsigned int tail;
};

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};

struct files_struct {
    struct fdtable *fdt;
};

struct proc_inode {
    struct pid *pid;
    struct inode vfs_inode;
};

struct bpf_prog_aux {
    unsigned int id;
    const char *attach_func_name;
    char name[16];
};

struct bpf_prog {
    enum bpf_prog_type type;
    struct bpf_prog_aux *aux;
};

struct fs_struct {
    struct path root;
    struct path pwd;
};

struct mm_struct {
    unsigned long arg_start;
    unsigned long arg_end;
    unsigned long start_stack;
    unsigned long env_start;
    unsigned long env_end;
    struct file *exe_file;
};

struct task_struct {
    unsigned int flags;
    unsigned in_execve : 1;
    int pid;
    int tgid;
    int exit_code;
    __u64 start_boottime;
    struct task_struct *group_leader;
    struct task_struct *real_parent;
    struct mm_struct *mm;
    struct files_struct *files;
    struct fs_struct *fs;
    const struct cred *cred;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
    struct sighand_struct *sighand;
    struct css_set *cgroups;
    struct pid *thread_pid;
    struct hlist_node pid_links[4];
    kuid_t loginuid;        /* only with CONFIG_AUDIT */
    unsigned int sessionid; /* likewise */
    char comm[16];
};

struct trace_event_raw_sched_process_fork {
    int child_pid;
};

struct trace_event_raw_sched_prepare_exec {
    __u32 __data_loc_interp;
    __u32 __data_loc_filename;
};

struct trace_event_raw_sched_process_exec {
    __u32 __data_loc_filename;
    int old_pid;
};

struct trace_event_raw_sched_process_exit {
    bool group_dead;
};

struct linux_binprm {
    int argc;
    const char *filename;
    const char *interp;
};

struct in6_addr {
    __u8 s6_addr[16];
};

typedef struct {
    struct net *net;
} possible_net_t;

struct sock_common {
    unsigned short skc_family;
    volatile unsigned char skc_state;
    __u16 skc_num;    /* host order */
    __be16 skc_dport; /* network order */
    __be32 skc_daddr;
    __be32 skc_rcv_saddr;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
    possible_net_t skc_net;
    unsigned long skc_flags;
    atomic64_t skc_cookie;
};

struct sock_cgroup_data {
    struct cgroup *cgroup;
};

struct socket;

struct sock {
    struct sock_common __sk_common;
    struct socket *sk_socket;
    int sk_err;
    __u16 sk_protocol;
    kuid_t sk_uid;
    struct sock_cgroup_data sk_cgrp_data;
    __u8 sk_userlocks;       /* some bits of a byte */
    struct pid *sk_peer_pid; /* UNIX sockets only */
};

struct sockaddr_un {
    unsigned short sun_family;
    char sun_path[108];
};

struct unix_address {
    int len;
    struct sockaddr_un name[1];
};

struct unix_sock {
    struct unix_address *addr;
    struct path path;
    struct sock *peer;
};

struct inet_sock {
    __be16 inet_sport; /* network order; outlives skc_num when the socket closes */
};

/* What programs for cgroups see of a packet and of a socket: the kernel rewrites these loads. */
struct bpf_sock {
    __u32 family;
    __u32 protocol;
    __u32 src_ip4;    /* network order */
    __u32 src_ip6[4]; /* likewise */
    __u32 src_port;   /* host order */
    __be16 dst_port;
    __u32 state;
};

struct __sk_buff {
    __u32 len;
    __u32 data;
    __u32 data_end;
    __u32 gso_segs;
    struct bpf_sock *sk;
};

struct tcp_sock {
    __u32 rcv_nxt;
    __u32 snd_una;
    __u64 bytes_received;
    __u64 bytes_sent;
    __u64 bytes_retrans;
};

struct socket {
    short type;
    struct sock *sk;
    struct file *file;
};

struct trace_event_raw_sys_exit {
    long id;
    long ret;
};

struct pt_regs {
    unsigned long r10;
    unsigned long r8;
    unsigned long dx;
    unsigned long si;
    unsigned long di;
    unsigned long orig_ax;
};

/* arm64 */
struct user_pt_regs {
    __u64 regs[31];
};

struct pt_regs___arm64 {
    int syscallno;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__task {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    __u32 fd;
    struct file *file;
};

#pragma clang attribute pop

#endif
