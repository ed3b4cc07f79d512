/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells the service manager how the recorder is, by the protocol of sd_notify(3). */
#ifndef SPYQ_NOTIFY_H
#define SPYQ_NOTIFY_H

/* Sends a state such as "READY=1". Does nothing where NOTIFY_SOCKET is not set. */
void notify(const char *state);

#endif
