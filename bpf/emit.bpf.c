// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/* The maps and variables that all programs share; the headers say what they are for. */
#include "emit.h"

#include "budget.h"
#include "environment.h"
#include "filter.h"
#include "insiders.h"
#include "udp.h"

struct ring lifecycle SEC(".maps");
struct ring activity SEC(".maps");
struct counters_map counters SEC(".maps");
struct scratch_map scratches SEC(".maps");
struct environment_map environment_names SEC(".maps");
struct insiders_map insiders SEC(".maps");
struct budgets_map budgets SEC(".maps");
struct udp_sockets_map udp_sockets SEC(".maps");
struct udp_flows_map udp_flows SEC(".maps");
struct udp_closed_map udp_closed SEC(".maps");
__u32 armed[EVENT_RINGS];
__u32 stopped;
const volatile __u64 activity_share[EVENT_CLASSES] = {0};
const volatile __u64 budget_rate[EVENT_CLASSES] = {0};
const volatile __u64 budget_burst[EVENT_CLASSES] = {0};
const volatile __u64 environment_initials[4] = {0};
const volatile __u64 environment_seconds[4] = {0};

const volatile __u64 filter_cgroup = 0;
const volatile __u32 filter_level = 0;
const volatile __u32 typed_reads = 0;

/* Some helpers, the ring buffer's among them, are for GPL-compatible programs only. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
