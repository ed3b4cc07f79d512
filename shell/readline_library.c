/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "readline_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "complain.h"

/* It is called by its major version, which the headers tell. */
#define TEXT(number)        #number
#define LIBRARY_OF(version) "libreadline.so." TEXT(version)
#define LIBRARY             LIBRARY_OF(RL_VERSION_MAJOR)

struct readline readline_library;

static const struct {
    const char *name;
    size_t member; /* where its pointer is in the struct */
} symbols[] = {
#define READLINE_ROW(name) {#name, offsetof(struct readline, name)},
    READLINE_SYMBOLS(READLINE_ROW)
#undef READLINE_ROW
};

static bool find_symbols(void *library)
{
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found)
            return false;
        memcpy((char *)&readline_library + symbols[i].member, &found, sizeof found);
    }
    return true;
}

bool readline_load(void)
{
    static void *library;
    if (library)
        return true;
    void *opened = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!opened || !find_symbols(opened)) {
        complain("no prompt without the library readline: %s", dlerror());
        return false;
    }
    library = opened;
    return true;
}
