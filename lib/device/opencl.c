/*
 * opencl.c - words for OpenCL status numbers.
 */
#include "device/opencl.h"

#include <stddef.h>

/* clang-format off */
#define STATUS_MAP(XX)                      \
    XX(DEVICE_NOT_FOUND, -1)                \
    XX(DEVICE_NOT_AVAILABLE, -2)            \
    XX(COMPILER_NOT_AVAILABLE, -3)          \
    XX(MEM_OBJECT_ALLOCATION_FAILURE, -4)   \
    XX(OUT_OF_RESOURCES, -5)                \
    XX(OUT_OF_HOST_MEMORY, -6)              \
    XX(PROFILING_INFO_NOT_AVAILABLE, -7)    \
    XX(MEM_COPY_OVERLAP, -8)                \
    XX(BUILD_PROGRAM_FAILURE, -11)          \
    XX(MAP_FAILURE, -12)                    \
    XX(MISALIGNED_SUB_BUFFER_OFFSET, -13)   \
    XX(KERNEL_ARG_INFO_NOT_AVAILABLE, -19)  \
    XX(INVALID_VALUE, -30)                  \
    XX(INVALID_DEVICE_TYPE, -31)            \
    XX(INVALID_PLATFORM, -32)               \
    XX(INVALID_DEVICE, -33)                 \
    XX(INVALID_CONTEXT, -34)                \
    XX(INVALID_QUEUE_PROPERTIES, -35)       \
    XX(INVALID_COMMAND_QUEUE, -36)          \
    XX(INVALID_HOST_PTR, -37)               \
    XX(INVALID_MEM_OBJECT, -38)             \
    XX(INVALID_BINARY, -42)                 \
    XX(INVALID_BUILD_OPTIONS, -43)          \
    XX(INVALID_PROGRAM, -44)                \
    XX(INVALID_PROGRAM_EXECUTABLE, -45)     \
    XX(INVALID_KERNEL_NAME, -46)            \
    XX(INVALID_KERNEL_DEFINITION, -47)      \
    XX(INVALID_KERNEL, -48)                 \
    XX(INVALID_ARG_INDEX, -49)              \
    XX(INVALID_ARG_VALUE, -50)              \
    XX(INVALID_ARG_SIZE, -51)               \
    XX(INVALID_KERNEL_ARGS, -52)            \
    XX(INVALID_WORK_DIMENSION, -53)         \
    XX(INVALID_WORK_GROUP_SIZE, -54)        \
    XX(INVALID_WORK_ITEM_SIZE, -55)         \
    XX(INVALID_GLOBAL_OFFSET, -56)          \
    XX(INVALID_EVENT_WAIT_LIST, -57)        \
    XX(INVALID_EVENT, -58)                  \
    XX(INVALID_OPERATION, -59)              \
    XX(INVALID_BUFFER_SIZE, -61)            \
    XX(INVALID_GLOBAL_WORK_SIZE, -63)       \
    XX(INVALID_PROPERTY, -64)               \
    XX(PLATFORM_NOT_FOUND_KHR, -1001)
/* clang-format on */

static const struct {
    cl_int status;
    const char *words;
} rows[] = {
#define XX(name, number) {number, "CL_" #name " (" #number ")"},
    STATUS_MAP(XX)
#undef XX
};

const char *
opencl_words(cl_int status)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].words;
    return "unknown OpenCL status";
}
