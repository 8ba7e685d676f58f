/*
 * host.c - memory and SIMD of this machine: the one file of the device layer
 * with calls that not every Unix has.
 */
#include "config.h"

#include "device/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)
#include <sys/types.h>
#include <sys/sysctl.h>
#endif

/* Physical pages that are free, or all of them where nobody says (BSD, macOS):
 * their caches are given back on demand. */
static uint64_t
posix_bytes(void)
{
    long size = sysconf(_SC_PAGESIZE), pages = -1;
#if defined(_SC_AVPHYS_PAGES)
    pages = sysconf(_SC_AVPHYS_PAGES);
#elif defined(_SC_PHYS_PAGES)
    pages = sysconf(_SC_PHYS_PAGES);
#elif defined(HW_PHYSMEM)
    uint64_t bytes = 0;
    size_t n = sizeof bytes;
    int mib[2] = {CTL_HW, HW_PHYSMEM};
    if (sysctl(mib, 2, &bytes, &n, NULL, 0) == 0 && n == sizeof bytes)
        return bytes;
#endif
    return size > 0 && pages > 0 ? (uint64_t)size * (uint64_t)pages : 0;
}

/* Linux: MemAvailable counts the page cache that can be dropped.  A control
 * group may allow less. */
#if defined(__linux__)
/* The number after `key` at the start of a line; 0: none. */
static uint64_t
read_number(const char *path, const char *key)
{
    char line[256];
    size_t n = strlen(key);
    uint64_t x = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (!x && fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0)
            x = strtoull(line + n, NULL, 10);
    fclose(f);
    return x;
}

static uint64_t
linux_bytes(void)
{
    uint64_t bytes = 1024 * read_number("/proc/meminfo", "MemAvailable:");
    uint64_t most = read_number("/sys/fs/cgroup/memory.max", "");
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
    uint64_t cached =
        read_number("/sys/fs/cgroup/memory.stat", "inactive_file ");
    uint64_t left = most + cached > used ? most + cached - used : 0;
    return most && left < bytes ? left : bytes;
}
#else
static uint64_t
linux_bytes(void)
{
    return 0;
}
#endif

uint64_t
host_free_bytes(void)
{
    uint64_t bytes = linux_bytes();
    return bytes ? bytes : posix_bytes();
}

/* The compiler's run-time check also asks the operating system (XCR0). */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
uint32_t
host_vector_bits(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return 512;
    return __builtin_cpu_supports("avx2") ? 256 : 128;
}

const char *
host_instructions(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return __builtin_cpu_supports("avx512bf16")
                   ? "avx2 fma avx512f avx512_bf16"
                   : "avx2 fma avx512f";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "avx2 fma";
    return "";
}
#else
uint32_t
host_vector_bits(void)
{
#if defined(__aarch64__) || defined(__ARM_NEON) || defined(__ALTIVEC__)
    return 128;
#else
    return 0;
#endif
}

const char *
host_instructions(void)
{
    return "";
}
#endif
