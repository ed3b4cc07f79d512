/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SPYQ_USAGE_H
#define SPYQ_USAGE_H

#include <stdio.h>

/* Writes the text of --help: no more than a terminal of 80 columns and 24 lines shows. */
void usage_print(FILE *out);

#endif
