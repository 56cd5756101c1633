/* What no program that looks for something can do without: reads a file in blocks and counts its lines.
 *
 * count_lines LOG   prints how many there are */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static unsigned char block[256 * 1024];

int main(int argc, char **argv) {
    int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (file < 0) return 2;
    unsigned long long lines = 0;
    for (ssize_t len; (len = read(file, block, sizeof block)) > 0;)
        for (ssize_t at = 0; at < len; at++) lines += block[at] == '\n';
    printf("%llu\n", lines);
    return 0;
}
