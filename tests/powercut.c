/* Notes everything a process does to files below POWERCUT_ROOT in the journal POWERCUT_JOURNAL.
 *
 * Loaded with LD_PRELOAD into the service and all it starts; powercut.py reads the journal and
 * rebuilds what a disk would hold that kept only what was synced. So that it never believes more
 * than the system promises, a change is noted after it was made, the beginning of a sync before
 * it begins and its end after it has ended.
 *
 * An entry is the struct below and then `size` bytes: data, or paths that end in NUL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct entry {
    uint32_t size;
    uint32_t thread;
    uint64_t time_ns;
    uint64_t inode;
    uint64_t offset;
    uint8_t kind;
    uint8_t padding[7];
};

#define MOST_FDS 65536
static uint64_t inode_of[MOST_FDS]; /* 0: not below the root */
static const char *root;
static size_t root_length;
static int journal = -1;
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWERCUT_JOURNAL");
    root = getenv("POWERCUT_ROOT");
    if (!path || !root) return;
    root_length = strlen(root);
    journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

static void note(char kind, uint64_t inode, uint64_t offset, const void *data, size_t size) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct entry entry = {
        .size = size,
        .thread = syscall(SYS_gettid),
        .time_ns = now.tv_sec * 1000000000ull + now.tv_nsec,
        .inode = inode,
        .offset = offset,
        .kind = kind,
    };
    struct iovec parts[2] = {{&entry, sizeof entry}, {(void *)data, size}};
    int kept = errno;
    /* One append: entries of all processes stand one behind the other. */
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof entry + size)) abort();
    errno = kept;
}

/* Changes of names are noted in the order in which they were made, across all processes. */
static void begin_naming(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1ll << 40, .l_len = 1};
    pthread_mutex_lock(&naming);
    while (syscall(SYS_fcntl, journal, F_SETLKW, &lock) < 0 && errno == EINTR) {}
}

static void end_naming(void) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 1ll << 40, .l_len = 1};
    int kept = errno;
    syscall(SYS_fcntl, journal, F_SETLK, &lock);
    errno = kept;
    pthread_mutex_unlock(&naming);
}

static int below_root(const char *path) {
    return journal >= 0 && path && strncmp(path, root, root_length) == 0;
}

static uint64_t tracked(int fd) {
    return fd >= 0 && fd < MOST_FDS ? inode_of[fd] : 0;
}

static int opened(const char *path, int flags, mode_t mode) {
    if (!below_root(path)) {
        int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        if (fd >= 0 && fd < MOST_FDS) inode_of[fd] = 0;
        return fd;
    }
    struct stat state;
    int making = flags & O_CREAT;
    if (making) begin_naming();
    int is_new = making && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < MOST_FDS && fstat(fd, &state) == 0) {
        inode_of[fd] = state.st_ino;
        if (is_new) note('C', state.st_ino, 0, path, strlen(path) + 1);
        else if (flags & O_TRUNC) note('T', state.st_ino, 0, "", 0);
    }
    if (making) end_naming();
    return fd;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode) return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return opened(path, flags, mode); }

static int opened_at(int directory, const char *path, int flags, mode_t mode) {
    if (directory == AT_FDCWD || path[0] == '/') return opened(path, flags, mode);
    int fd = syscall(SYS_openat, directory, path, flags, mode);
    if (fd >= 0 && fd < MOST_FDS) inode_of[fd] = 0;
    return fd;
}

int openat(int directory, const char *path, int flags, ...) {
    MODE(flags, mode) return opened_at(directory, path, flags, mode);
}
int openat64(int directory, const char *path, int flags, ...) {
    MODE(flags, mode) return opened_at(directory, path, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < MOST_FDS) inode_of[fd] = 0;
    return syscall(SYS_close, fd);
}

static ssize_t written(int fd, const void *data, ssize_t size, off_t offset) {
    uint64_t inode = tracked(fd);
    if (inode && size > 0) {
        if (offset < 0) offset = lseek(fd, 0, SEEK_CUR) - size;
        note('W', inode, offset, data, size);
    }
    return size;
}

ssize_t write(int fd, const void *data, size_t size) {
    return written(fd, data, syscall(SYS_write, fd, data, size), -1);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return written(fd, data, syscall(SYS_pwrite64, fd, data, size, offset), offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    return written(fd, data, syscall(SYS_pwrite64, fd, data, size, offset), offset);
}

static ssize_t written_in_parts(
    int fd, const struct iovec *parts, int count, ssize_t size, off_t offset
) {
    uint64_t inode = tracked(fd);
    if (inode && size > 0) {
        if (offset < 0) offset = lseek(fd, 0, SEEK_CUR) - size;
        for (ssize_t left = size; count > 0 && left > 0; parts++, count--) {
            size_t length = parts->iov_len < (size_t)left ? parts->iov_len : (size_t)left;
            note('W', inode, offset, parts->iov_base, length);
            offset += length;
            left -= length;
        }
    }
    return size;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return written_in_parts(fd, parts, count, syscall(SYS_writev, fd, parts, count), -1);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    ssize_t size = syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return written_in_parts(fd, parts, count, size, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    ssize_t size = syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return written_in_parts(fd, parts, count, size, offset);
}

static int truncated(int fd, off_t size) {
    int result = syscall(SYS_ftruncate, fd, size);
    if (result == 0 && tracked(fd)) note('T', tracked(fd), size, "", 0);
    return result;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

static int synced(int fd, long number) {
    uint64_t inode = tracked(fd);
    if (inode) note('B', inode, 0, "", 0);
    int result = syscall(number, fd);
    if (inode) note('E', inode, result == 0, "", 0);
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static void note_names(char kind, uint64_t inode, const char *one, const char *other) {
    char both[8192];
    size_t length = strlen(one) + 1, more = strlen(other) + 1;
    if (length + more > sizeof both) abort();
    memcpy(both, one, length);
    memcpy(both + length, other, more);
    note(kind, inode, 0, both, length + more);
}

int rename(const char *old, const char *new) {
    if (!below_root(old) && !below_root(new)) return syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
    begin_naming();
    int result = syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
    if (result == 0) note_names('R', 0, old, new);
    end_naming();
    return result;
}

int link(const char *old, const char *new) {
    if (!below_root(new)) return syscall(SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, 0);
    begin_naming();
    int result = syscall(SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, 0);
    if (result == 0) note_names('L', 0, old, new);
    end_naming();
    return result;
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
    if (from == AT_FDCWD && to == AT_FDCWD) return link(old, new);
    return syscall(SYS_linkat, from, old, to, new, flags);
}

static int removed(const char *path, int flags) {
    if (!below_root(path)) return syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    begin_naming();
    int result = syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    if (result == 0) note('U', 0, 0, path, strlen(path) + 1);
    end_naming();
    return result;
}

int unlink(const char *path) { return removed(path, 0); }
int rmdir(const char *path) { return removed(path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    if (!below_root(path)) return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat state;
    begin_naming();
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (result == 0 && stat(path, &state) == 0)
        note('D', state.st_ino, 0, path, strlen(path) + 1);
    end_naming();
    return result;
}
