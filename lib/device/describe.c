/*
 * describe.c - one OpenCL device in our terms.
 */
#include "config.h"

#include "device/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/host.h"

#define READ(d, what, x) clGetDeviceInfo((d), (what), sizeof(x), &(x), NULL)

static char *
device_text(cl_device_id d, cl_device_info what)
{
    size_t n = 0;
    if (clGetDeviceInfo(d, what, 0, NULL, &n) != CL_SUCCESS)
        return NULL;
    char *s = malloc(n + 1);
    if (s && clGetDeviceInfo(d, what, n, s, NULL) != CL_SUCCESS) {
        free(s);
        return NULL;
    }
    if (s)
        s[n] = '\0';
    return s;
}

static char *
platform_text(cl_platform_id p, cl_platform_info what)
{
    size_t n = 0;
    if (clGetPlatformInfo(p, what, 0, NULL, &n) != CL_SUCCESS)
        return NULL;
    char *s = malloc(n + 1);
    if (s && clGetPlatformInfo(p, what, n, s, NULL) != CL_SUCCESS) {
        free(s);
        return NULL;
    }
    if (s)
        s[n] = '\0';
    return s;
}

/* Move a text into a field, cut, all but printable ASCII as '?', ends trimmed:
 * it goes to terminals and into JSON. */
static void
keep(char *out, size_t cap, char *text)
{
    const char *s = text ? text : "";
    while (isspace((unsigned char)*s))
        s++;
    snprintf(out, cap, "%s", s);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
    for (size_t n = strlen(out); n && out[n - 1] == ' '; n--)
        out[n - 1] = '\0';
    free(text);
}

/* The platform tells PoCL, the maker's spelling tells the others: a vendor
 * number is that of the processor under it. */
static const char *
vendor_key(const char *platform, const char *vendor)
{
    static const char *const key[][2] = {
        {"Portable Computing Language", "pocl"},
        {"NVIDIA", "nvidia"},
        {"Advanced Micro Devices", "amd"},
        {"AMD", "amd"},
        {"Intel", "intel"},
    };
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        if (strstr(i ? vendor : platform, key[i][0]))
            return key[i][1];
    return "other";
}

static bool
has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p += n)
        if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
            return true;
    return false;
}

