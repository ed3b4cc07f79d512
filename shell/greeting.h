/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SPYQ_GREETING_H
#define SPYQ_GREETING_H

#include "session.h"

/* Tells a person at the prompt what this store is, and three things to try. */
void greeting_print(struct session *session);

#endif
