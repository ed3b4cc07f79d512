/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite takes ten thousand small blocks, and frees most of them, to read the schema of a store,
 * which is most of what a short question costs. Small blocks are cut here from large pieces, and
 * kept by size once freed; there is nothing to search, join or lock. Larger ones are the C
 * library's.
 */
#include "memory.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIMIT ((size_t)1 << 30) /* for pieces and larger blocks, bytes */
#define PIECE ((size_t)1 << 17) /* that small blocks are cut from, for good; bytes */
#define UNIT  16                /* all blocks are multiples of it, with what stands before them */

/* The sanitizers see more when each block is the C library's. */
#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if SANITIZED
#define SMALL 0
#else
#define SMALL 1024 /* the largest that is kept here, bytes */
#endif

/* What stands before the memory that SQLite sees, which is aligned to 8 bytes, as it asks. */
struct block {
    size_t size; /* of the whole block */
};

/* A block that is free: what SQLite saw of it leads to the next. */
struct free_block {
    struct block block;
    struct free_block *next;
};

static struct free_block *free_blocks[SMALL / UNIT + 1];
static char *piece, *piece_end; /* what is left of the newest */
static size_t taken;            /* of LIMIT */

static size_t whole_size(int wanted)
{
    return ((size_t)wanted + sizeof(struct block) + UNIT - 1) / UNIT * UNIT;
}

static struct block *block_of(void *memory)
{
    return (struct block *)memory - 1;
}

/* Filled at once: to fault in page after page takes longer. */
static bool new_piece(void)
{
    if (PIECE > LIMIT - taken)
        return false;
    void *new = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (new == MAP_FAILED)
        return false;
    piece = new;
    piece_end = piece + PIECE;
    taken += PIECE;
    return true;
}

static struct block *take_small(size_t size)
{
    struct free_block *kept = free_blocks[size / UNIT];
    if (kept) {
        free_blocks[size / UNIT] = kept->next;
        return &kept->block;
    }
    if ((size_t)(piece_end - piece) < size && !new_piece())
        return NULL;
    void *cut = piece;
    piece += size;
    return cut;
}

static struct block *take_large(size_t size)
{
    struct block *block = size <= LIMIT - taken ? malloc(size) : NULL;
    if (block)
        taken += size;
    return block;
}

static void *take(int wanted)
{
    size_t size = whole_size(wanted);
    struct block *block = size <= SMALL ? take_small(size) : take_large(size);
    if (!block)
        return NULL;
    block->size = size;
    return block + 1;
}

static void give_back(void *memory)
{
    struct free_block *block = (struct free_block *)block_of(memory);
    size_t size = block->block.size;
    if (size > SMALL) {
        taken -= size;
        free(block);
        return;
    }
    block->next = free_blocks[size / UNIT];
    free_blocks[size / UNIT] = block;
}

static int size_of(void *memory)
{
    return memory ? (int)(block_of(memory)->size - sizeof(struct block)) : 0;
}

static void *resize_large(struct block *block, size_t size)
{
    size_t before = block->size;
    if (size > before && size - before > LIMIT - taken)
        return NULL;
    block = realloc(block, size);
    if (!block)
        return NULL;
    taken = taken - before + size;
    block->size = size;
    return block + 1;
}

static void *resize(void *memory, int wanted)
{
    size_t size = whole_size(wanted), before = block_of(memory)->size;
    if (size == before)
        return memory;
    if (size > SMALL && before > SMALL)
        return resize_large(block_of(memory), size);
    void *new = take(wanted);
    if (!new)
        return NULL;
    memcpy(new, memory, (size < before ? size : before) - sizeof(struct block));
    give_back(memory);
    return new;
}

static int round_up(int wanted)
{
    return (int)(whole_size(wanted) - sizeof(struct block));
}

static int begin(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void end(void *unused)
{
    (void)unused;
}

void memory_install(void)
{
    static const sqlite3_mem_methods methods = {take,     give_back, resize, size_of,
                                                round_up, begin,     end,    NULL};
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* the bound is kept here */
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
