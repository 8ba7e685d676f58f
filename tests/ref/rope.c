/*
 * rope.c - rotary positions, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_rope_table(double *table, int64_t T, int64_t S, double theta)
{
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < S / 2; i++) {
            double angle = (double)t * pow(theta, -2.0 * (double)i / (double)S);
            table[(t * S / 2 + i) * 2] = cos(angle);
            table[(t * S / 2 + i) * 2 + 1] = sin(angle);
        }
}

/* Every pair by its angle, times sign. */
static void
turn(double *x, const float *table, int64_t B, int64_t T, int64_t H, int64_t S,
     double sign)
{
    for (int64_t b = 0; b < B; b++)
        for (int64_t t = 0; t < T; t++)
            for (int64_t h = 0; h < H; h++)
                for (int64_t i = 0; i < S / 2; i++) {
                    double *row = x + ((b * T + t) * H + h) * S;
                    double c = (double)table[t * S + 2 * i];
                    double s = sign * (double)table[t * S + 2 * i + 1];
                    double first = row[i], second = row[i + S / 2];
                    row[i] = first * c - second * s;
                    row[i + S / 2] = second * c + first * s;
                }
}

void
ref_rope_forward(double *x, const float *table, int64_t B, int64_t T, int64_t H,
                 int64_t S)
{
    turn(x, table, B, T, H, S, 1);
}

void
ref_rope_backward(double *dx, const float *table, int64_t B, int64_t T,
                  int64_t H, int64_t S)
{
    turn(dx, table, B, T, H, S, -1);
}
