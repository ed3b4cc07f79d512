/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* The kernel's fixed-width names for BPF units, which have no system headers to take them from. */
#ifndef SPYQ_KERNEL_TYPES_H
#define SPYQ_KERNEL_TYPES_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef signed short __s16;
typedef unsigned int __u32;
typedef signed int __s32;
typedef unsigned long long __u64;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#endif
