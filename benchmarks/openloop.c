/* An open loop: sends each request of a plan when it is due, whatever the answers do.

   openloop PORT PLAN OUTCOMES CONNECTIONS GENTLE

   PLAN holds, one behind the other: double due (seconds from the start), int32 stream, uint32
   length, and so many bytes. OUTCOMES gets for each answer or failure: double seconds from the
   moment it was due (negative: none came), int32 stream, int32 status. One thread that polls; a
   request waits for a free connection, and that counts. Ends when all answers have come, or ten
   seconds after the last request. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, EVENTS = 256 };
static const double GIVE_UP = 10.0, NOTHING = 10e-6;

struct wanted { double due; int32_t stream; uint32_t length; };
struct outcome { double seconds; int32_t stream, status; };
static struct { double due; int32_t stream; int busy; } at[MOST];
static int idle[MOST], idle_count, busy_count, poll_fd, port;
static FILE *outcomes;

static void fail(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void note(int fd, double seconds, int status) {
    struct outcome one = {seconds, at[fd].stream, status};
    fwrite(&one, sizeof one, 1, outcomes);
}

static void open_one(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    static const char hello[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || fd >= MOST || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    /* Until the server has taken it in, which is not what is measured, it answers nothing. */
    if (send(fd, hello, sizeof hello - 1, 0) < 0 || recv(fd, answer, sizeof answer, 0) <= 0)
        fail("hello");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) fail("epoll");
    at[fd].busy = 0;
    idle[idle_count++] = fd;
}

static void drop(int fd) {
    if (at[fd].busy) {
        note(fd, -1.0, 0);
        busy_count--;
    } else {
        for (int each = 0; each < idle_count; each++)
            if (idle[each] == fd) { idle[each] = idle[--idle_count]; break; }
    }
    close(fd);
}

static int take(void) {
    struct epoll_event events[EVENTS];
    char answer[65536];
    int found = epoll_wait(poll_fd, events, EVENTS, 0);
    for (int each = 0; each < found; each++) {
        int fd = events[each].data.fd;
        ssize_t length = recv(fd, answer, sizeof answer, 0);
        /* Every answer of a link port fits into one segment of the loopback. */
        if (length < 0 && errno == EAGAIN) continue;
        if (length < 12 || !at[fd].busy) { drop(fd); continue; }
        note(fd, now() - at[fd].due, atoi(answer + 9));
        at[fd].busy = 0;
        busy_count--;
        idle[idle_count++] = fd;
    }
    return found;
}

int main(int count, char **given) {
    if (count != 6) return 2;
    port = atoi(given[1]);
    int connections = atoi(given[4]), gentle = atoi(given[5]), plan = open(given[2], O_RDONLY);
    struct stat size;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (plan < 0 || fstat(plan, &size)) fail(given[2]);
    if (!(outcomes = fopen(given[3], "wb"))) fail(given[3]);
    char *next = mmap(NULL, size.st_size + 1, PROT_READ, MAP_PRIVATE | MAP_POPULATE, plan, 0);
    char *end = next + size.st_size;
    poll_fd = epoll_create1(0);
    for (int each = 0; each < connections; each++) open_one();
    double begin = now();
    while (next < end) {
        struct wanted one;
        memcpy(&one, next, sizeof one);
        next += sizeof one;
        for (double look = 0.0; now() < begin + one.due;) {
            if (now() < look) continue;
            /* Asking all the time would keep the lock that the server's answers need. */
            if (!take()) look = now() + NOTHING;
            if (gentle) usleep(50);
        }
        while (!idle_count) {
            if (!busy_count) open_one(); /* the server has closed all */
            take();
        }
        int fd = idle[--idle_count];
        at[fd].busy = 1;
        at[fd].due = begin + one.due;
        at[fd].stream = one.stream;
        busy_count++;
        if (send(fd, next, one.length, MSG_NOSIGNAL) != (ssize_t)one.length) drop(fd);
        next += one.length;
    }
    double last = now() + GIVE_UP;
    while (busy_count && now() < last) take();
    for (int fd = 0; fd < MOST; fd++)
        if (at[fd].busy) note(fd, -1.0, 0);
    return fclose(outcomes) ? 1 : 0;
}
