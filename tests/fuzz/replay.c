/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a fuzz target once over each file of its corpus: what builds without libFuzzer link. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Each input lives in an allocation of exactly its size, so that ASan sees a read past it. */
static void replay_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (f == NULL || data == NULL || fread(data, 1, size, f) != size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(f);
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout); /* names the culprit if the target aborts */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    if (!S_ISDIR(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return 1;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    unsigned files = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
            char *name = malloc(size);
            if (name == NULL)
                abort();
            snprintf(name, size, "%s/%s", path, entries[i]->d_name);
            files += replay(name);
            free(name);
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%u inputs\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus tests nothing */
}
