/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a user's store (user.sql) is known: spyq writes it, the recorder reads its pins. */
#ifndef SPYQ_USER_H
#define SPYQ_USER_H

#define USER_STORE_SUFFIX         ".user"    /* behind the path of the recorded store */
#define USER_STORE_APPLICATION_ID 0x53505955 /* "SPYU" */
#define USER_STORE_SCHEMA_VERSION 1

#endif
