/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The automaton is run on all its states at once. Which of them it is in is a place; the places it
 * comes to, and where bytes lead from there, are remembered, so that a byte is mostly one look into
 * a table. There may be very many places: when those that are remembered are too many, all are
 * forgotten.
 */
#include <sqlite3ext.h>

#include <string.h>

#include "fn_pattern_private.h"

SQLITE_EXTENSION_INIT3

#define PLACES_MOST 64
#define UNKNOWN     255
#define MATCHED     254 /* a match was reached */

/* States, each once: members[index[s]] is s for the members, and them alone. */
struct state_set {
    int *members;
    int *index;
    int count;
};

/* The states that read a byte or wait for the end of the text, in order. */
struct place {
    int first; /* in the memory of states */
    int count;
    uint32_t hash;
    bool at_start;
    bool ends_known;
    bool ends; /* in a match, if the text ends here */
};

struct run {
    unsigned char class_of[256]; /* bytes that no instruction tells apart are of one class */
    unsigned char byte_of[256];  /* one of the class */
    int classes;
    struct state_set set;
    int *pending; /* a stack for follow() */
    struct place places[PLACES_MOST];
    int place_count;
    int *states;
    int states_used;
    int states_room;
    unsigned char next[]; /* PLACES_MOST rows, a column for each class */
};

/* ---- sets of states ---- */

static bool state_add(struct state_set *set, int state)
{
    int index = set->index[state];

    if (index < set->count && set->members[index] == state)
        return false;
    set->index[state] = set->count;
    set->members[set->count++] = state;
    return true;
}

static bool state_has(const struct state_set *set, int state)
{
    int index = set->index[state];

    return index < set->count && set->members[index] == state;
}

/*
 * Adds a state, and all that can be reached from it without reading. Returns true at a match. Each
 * state is pushed by at most two others, and only once from each.
 */
static bool follow(const struct pattern *pattern, int state, bool at_start, bool at_end)
{
    struct run *run = pattern->run;
    int depth = 0;

    run->pending[depth++] = state;
    while (depth > 0) {
        state = run->pending[--depth];
        if (!state_add(&run->set, state))
            continue;
        const struct instruction *instruction = &pattern->program[state];
        if (instruction->op == OP_MATCH)
            return true;
        if (instruction->op == OP_JUMP || instruction->op == OP_SPLIT)
            run->pending[depth++] = state + instruction->argument;
        if (instruction->op == OP_SPLIT || (instruction->op == OP_START && at_start) ||
            (instruction->op == OP_END && at_end))
            run->pending[depth++] = state + 1;
    }
    return false;
}

static bool reads(const struct pattern *pattern, int state, int byte)
{
    const struct instruction *instruction = &pattern->program[state];

    if (instruction->op == OP_BYTE)
        return instruction->argument == byte;
    return instruction->op == OP_SET && byte_set_has(&pattern->sets[instruction->argument], byte);
}

/* ---- places ---- */

static void forget_places(struct run *run)
{
    run->place_count = 0;
    run->states_used = 0;
}

/* Writes the states of the set that matter behind those of all places; returns how many. */
static int list_states(const struct pattern *pattern)
{
    struct run *run = pattern->run;
    int count = 0;

    for (int state = 0; state < pattern->length; state++) {
        enum op op = pattern->program[state].op;
        if ((op == OP_BYTE || op == OP_SET || op == OP_END) && state_has(&run->set, state))
            run->states[run->states_used + count++] = state;
    }
    return count;
}

static uint32_t hash_of(const int *states, int count)
{
    uint32_t hash = (uint32_t)count;

    for (int i = 0; i < count; i++)
        hash = (hash ^ (uint32_t)states[i]) * 0x9e3779b1u;
    return hash;
}

/* The number of the place that the set is, which may be a new one. */
static int place_of(const struct pattern *pattern, bool at_start)
{
    struct run *run = pattern->run;

    if (run->place_count == PLACES_MOST || run->states_room - run->states_used < pattern->length)
        forget_places(run);
    int *states = run->states + run->states_used;
    int count = list_states(pattern);
    uint32_t hash = hash_of(states, count);
    for (int i = 0; i < run->place_count; i++) {
        const struct place *place = &run->places[i];
        if (place->hash == hash && place->count == count && place->at_start == at_start &&
            memcmp(run->states + place->first, states, (size_t)count * sizeof *states) == 0)
            return i;
    }
    memset(run->next + run->place_count * run->classes, UNKNOWN, (size_t)run->classes);
    run->places[run->place_count] = (struct place){
        .first = run->states_used, .count = count, .hash = hash, .at_start = at_start};
    run->states_used += count;
    return run->place_count++;
}

