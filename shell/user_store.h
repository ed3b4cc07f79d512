/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user's store: a small SQLite file of what people add to a recorded store (pins and the like),
 * as spyq never writes the recorded one. It is STORE.user, or the file that SPYQ_USER_STORE names;
 * its tables are in sql/user.sql.
 */
#ifndef SPYQ_USER_STORE_H
#define SPYQ_USER_STORE_H

#include "session.h"

/*
 * Opens the user's store of the session for reading. *user is the session with it in place of the
 * recorded store, for query_fetch() and its kin; user->db is NULL where there is no such file yet.
 * Close with user_store_close(). Returns STATUS_STORE after a message that names the file.
 */
enum status user_store_read(const struct session *session, struct session *user);

/* The same for writing. A missing file is made (mode 0640, the group that of the recorded store),
 * and so is each table that it lacks. */
enum status user_store_write(const struct session *session, struct session *user);

void user_store_close(struct session *user);

/* The name of the person who runs this, for a column `user`: of who logged in, also behind sudo.
 * Valid until the next call. */
const char *user_store_person(void);

#endif
