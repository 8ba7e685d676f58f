/*
 * check_notify.c - words for a service manager, from a socket in its place.
 */
#include "config.h"

#include "tests/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/daemon.h"

static int
open_manager(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = support_path("notify");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 30},
               sizeof(struct timeval));
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void
expect(int fd, const char *words)
{
    char got[64] = "";
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    ck_assert_int_eq(n, (ssize_t)strlen(words));
    ck_assert_str_eq(got, words);
}

START_TEST(a_word_arrives)
{
    int fd = open_manager();
    notify_send("STATUS=2 jobs");
    expect(fd, "STATUS=2 jobs");
    close(fd);
}
END_TEST

START_TEST(nobody_to_tell_is_no_error)
{
    char path[300];
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    const char *const values[] = {"", "/", "relative", "/nowhere/at/all", path};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        setenv("NOTIFY_SOCKET", values[i], 1);
        notify_send("READY=1");
    }
}
END_TEST

START_TEST(the_daemon_says_when_it_is_ready_and_ends)
{
    int fd = open_manager();
    setenv("POLYMOE_STATE_DIR", support_path("state"), 1);
    pid_t pid = fork();
    if (pid == 0) {
        execl(BUILDDIR "/polymoed", "polymoed", (char *)NULL);
        _exit(127);
    }
    expect(fd, "READY=1");
    kill(pid, SIGTERM);
    expect(fd, "STOPPING=1");
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("notify");
    TCase *tc = tcase_create("notify");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_word_arrives);
    tcase_add_test(tc, nobody_to_tell_is_no_error);
    tcase_add_test(tc, the_daemon_says_when_it_is_ready_and_ends);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
