/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the model share: its state, and the functions by which one part asks another.
 * Only model*.c include this. */
#ifndef SPYQ_MODEL_PRIVATE_H
#define SPYQ_MODEL_PRIVATE_H

#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

#include "index.h"
#include "model.h"
#include "shared.h"

/* What has ended is still known for this long: events about it may come late. ns, boot clock. */
#define GRACE_NS (5 * 1000000000ull)

/* The text columns of a process, held; they enter the row when it is written. */
struct process_texts {
    struct shared *comm;
    struct shared *exe;
    struct shared *cmdline;
    struct shared *cwd;
    struct shared *user;
    struct shared *capabilities;
    struct shared *tty;
    struct shared *cgroup;
    struct shared *container_id;
};

/* What a process may do and see, as it was last told of; kept to tell what changes. */
struct standing {
    uint64_t capabilities;
    uint32_t uid;
    uint32_t euid;
    uint32_t gid;
    uint32_t egid;
    uint32_t mnt_ns;
    uint32_t net_ns;
    uint32_t user_ns;
    uint32_t child_pid_ns; /* where its children are born */
    bool known;
};

struct container;
struct trace;

struct process {
    struct row_process row; /* integer columns; texts and origin are set when it is written */
    struct process_texts text;
    struct standing standing;
    const char *origin;
    uint32_t pid;
    uint64_t start;
    uint32_t parent_pid; /* who forked it, as the kernel names processes; 0: unknown */
    uint64_t parent_start;
    uint64_t cwd_inode;
    uint32_t cwd_device;
    uint64_t seen;               /* time of the newest event about it */
    uint64_t ended;              /* time of its end; 0: alive */
    struct container *container; /* that its cgroup is in; NULL: none, or it has ended */
    struct shared *placed;       /* the cgroup by which that was found */
    int64_t visited; /* the container (row) whose namespaces it has otherwise joined; 0: none */
    uint64_t entry;  /* how it or its ancestor came into its container (model_entry.c); 0 */
    /* Until when others acted on it, and it on others (wall, ns; INTEGER_NULL: never, as far as is
     * known), and through how many open connections they still may. */
    int64_t acted_on;
    int64_t acted;
    uint32_t ways_in;
    uint32_t ways_out;
    int64_t holds; /* the connection that it was last found to hold for another; INTEGER_NULL */
    uint64_t holds_socket; /* the inode of that connection's socket */
    /* Open connections of its own through which data may come in, and the sum of their ids: of a
     * single one that is its id. */
    uint32_t feeds;
    int64_t feed_sum;
    struct trace *trace;          /* that it belongs to; NULL: not known yet */
    struct shared *looked_cgroup; /* by which that was found, as the next two */
    int64_t looked_session;
    int64_t looked_login;
    int64_t fork_edge;   /* the edge that leads to it from its parent; 0: none known */
    uint64_t accepted;   /* inode of the socket of the connection that it accepted last; 0 */
    int64_t connections; /* counted as its own in its trace */
    uint32_t moved;      /* the move by which it came into its trace */
    unsigned char role;  /* enum trace_role: what its program is for */
    bool interprets;     /* it runs what a file holds, which its arguments name */
    uint64_t input;      /* or, where they name none, its standard input: the inode number; 0 */
    bool outside;        /* has left the recorded cgroup */
    bool dirty;          /* on the list of rows to write */
    TAILQ_ENTRY(process) of_trace;
    TAILQ_ENTRY(process) alive;
    TAILQ_ENTRY(process) changed;
};
TAILQ_HEAD(process_list, process);

struct listener {
    struct row_listener row; /* texts are in `address` and `origin` */
    struct shared *address;
    uint8_t bound[16]; /* what `address` says, of this family; 0: it says nothing */
    uint16_t family;
    const char *origin;
    uint64_t cookie;
    uint64_t seen;
    uint64_t ended;
    bool udp; /* bound, rather than listening */
    bool dirty;
    TAILQ_ENTRY(listener) open;
    TAILQ_ENTRY(listener) changed;
};
TAILQ_HEAD(listener_list, listener);

