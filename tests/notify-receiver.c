/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for the service manager: notify-receiver SOCKET binds the socket that $NOTIFY_SOCKET names (sd_notify(3)) and prints what comes,
 * one message a line, "SECONDS NAME=VALUE|NAME=VALUE", until it is killed. Prints "0.000 bound" when it listens.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        double begin = now();
        char text[8192];
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        strcpy(address.sun_path, argv[1]);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                perror("notify-receiver");
                return 1;
        }
        printf("%.3f bound\n", 0.0);
        fflush(stdout);
        for (;;) {
                ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
                if (n < 0)
                        return 1;
                while (n > 0 && text[n - 1] == '\n')
                        n--;
                text[n] = 0;
                for (char *p = text; *p; p++)
                        if (*p == '\n')
                                *p = '|';
                printf("%.3f %s\n", now() - begin, text);
                fflush(stdout);
        }
}