/* Extensions that some variant of a kernel asks for. */
static void
keep_extensions(struct device_info *info, const char *all)
{
    static const char *const used[] = {
        "cl_khr_fp16",
        "cl_khr_fp64",
        "cl_khr_subgroups",
        "cl_khr_integer_dot_product",
        "cl_intel_subgroups",
        "cl_intel_subgroup_matrix_multiply_accumulate",
        "cl_intel_required_subgroup_size",
        "cl_nv_device_attribute_query",
        "cl_amd_device_attribute_query",
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        if (has_word(all, used[i]) &&
            n + strlen(used[i]) + 2 < sizeof info->extensions)
            n += (size_t)snprintf(info->extensions + n,
                                  sizeof info->extensions - n, "%s%s",
                                  n ? " " : "", used[i]);
    info->fp16 = has_word(all, "cl_khr_fp16");
    info->fp64 = has_word(all, "cl_khr_fp64");
}

/* Environment variables that make a device look smaller, or its driver newer,
 * for tests. */
static void
apply_limits(struct device_info *info)
{
    const char *driver = getenv("POLYMOE_TEST_DRIVER");
    const char *alloc = getenv("POLYMOE_MAX_ALLOC");
    const char *group = getenv("POLYMOE_MAX_GROUP");
    uint64_t bytes = alloc ? strtoull(alloc, NULL, 10) : 0;
    unsigned long items = group ? strtoul(group, NULL, 10) : 0;
    if (bytes && bytes < info->max_alloc_bytes)
        info->max_alloc_bytes = bytes;
    if (items && items < info->max_group)
        info->max_group = (uint32_t)items;
    if (driver)
        snprintf(info->driver, sizeof info->driver, "%s", driver);
    if (getenv("POLYMOE_NO_FP"))
        info->fp16 = info->fp64 = false;
}

static void
keep_texts(struct device_info *info, cl_platform_id p, cl_device_id d)
{
    keep(info->platform, sizeof info->platform,
         platform_text(p, CL_PLATFORM_NAME));
    keep(info->platform_version, sizeof info->platform_version,
         platform_text(p, CL_PLATFORM_VERSION));
    keep(info->name, sizeof info->name, device_text(d, CL_DEVICE_NAME));
    keep(info->vendor, sizeof info->vendor, device_text(d, CL_DEVICE_VENDOR));
    keep(info->driver, sizeof info->driver, device_text(d, CL_DRIVER_VERSION));
    keep(info->c_version, sizeof info->c_version,
         device_text(d, CL_DEVICE_OPENCL_C_VERSION));
    snprintf(info->vendor_key, sizeof info->vendor_key, "%s",
             vendor_key(info->platform, info->vendor));
    char *extensions = device_text(d, CL_DEVICE_EXTENSIONS);
    keep_extensions(info, extensions ? extensions : "");
    free(extensions);
}

static bool
keep_sizes(struct device_info *info, cl_device_id d)
{
    cl_device_type type = 0;
    cl_ulong memory = 0, alloc = 0, local = 0;
    cl_uint units = 0, align = 0;
    cl_bool unified = CL_FALSE;
    size_t group = 0;
    if (READ(d, CL_DEVICE_TYPE, type) != CL_SUCCESS ||
        READ(d, CL_DEVICE_GLOBAL_MEM_SIZE, memory) != CL_SUCCESS ||
        READ(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, alloc) != CL_SUCCESS ||
        READ(d, CL_DEVICE_LOCAL_MEM_SIZE, local) != CL_SUCCESS ||
        READ(d, CL_DEVICE_MAX_COMPUTE_UNITS, units) != CL_SUCCESS ||
        READ(d, CL_DEVICE_MEM_BASE_ADDR_ALIGN, align) != CL_SUCCESS ||
        READ(d, CL_DEVICE_HOST_UNIFIED_MEMORY, unified) != CL_SUCCESS ||
        READ(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, group) != CL_SUCCESS || !group)
        return false;
    info->kind = type & CL_DEVICE_TYPE_GPU   ? DEVICE_GPU
                 : type & CL_DEVICE_TYPE_CPU ? DEVICE_CPU
                                             : DEVICE_OTHER;
    info->memory_bytes = memory;
    info->max_alloc_bytes = alloc;
    info->local_bytes = local;
    info->compute_units = units;
    info->max_group = group < UINT32_MAX ? (uint32_t)group : UINT32_MAX;
    info->align_bytes = align / 8; // told in bits
    info->host_memory = unified || info->kind == DEVICE_CPU;
    info->free_bytes = memory;
    if (info->kind == DEVICE_CPU) {
        uint64_t free_bytes = host_free_bytes();
        info->free_bytes = free_bytes ? free_bytes : memory;
        info->vector_bits = host_vector_bits();
        snprintf(info->instructions, sizeof info->instructions, "%s",
                 host_instructions());
    }
    return true;
}

bool
describe_device(struct device_info *out, cl_platform_id p, cl_device_id d)
{
    cl_bool available = CL_FALSE, compiler = CL_FALSE, little = CL_FALSE;
    int major = 0, minor = 0;
    if (READ(d, CL_DEVICE_AVAILABLE, available) != CL_SUCCESS ||
        READ(d, CL_DEVICE_COMPILER_AVAILABLE, compiler) != CL_SUCCESS ||
        READ(d, CL_DEVICE_ENDIAN_LITTLE, little) != CL_SUCCESS || !available ||
        !compiler || !little)
        return false;
    char *version = device_text(d, CL_DEVICE_VERSION);
    bool known =
        version && sscanf(version, "OpenCL %d.%d", &major, &minor) == 2;
    free(version);
    if (!known || major < 1 || (major == 1 && minor < 2))
        return false;
    *out = (struct device_info){0};
    keep_texts(out, p, d);
    if (!keep_sizes(out, d))
        return false;
    apply_limits(out);
    return true;
}
