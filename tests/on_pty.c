/*
 * on_pty.c - run a command on a terminal of its own, for shell tests.
 *
 *   on-pty COMMAND [ARGUMENT...]
 *
 * Standard input is typed at the terminal, what it shows goes to standard
 * output.  At the end of standard input the terminal is hung up, as when a
 * window is closed.  The status is the command's, 128 + N after signal N.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The child: a session whose terminal is the other end. */
static void
run(int master, char **argv)
{
    const char *name = ptsname(master);
    setsid();
    int tty = name ? open(name, O_RDWR) : -1;
    if (tty < 0)
        _exit(126);
#ifdef TIOCSCTTY
    ioctl(tty, TIOCSCTTY, 0);
#endif
    for (int fd = 0; fd < 3; fd++)
        dup2(tty, fd);
    if (tty > 2)
        close(tty);
    close(master);
    signal(SIGINT, SIG_DFL); // ignored when the tests run in the background
    signal(SIGHUP, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    execvp(argv[0], argv);
    _exit(127);
}

/* What can be read at one end to the other; false at the end of it. */
static bool
pass(int from, int to)
{
    char buf[4096];
    ssize_t n = read(from, buf, sizeof buf);
    return n > 0 && write(to, buf, (size_t)n) == n;
}

/* Until standard input ends or nobody has the terminal open any more. */
static void
talk(int master)
{
    struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
                           {.fd = master, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0) {
        if (fds[1].revents && !pass(master, 1))
            return;
        if (fds[0].revents && !pass(0, master))
            return;
    }
}

int
main(int argc, char **argv)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), status;
    if (argc < 2 || master < 0 || grantpt(master) || unlockpt(master))
        return 125;
    pid_t child = fork();
    if (child == 0)
        run(master, argv + 1);
    if (child < 0)
        return 125;
    talk(master);
    close(master);
    if (waitpid(child, &status, 0) != child)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