/* Both ends of a connection, as one host sees them. */
struct tuple {
    uint16_t family;
    uint16_t local_port;
    uint16_t remote_port;
    uint8_t local[16];
    uint8_t remote[16];
};

/* What a flow of UDP is beyond a connection. */
struct flow_state {
    struct udp_socket *socket; /* with all its flows; NULL: the connection is none of UDP */
    uint64_t began;            /* first packet, boot clock; 0: an earlier run's, not seen since */
    uint64_t last;             /* newest packet; 0: not known */
    int64_t earlier_sent;      /* bytes that an earlier run has counted */
    int64_t earlier_received;
    LIST_ENTRY(connection) of_socket;
};

struct connection {
    struct row_connection row; /* texts: see connection_row() */
    struct shared *error;
    struct shared *name; /* remote_name */
    const char *direction;
    const char *state;
    const char *origin;
    uint64_t cookie;
    struct tuple tuple;
    uint32_t local_sequence; /* after the handshake; valid where `handshake` says so */
    uint32_t remote_sequence;
    bool handshake; /* the sequence numbers are those of the handshake */
    bool indexed;   /* others find it as their peer */
    bool established;
    bool accepted;   /* somebody has taken it out of the listener's queue */
    bool presumed;   /* ended because a scan did not see it: its real end may still be told */
    bool reported;   /* connect() has returned its failure */
    bool leads_in;   /* counted in ways_out of the client's process, ways_in of the server's */
    int64_t feeds;   /* the process in whose `feeds` it is counted; 0: none */
    int64_t counted; /* and in whose `connections` */
    bool dirty;
    bool edge_dirty; /* and so is its edge */
    uint64_t seen;
    uint64_t ended;
    struct row_edge edge;    /* the connect edge, kept by the server's end; id 0: none yet */
    struct connection *peer; /* the other end, as long as it is in memory */
    struct connection *next_same_tuple;
    struct flow_state flow; /* where it is one of UDP */
    TAILQ_ENTRY(connection) open;
    TAILQ_ENTRY(connection) changed;
};
TAILQ_HEAD(connection_list, connection);

/* What carried an edge. Edges of one kind between the same two with the same evidence may be one.
 */
struct evidence {
    int64_t connection_id; /* INTEGER_NULL: none */
    int64_t file_id;
    struct text detail; /* such as the name of a socket or the inode of a pipe */
};

/* An edge that may happen again. */
struct repeated_edge {
    struct row_edge row;
    struct shared *detail;
    struct key key;
    bool dirty;
    TAILQ_ENTRY(repeated_edge) recent;
    TAILQ_ENTRY(repeated_edge) changed;
};
TAILQ_HEAD(edge_list, repeated_edge);

struct udp_state;
struct dns_state;
struct unix_state;
struct pipe_state;
struct file_state;
struct descriptor_state;
struct container_state;
struct trace_state;

struct model {
    int64_t host_id;
    int64_t next_id[ROW_KIND_COUNT];
    int64_t clock;            /* wall minus boot, ns */
    uint64_t now;             /* time of the newest event */
    uint64_t forgotten;       /* when what ended long ago was last looked for */
    char *const *environment; /* names to keep; not owned; NULL: none */
    char *const *places;      /* `name:pattern` of watched files; not owned; NULL: none */
    struct batch *batch;      /* rows made since the last flush; NULL: none */
    uint64_t unkept;          /* rows and objects lost for want of memory, since the last flush */

    struct index processes; /* (pid, start) -> struct process */
    struct index users;     /* uid -> struct shared */
    struct index cgroups;   /* id -> struct shared */
    struct process_list alive_processes;
    struct process_list dead_processes; /* in order of their end */
    struct process_list changed_processes;

    struct index listeners;   /* cookie -> struct listener */
    struct index connections; /* cookie -> struct connection, the newest attempt */
    struct index tuples;      /* hash of a tuple -> struct connection, a chain */
    struct index handshakes;  /* (netns-free) sequence numbers -> struct connection */
    struct listener_list open_listeners;
    struct listener_list closed_listeners;
    struct listener_list changed_listeners;
    struct connection_list open_connections;
    struct connection_list closed_connections;
    struct connection_list changed_connections;
    struct index sockets; /* inode of a socket -> struct connection that is open on it */

