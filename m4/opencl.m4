# opencl.m4 - find the OpenCL headers and loader.
#
# POLYMOE_OPENCL sets OPENCL_CFLAGS and OPENCL_LIBS, or stops with the name of
# the missing package.  --with-opencl[=DIR]: DIR is a prefix with include/ and
# lib/; without DIR, or absent, pkg-config is asked first, then the Apple
# framework, then the plain header and library.  OpenCL is not optional.
AC_DEFUN([POLYMOE_OPENCL], [
AC_ARG_WITH([opencl],
    [AS_HELP_STRING([--with-opencl=DIR],
        [prefix of the OpenCL headers and ICD loader (default: pkg-config)])],
    [], [with_opencl=yes])
AS_CASE([$with_opencl],
    [no], [AC_MSG_ERROR([OpenCL is required: --without-opencl is not possible])],
    [yes|""], [
        PKG_CHECK_MODULES([OPENCL], [OpenCL >= 1.2], [found_opencl=yes],
            [found_opencl=no])
    ],
    [
        AS_IF([test -d "$with_opencl/include"], [],
            [AC_MSG_ERROR([--with-opencl=$with_opencl: no directory $with_opencl/include])])
        OPENCL_CFLAGS="-I$with_opencl/include"
        OPENCL_LIBS="-L$with_opencl/lib -lOpenCL"
        found_opencl=yes
    ])
AC_SUBST([OPENCL_CFLAGS])
AC_SUBST([OPENCL_LIBS])
polymoe_save_CPPFLAGS=$CPPFLAGS
polymoe_save_LIBS=$LIBS
AS_IF([test "x$found_opencl" = xno], [
    OPENCL_CFLAGS=
    AS_CASE([$host_os], [darwin*], [OPENCL_LIBS="-framework OpenCL"],
        [OPENCL_LIBS="-lOpenCL"])
])
CPPFLAGS="$CPPFLAGS $OPENCL_CFLAGS -DCL_TARGET_OPENCL_VERSION=120"
LIBS="$OPENCL_LIBS $LIBS"
AC_CHECK_HEADERS([CL/cl.h OpenCL/opencl.h], [opencl_header=yes; break])
AS_IF([test "x$opencl_header" = xyes], [],
    [AC_MSG_ERROR([no OpenCL headers: install opencl-headers (Debian, Arch, Homebrew), opencl-headers and ocl-icd-devel (Fedora)])])
AC_MSG_CHECKING([whether an OpenCL program links])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#ifdef HAVE_CL_CL_H
#include <CL/cl.h>
#else
#include <OpenCL/opencl.h>
#endif
]], [[cl_uint n; return (int)clGetPlatformIDs(0, 0, &n);]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([no OpenCL loader: install ocl-icd-opencl-dev (Debian), ocl-icd-devel (Fedora) or ocl-icd (Arch, Homebrew)])])
CPPFLAGS=$polymoe_save_CPPFLAGS
LIBS=$polymoe_save_LIBS
])
