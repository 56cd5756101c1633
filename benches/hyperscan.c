/* Counts, for each pattern, the lines of a file that it matches, with Hyperscan: blocks of whole lines, no captures.
 *
 * hyperscan PATTERNS LOG   one pattern a line; prints the sum over all patterns */
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (256 * 1024)

struct state {
    const char *block;
    size_t len;
    /* The place in the block after the line in which a pattern matched last. */
    size_t *seen;
    unsigned long long count;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
    (void)from, (void)flags;
    struct state *state = context;
    if (to <= state->seen[id]) return 0;
    const char *end = memchr(state->block + to, '\n', state->len - to);
    state->seen[id] = end ? (size_t)(end - state->block) : state->len;
    state->count++;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *patterns = fopen(argv[1], "r"), *log = fopen(argv[2], "r");
    if (!patterns || !log) return perror("open"), 1;
    setvbuf(log, NULL, _IONBF, 0);
    const char **texts = NULL;
    unsigned *flags = NULL, *ids = NULL, count = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, patterns)) > 0) {
        if (line[len - 1] == '\n') line[len - 1] = 0;
        texts = realloc(texts, (count + 1) * sizeof *texts);
        flags = realloc(flags, (count + 1) * sizeof *flags);
        ids = realloc(ids, (count + 1) * sizeof *ids);
        texts[count] = strdup(line), flags[count] = HS_FLAG_MULTILINE, ids[count] = count;
        count++;
    }
    hs_database_t *database;
    hs_compile_error_t *error;
    if (hs_compile_multi(texts, flags, ids, count, HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS)
        return fprintf(stderr, "pattern %d: %s\n", error->expression, error->message), 1;
    hs_scratch_t *scratch = NULL;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) return 1;
    char *block = malloc(BLOCK);
    struct state state = {block, 0, calloc(count, sizeof(size_t)), 0};
    size_t filled = 0, got;
    while ((got = fread(block + filled, 1, BLOCK - filled, log)) > 0) {
        filled += got;
        char *end = memrchr(block, '\n', filled);
        if (!end) return fprintf(stderr, "a line is longer than a block\n"), 1;
        state.len = (size_t)(end - block) + 1;
        memset(state.seen, 0, count * sizeof(size_t));
        if (hs_scan(database, block, (unsigned)state.len, 0, scratch, on_match, &state) != HS_SUCCESS) return 1;
        memmove(block, block + state.len, filled - state.len);
        filled -= state.len;
    }
    printf("%llu\n", state.count);
    return 0;
}