    struct index process_ids; /* id of the row -> struct process */
    struct index pids; /* (pid namespace, pid in it) -> struct process, alive; 0: the initial one */
    struct index edges;            /* what an edge is between -> struct repeated_edge */
    struct edge_list recent_edges; /* that which happened last is the last */
    struct edge_list changed_edges;

    /* Each is its unit's own, made when it is first needed; NULL until then. */
    struct udp_state *udp;
    struct dns_state *dns;
    struct unix_state *unix_sockets;
    struct pipe_state *pipes;
    struct file_state *files;
    struct descriptor_state *descriptors;
    struct container_state *containers;
    struct trace_state *traces;
};

/* ---- model.c ---- */

/* A time of the boot clock as ns since the epoch. */
int64_t model_wall(const struct model *model, uint64_t time);

/* Gives out the next id of a kind. */
int64_t model_id(struct model *model, enum row_kind kind);

/* Puts a row into the batch; counts it as lost when there is no memory. */
void model_put(struct model *model, enum row_kind kind, const void *columns);

/* A NUL-terminated constant as text; NULL is NULL. Inline, as the compiler knows most lengths. */
static inline struct text model_constant(const char *string)
{
    return string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

/* Which of the names (NULL-terminated list of constants) the text is; NULL: none of them. */
const char *model_one_of(struct text text, const char *const *names);

/* The constant that an origin read from a store stands for. */
const char *model_origin(struct text origin);

/* ---- model_process.c ---- */

void process_fork(struct model *model, const struct event *event);
void process_snapshot(struct model *model, const struct event *event);
void process_exec(struct model *model, const struct event *event);
void process_exec_failed(struct model *model, const struct event *event);
void process_exit(struct model *model, const struct event *event);
void process_attach(struct model *model, const struct event *event);
void process_adopt(struct model *model, const struct row_process *row);

/* The row takes over what the kernel says of the process now. */
void process_become(struct model *model, struct process *process, const struct event_task *task);

/* The scan that began at that time is done: what it did not see has ended. */
void process_reconcile(struct model *model, uint64_t began);

/* The process that an event's header names, made up as inferred where it is not known; NULL where
 * the header names nobody. */
struct process *process_of(struct model *model, const struct event_header *header);

/* A process' row changed. */
void process_touch(struct model *model, struct process *process);

/* Puts all changed rows into the batch, and forgets what ended before `before`. */
void process_flush(struct model *model);
void process_forget(struct model *model, uint64_t before);
void process_free_all(struct model *model);

/* ---- model_exec.c ---- */

/* Makes the row of a successful exec, with that id, or of a failed one. */
void exec_row(struct model *model, const struct process *process, const struct event *event,
              int64_t id);
void exec_failed_row(struct model *model, const struct process *process, const struct event *event);

/* The process of that pid and start; NULL: it is not known. */
struct process *process_known(const struct model *model, uint32_t pid, uint64_t start);

/* The process whose row has that id, until it is forgotten; NULL: it is not known. */
struct process *process_by_id(const struct model *model, int64_t id);

/* The living process that has that pid in that pid namespace (inode number); NULL: none known. */
struct process *process_by_pid(const struct model *model, uint32_t pid_ns, uint32_t pid);

/* ---- model_edge.c ---- */

/* A new edge of a kind (a constant). The caller adds the evidence and puts it into the batch. */
struct row_edge edge_new(struct model *model, const char *kind, int64_t src, int64_t dst,
                         int64_t at);

/* Puts it into the batch at once, after it was made or has lasted longer or ends elsewhere. */
void edge_put(struct model *model, const struct row_edge *edge);

/*
 * src acted on dst between two times of the boot clock (the same for a single act). It makes an
 * edge, or lengthens the one that was there with the same evidence, where that changes nobody's
 * reachability: since the edge's last_at nothing has acted on src, and dst on nothing. Returns the
 * edge's id; 0: src and dst are one process, or either is NULL.
 */
int64_t edge_act(struct model *model, const char *kind, struct process *src, struct process *dst,
                 uint64_t from, uint64_t until, const struct evidence *evidence);

/* As edge_act, where src is the id of a process that may have been forgotten. */
int64_t edge_act_by(struct model *model, const char *kind, int64_t src_id, struct process *dst,
                    uint64_t from, uint64_t until, const struct evidence *evidence);

/* An edge made otherwise: src acted on dst until then (wall, ns). Either may be NULL. */
void edge_acted(struct process *src, struct process *dst, int64_t until);

/* An edge that an earlier run left open; after the processes and connections. */
void edge_adopt(struct model *model, const struct row_edge *row);

void edge_flush(struct model *model);
void edge_free_all(struct model *model);

/* ---- model_listener.c ---- */

/* A socket listens (the event says whose) or, as of a scan, has been found listening. */
void listener_open(struct model *model, const struct event *event, const char *origin);
/* Its socket was closed. */
void listener_close(struct model *model, const struct event *event);
/* The socket, if it is a listener of UDP, waits for nobody any more. */
void listener_gone(struct model *model, uint64_t cookie, uint64_t time);
/* The listener that an open socket is; NULL: it is none. */
const struct listener *listener_of(const struct model *model, uint64_t cookie);
void listener_adopt(struct model *model, const struct row_listener *row);
void listener_reconcile(struct model *model, uint64_t began);

/* The listener that took a TCP connection in; of several, the one of that process (NULL: any). */
const struct listener *listener_for(const struct model *model, const struct tuple *tuple,
                                    int64_t net_ns, int64_t process_id);
void listener_flush(struct model *model);
void listener_forget(struct model *model, uint64_t before);
void listener_free_all(struct model *model);

/* ---- model_connection.c ---- */

void connection_connect(struct model *model, const struct event *event);
void connection_established(struct model *model, const struct event *event);
void connection_accept(struct model *model, const struct event *event);
void connection_close(struct model *model, const struct event *event);
void connection_connect_failed(struct model *model, const struct event *event);
void connection_snapshot(struct model *model, const struct event *event);
void connection_adopt(struct model *model, const struct row_connection *row);
/* Such an edge of a connection. */
void connection_adopt_edge(struct model *model, const struct row_edge *row);
void connection_reconcile(struct model *model, uint64_t began);
void connection_flush(struct model *model);
void connection_forget(struct model *model, uint64_t before);
void connection_free_all(struct model *model);
/* A new row of an open connection. cookie: what it is found by; 0: by nothing. NULL: out of memory.
 */
struct connection *connection_new(struct model *model, uint64_t cookie, const char *origin);
/* Its socket's inode number, which descriptors and standard streams are known by; 0: unchanged. */
void connection_set_inode(struct model *model, struct connection *connection, uint64_t inode);
/* It ended at `ended_at`, as was learnt now (both boot clock). error: errno, positive; 0: none. */
void connection_end(struct model *model, struct connection *connection, uint64_t now,
                    uint64_t ended_at, uint32_t error);
/* The process that an event names takes it over; the other end and the edge learn of it. */
void connection_set_process(struct model *model, struct connection *connection,
                            const struct process *process);
/* The connection that is open on the socket of that inode number; NULL: none is known. */
struct connection *connection_of_socket(const struct model *model, uint64_t inode);
/* A process holds the socket of a connection that another made. how: a constant; edge_id 0: none.
 */
void connection_hold(struct model *model, const struct connection *connection,
                     const struct process *process, uint64_t time, const char *how,
                     int64_t edge_id);
/* The one open connection that data may come to the process through; INTEGER_NULL: there is none,
 * or more than one. Those to and from port 53 do not count. */
int64_t connection_feeding(const struct model *model, const struct process *process);
/* A process has executed a program (the event's) whose standard streams may be connections. */
void connection_inherit(struct model *model, struct process *process, const struct event *event);
/* Its connect edge was made: as long as it is open the client may act on the server. */
void connection_leads_in(struct model *model, struct connection *server);
/* Sets remote_name, by what its owner or the host was last told of the address, where this end
 * asked. */
void connection_set_name(struct model *model, struct connection *connection);
/* A connection's row changed; its connect edge did. Both are written at the next flush. */
void connection_touch(struct model *model, struct connection *connection);
void connection_edge_changed(struct model *model, struct connection *server);

/* ---- model_peer.c ---- */

/* Makes an established connection known, so that its other end finds it; joins the two when the
 * other end is known already. */
void peer_join(struct model *model, struct connection *connection);

/* The connection of that tuple whose socket's cookie is not known; NULL: there is none. */
struct connection *peer_nameless(const struct model *model, const struct tuple *tuple,
                                 int64_t net_ns);

/* Whether it came in from outside; false where that is not known. */
bool connection_is_incoming(const struct connection *connection);

/* Makes it unknown again. Before its tuple or sequence numbers change. */
void peer_leave(struct model *model, struct connection *connection);

/* Makes the connect edge where both processes are known and the server has accepted. Once. */
void peer_edge(struct model *model, struct connection *server);

/* ---- model_udp.c ---- */

/* UDP: flows, which are rows of connections, and bound sockets, which are rows of listeners. */
void udp_flow(struct model *model, const struct event *event);
void udp_close(struct model *model, const struct event *event);
void udp_bind(struct model *model, const struct event *event);
void udp_snapshot(struct model *model, const struct event *event);
/* A connection of an earlier run turns out to be a flow. */
void udp_adopt(struct model *model, struct connection *connection);
/* A flow's connection is about to be freed. */
void udp_leave(struct model *model, struct connection *connection);
void udp_reconcile(struct model *model, uint64_t began);
void udp_forget(struct model *model, uint64_t before);
void udp_free_all(struct model *model);

/* ---- model_dns.c ---- */

void dns_packet(struct model *model, const struct event *event);

/* The name that the process itself, else the host, last asked for and got this address; NULL: none.
 * The caller holds it only after shared_hold(). process may be NULL. */
struct shared *dns_name_for(const struct model *model, const struct process *process,
                            uint16_t family, const uint8_t address[16]);
void dns_flush(struct model *model);
void dns_forget(struct model *model);
void dns_free_all(struct model *model);

/* ---- model_unix.c ---- */

void unix_connect(struct model *model, const struct event *event);
void unix_accept(struct model *model, const struct event *event);
void unix_bind(struct model *model, const struct event *event);
void unix_snapshot(struct model *model, const struct event *event);

/* A scan is done: whoever holds the sockets that others are connected to has been told. */
void unix_reconcile(struct model *model);

/* A process has come to hold the socket of that inode number: a connection that another accepted,
 * or a datagram socket that another bound. Others are ignored. */
void unix_hold(struct model *model, struct process *process, uint64_t inode, uint64_t time);
/* It has executed a program (the event's) whose standard streams may be such sockets. */
void unix_inherit(struct model *model, struct process *process, const struct event *event);
/* Its connections have ended with it; after its own end has been noted. */
void unix_process_ended(struct model *model, const struct process *process);
/* An edge that an earlier run left open goes on as long as both processes live, or is over. */
void unix_adopt(struct model *model, const struct row_edge *row);
void unix_flush(struct model *model);
void unix_free_all(struct model *model);

/* ---- model_pipe.c ---- */

void pipe_write(struct model *model, const struct event *event);
void pipe_read(struct model *model, const struct event *event);
void pipe_free_all(struct model *model);

/* ---- model_file*.c ---- */

void file_write(struct model *model, const struct event *event);
void file_read(struct model *model, const struct event *event);
void file_load(struct model *model, const struct event *event);
void file_rename(struct model *model, const struct event *event);
void file_link(struct model *model, const struct event *event);
void file_chmod(struct model *model, const struct event *event);
void file_unlink(struct model *model, const struct event *event);
void file_symlink(struct model *model, const struct event *event);

/* A process has executed a program: whoever wrote its file, or its script, acted on it. */
void file_executed(struct model *model, struct process *process, const struct event *event);
void file_free_all(struct model *model);

/* ---- model_privilege.c ---- */

/* Credentials or walls were changed by a system call. */
void privilege_change(struct model *model, const struct event *event);

/* A process has executed a program (the event's): told before the process' row takes over what the
 * event says, so that both can be compared. exec_id: the row of that exec. */
void privilege_exec(struct model *model, struct process *process, const struct event *event,
                    int64_t exec_id);

/* clone() made namespaces for a new process (the event's); what it would else have shared is its
 * creator's. */
void privilege_fork(struct model *model, const struct process *creator,
                    const struct process *process, const struct event *event);

/* What a process' standing is by what the kernel says of it. */
struct standing privilege_standing(const struct event_task *task);

/* ---- model_influence.c ---- */

void influence_ptrace(struct model *model, const struct event *event);
void influence_inject(struct model *model, const struct event *event);
void influence_signal(struct model *model, const struct event *event);

/* ---- model_descriptor.c ---- */

void descriptor_send(struct model *model, const struct event *event);
void descriptor_receive(struct model *model, const struct event *event);
void descriptor_forget(struct model *model, uint64_t before);
void descriptor_free_all(struct model *model);

/* ---- model_container.c ---- */

void container_describe(struct model *model, const struct event *event);

/* A cgroup of that path was made. */
void container_cgroup(struct model *model, struct text path);

/* A process was born, found or moved into a cgroup, or its namespaces may have changed. */
void container_enter(struct model *model, struct process *process);
/* It has ended, or is where nobody looks. */
void container_leave(struct model *model, struct process *process, uint64_t time);

/* The container whose own mount namespace, or else pid namespace, that is; NULL: no container's. */
struct container *container_by_namespaces(const struct model *model, int64_t mnt_ns,
                                          int64_t pid_ns);
void container_adopt(struct model *model, const struct row_container *row);
void container_reconcile(struct model *model, uint64_t began);
void container_flush(struct model *model);
void container_forget(struct model *model, uint64_t before);
void container_free_all(struct model *model);

/* ---- model_trace*.c ---- */

/* A process was forked: its row, parent, container and program are set. */
void trace_born(struct model *model, struct process *process);
/* It has come into what is recorded, as its row says. */
void trace_found(struct model *model, struct process *process);
/* Its credentials, session or cgroup may be others; its program is still as it was. */
void trace_changed(struct model *model, struct process *process);
/* It has executed a program (the event's), which its row names already. */
void trace_executed(struct model *model, struct process *process, const struct event *event);
/* It has ended, as its row says; it is about to be freed. */
void trace_ended(struct model *model, struct process *process);
void trace_forget(struct model *model, struct process *process);

/* It is now in its container, which it was not before. */
void trace_contained(struct model *model, struct process *process);
/* The container's name or root process may be others; it is about to be freed. */
void trace_container_changed(struct model *model, const struct container *container);
void trace_container_gone(const struct container *container);

/* An edge was made (fresh), or has lasted longer or ends elsewhere. */
void trace_edge(struct model *model, const struct row_edge *edge, bool fresh);
/* Likewise one by which somebody is sent into a container. */
void trace_entered(struct model *model, const struct row_edge *edge,
                   const struct container *container, bool fresh);
/* A connection has another owner, has begun or ended. */
void trace_connection(struct model *model, struct connection *connection);

/* Rows of an earlier run: a trace, before its processes; a link, after them. */
void trace_adopt(struct model *model, const struct row_trace *row);
void trace_adopt_member(struct model *model, struct process *process);
void trace_adopt_link(struct model *model, const struct row_trace_link *row);
/* A connection of an earlier run, which has counted it. */
void trace_adopt_connection(struct model *model, struct connection *connection);

/* A scan is done: whoever has no trace gets one. After all else is reconciled. */
void trace_reconcile(struct model *model);

/* After all that has changed is in the batch. */
void trace_flush(struct model *model);
/* After the processes are gone. */
void trace_free_all(struct model *model);

/* ---- address.c ---- */

struct tuple tuple_of(const struct event_tcp *tcp);

/* Canonical text of an address of that family (AF_INET, AF_INET6) in `text`. */
#define ADDRESS_SIZE 46
struct text address_text(uint16_t family, const uint8_t address[16], char text[ADDRESS_SIZE]);

/* The reverse; false where the text is no address. */
bool address_parse(struct text text, uint16_t *family, uint8_t address[16]);

bool address_is_loopback(uint16_t family, const uint8_t address[16]);
bool address_is_any(const uint8_t address[16]);

#endif
