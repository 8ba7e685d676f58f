/*
 * ink.c - colours by what they mean.
 */
#include "config.h"

#include "report/ink.h"

#include <math.h>
#include <stddef.h>

static const struct {
    const char *name;
    int light, dark;
} inks[INK_NAMED] = {
    [INK_NONE] = {NULL, 0, 0},
    [INK_TEXT] = {"text", 0x1b1f24, 0xe6e9ec},
    [INK_MUTED] = {"muted", 0x59636e, 0xa3adb8},
    [INK_AXIS] = {"axis", 0x6e7781, 0x8b949e},
    [INK_GRID] = {"grid", 0xe1e5ea, 0x30363d},
    [INK_PAPER] = {"paper", 0xffffff, 0x161b22},
    [INK_VOID] = {"void", 0xe9ecef, 0x2a3038},
    [INK_SERIES] = {"series-0", 0x0072b2, 0x58a6e8},
    [INK_SERIES + 1] = {"series-1", 0xd55e00, 0xf08a4b},
    [INK_SERIES + 2] = {"series-2", 0x008060, 0x2fc79b},
    [INK_SERIES + 3] = {"series-3", 0xb5548a, 0xe39cc4},
    [INK_SERIES + 4] = {"series-4", 0xb87700, 0xe8ae2e},
    [INK_SERIES + 5] = {"series-5", 0x2b8cc4, 0x9ed3f5},
    [INK_SERIES + 6] = {"series-6", 0x000000, 0xffffff},
};

int
ink_series(int i)
{
    return INK_SERIES + i % INK_SERIES_N;
}

int
ink_rgb(int ink, bool dark)
{
    if (ink & INK_RGB)
        return ink & 0xffffff;
    return dark ? inks[ink].dark : inks[ink].light;
}

const char *
ink_name(int ink)
{
    return ink & INK_RGB ? NULL : inks[ink].name;
}

/* sRGB's transfer curve, both ways. */
static double
from_linear(double x)
{
    x = fmin(fmax(x, 0), 1);
    return x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
}

static double
to_linear(int byte)
{
    double x = byte / 255.0;
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static double
cube(double x)
{
    return x * x * x;
}

/* OKLab (Ottosson 2020) to an INK_RGB. */
static int
from_oklab(double lightness, double a, double b)
{
    double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
    double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
    double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
    const double rgb[3] = {
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
    int out = INK_RGB;
    for (int i = 0; i < 3; i++)
        out |= (int)lround(255 * from_linear(rgb[i])) << (16 - 8 * i);
    return out;
}

static const double radians = 3.14159265358979323846 / 180;

int
ink_scale(double t)
{
    if (isnan(t))
        return INK_VOID;
    t = fmin(fmax(t, 0), 1);
    const double hue = (105 + 160 * t) * radians; // yellow to blue
    const double chroma = 0.055 + 0.22 * t * (1 - t) + 0.04 * t;
    return from_oklab(0.975 - 0.66 * t, chroma * cos(hue), chroma * sin(hue));
}

int
ink_balance(double t)
{
    if (isnan(t))
        return INK_VOID;
    t = fmin(fmax(t, -1), 1);
    const double size = fabs(t), hue = (t < 0 ? 60 : 255) * radians;
    const double chroma = 0.17 * size * (1 - 0.45 * size);
    return from_oklab(0.97 - 0.58 * size, chroma * cos(hue), chroma * sin(hue));
}

static double
luminance(int rgb)
{
    return 0.2126 * to_linear(rgb >> 16 & 0xff) +
           0.7152 * to_linear(rgb >> 8 & 0xff) + 0.0722 * to_linear(rgb & 0xff);
}

double
ink_contrast(int a, int b)
{
    double x = luminance(a), y = luminance(b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

int
ink_on(int rgb)
{
    double dark = ink_contrast(rgb, 0x000000);
    return INK_RGB |
           (dark >= ink_contrast(rgb, 0xffffff) ? 0x000000 : 0xffffff);
}