/* Where the text begins: the place, or MATCHED. */
static int start(const struct pattern *pattern)
{
    struct run *run = pattern->run;

    if (run->place_count > 0 && run->places[0].at_start)
        return 0;
    forget_places(run);
    run->set.count = 0;
    return follow(pattern, 0, true, false) ? MATCHED : place_of(pattern, true);
}

/* Where a byte of that class leads from a place: a match may begin anew behind it. */
static int go(const struct pattern *pattern, int from, int class)
{
    struct run *run = pattern->run;
    const struct place *place = &run->places[from];
    const int *states = run->states + place->first;
    int byte = run->byte_of[class];
    bool matched = false;

    run->set.count = 0;
    for (int i = 0; i < place->count && !matched; i++)
        matched = reads(pattern, states[i], byte) && follow(pattern, states[i] + 1, false, false);
    if (matched || follow(pattern, 0, false, false)) {
        run->next[from * run->classes + class] = MATCHED;
        return MATCHED;
    }
    int known = run->place_count;
    int to = place_of(pattern, false);
    if (run->place_count >= known) /* else `from` was forgotten */
        run->next[from * run->classes + class] = (unsigned char)to;
    return to;
}

static bool ends(const struct pattern *pattern, int at)
{
    struct run *run = pattern->run;
    struct place *place = &run->places[at];
    const int *states = run->states + place->first;

    if (place->ends_known)
        return place->ends;
    run->set.count = 0;
    for (int i = 0; i < place->count && !place->ends; i++)
        place->ends = pattern->program[states[i]].op == OP_END &&
                      follow(pattern, states[i] + 1, place->at_start, true);
    place->ends_known = true;
    return place->ends;
}

bool pattern_match(struct pattern *pattern, struct text text)
{
    const struct run *run = pattern->run;
    int at = start(pattern);

    for (size_t i = 0; i < text.length && at != MATCHED; i++) {
        int class = run->class_of[(unsigned char)text.data[i]];
        int to = run->next[at * run->classes + class];
        at = to == UNKNOWN ? go(pattern, at, class) : to;
    }
    return at == MATCHED || ends(pattern, at);
}

/* ---- classes of bytes ---- */

/* Tells the bytes of the set from all others: those of a class that are in it become a new one. */
static void split_classes(struct run *run, const struct byte_set *set)
{
    int inside[256], outside[256] = {0};

    memset(inside, -1, sizeof inside);
    for (int byte = 0; byte < 256; byte++)
        outside[run->class_of[byte]] |= !byte_set_has(set, byte);
    for (int byte = 0; byte < 256; byte++) {
        int class = run->class_of[byte];
        if (!byte_set_has(set, byte) || !outside[class])
            continue;
        if (inside[class] < 0)
            inside[class] = run->classes++;
        run->class_of[byte] = (unsigned char)inside[class];
    }
}

static void find_classes(const struct pattern *pattern, struct run *run)
{
    run->classes = 1;
    for (int i = 0; i < pattern->set_count; i++)
        split_classes(run, &pattern->sets[i]);
    for (int i = 0; i < pattern->length; i++) {
        int byte = pattern->program[i].argument;
        struct byte_set one = {{0}};
        if (pattern->program[i].op != OP_BYTE)
            continue;
        one.bits[byte / 64] = (uint64_t)1 << byte % 64;
        split_classes(run, &one);
    }
    for (int byte = 0; byte < 256; byte++)
        run->byte_of[run->class_of[byte]] = (unsigned char)byte;
}

/* ---- life ---- */

void pattern_run_close(struct run *run)
{
    if (!run)
        return;
    sqlite3_free(run->set.members);
    sqlite3_free(run->states);
    sqlite3_free(run);
}

int pattern_run_open(struct pattern *pattern)
{
    struct run classes = {.classes = 0};
    int length = pattern->length;

    find_classes(pattern, &classes);
    struct run *run = sqlite3_malloc64(sizeof *run + PLACES_MOST * (size_t)classes.classes);
    if (!run)
        return -1;
    *run = classes;
    run->states_room = 8 * length;
    run->states = sqlite3_malloc64((size_t)run->states_room * sizeof *run->states);
    /* Members, index, and two for each state that is pending. */
    int *memory = sqlite3_malloc64(4 * (size_t)length * sizeof *memory);
    run->set.members = memory;
    pattern->run = run;
    if (!run->states || !memory)
        return -1;
    memset(memory, 0, 4 * (size_t)length * sizeof *memory);
    run->set.index = memory + length;
    run->pending = memory + 2 * length;
    return 0;
}
