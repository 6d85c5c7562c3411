/* Layers: products of matrices, sums of outer products over the data points, activations.

   A block has its numbers in rows, one number a data point, and rows that are neighbours follow
   each other at a distance of ``points``, at least 8: of fewer the last is repeated. A point has
   one number for each row. Written once, in vectors of the compiler (_layers_of_a_level.h), and
   compiled for each level of processors; which one the machine has is asked as the module is
   loaded. Each data point gets the same bits wherever it stands in its block: all are summed in
   the same order, one lane each. */

#ifndef MICROGRAD_BP_LAYERS_H
#define MICROGRAD_BP_LAYERS_H

#include "_kernels.h"

/* m weighted sums of k numbers, each from its bias: y_j = b_j + sum_i w_ji x_i. */
typedef struct {
    const double *weights; /* w_ji is weights[j * down + i * across] */
    ptrdiff_t down, across;
    const double *bias; /* b_j is bias[j * bias_down], or the row that begins there; NULL: none */
    ptrdiff_t bias_down;
    int bias_varies;
    int m, k;
} Matrix;

#define MOST_COLUMNS 16 /* that are summed at a time, and need so much room a data point */

typedef void (*ProductFunction)(double *, const Matrix *, const double *, ptrdiff_t);
typedef void (*PointProductFunction)(double *, const Matrix *, const double *);
typedef void (*OuterFunction)(
    double *, ptrdiff_t, int, int, int, const double *, const double *, ptrdiff_t, int, double *);
typedef void (*RowSumsFunction)(double *, ptrdiff_t, int, const double *, ptrdiff_t, int);
typedef double (*PointOuterFunction)(
    double *, ptrdiff_t, int, int, int, const double *, const double *);
typedef void (*DotFunction)(double *, const Term *, int, const double *, int, int);
typedef void (*ActivationFunction)(double *, double *, const double *, ptrdiff_t);

typedef struct {
    const char *name;
    ProductFunction product;
    PointProductFunction point_product;
    OuterFunction add_outer;
    RowSumsFunction add_rows;
    PointOuterFunction point_outer;
    DotFunction dot;
    ActivationFunction tanh, sigmoid, tanh_alone, sigmoid_alone; /* NULL: as in _kernels.h */
} Level;

static const int64_t LANES_FIRST[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static const double ONE_AFTER_ZEROS[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1};

#if defined(GNU_C)
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

#if defined(GNU_C) && defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#define FOR_TARGET(features) \
    _Pragma(QUOTED(clang attribute push(__attribute__((target(features))), apply_to = function)))
#define QUOTED(text) #text
#endif

#define LEVEL(name) name##_sse2
#define WIDTH 2
#define BROADCAST(x) {x, x}
#include "_layers_of_a_level.h"

#if defined(__clang__)
FOR_TARGET("avx2,fma")
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define LEVEL(name) name##_avx2
#define WIDTH 4
#define BROADCAST(x) {x, x, x, x}
#define PLUS_PRODUCT(c, a, b) ((Vector)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define LESS_PRODUCT(c, a, b) ((Vector)_mm256_fnmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define ANY(mask) _mm256_movemask_pd((__m256d)(mask))
#define MASK(n) _mm256_loadu_si256((const __m256i *)(LANES_FIRST + 8 - (n)))
#define LOAD_FIRST(p, n) ((Vector)_mm256_maskload_pd(p, MASK(n)))
#define STORE_FIRST(p, x, n) _mm256_maskstore_pd(p, MASK(n), (__m256d)(x))
#include "_layers_of_a_level.h"
#if defined(__clang__)
#pragma clang attribute pop
FOR_TARGET("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")
#endif
#define LEVEL(name) name##_avx512
#define WIDTH 8
#define BROADCAST(x) {x, x, x, x, x, x, x, x}
#define PLUS_PRODUCT(c, a, b) ((Vector)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define LESS_PRODUCT(c, a, b) ((Vector)_mm512_fnmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define ANY(mask) _mm512_movepi64_mask((__m512i)(mask))
#define MASK(n) ((__mmask8)((1 << (n)) - 1))
#define LOAD_FIRST(p, n) ((Vector)_mm512_maskz_loadu_pd(MASK(n), p))
#define STORE_FIRST(p, x, n) _mm512_mask_storeu_pd(p, MASK(n), (__m512d)(x))
#include "_layers_of_a_level.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#define OF_LEVEL(level, point) \
    #level, product_##level, point_product_##point, add_outer_##level, add_rows_##level, \
        point_outer_##point, dot_##level
#define ACTIVATIONS_OF(level) \
    tanh_##level, sigmoid_##level, tanh_alone_##level, sigmoid_alone_##level

static const Level LEVELS[] = {
    {OF_LEVEL(sse2, sse2), 0, 0, 0, 0},
    {OF_LEVEL(avx2, avx2), ACTIVATIONS_OF(avx2)},
    {OF_LEVEL(avx512, avx2), ACTIVATIONS_OF(avx512)},
};

static int n_levels(void) { /* of those, how many the machine has */
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    return 2 + (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"));
}

#else

#define LEVEL(name) name##_plain
#if defined(GNU_C)
#define WIDTH 2
#define BROADCAST(x) {x, x}
#else
#define WIDTH 1
#endif
#include "_layers_of_a_level.h"

static const Level LEVELS[] = {
    {"plain", product_plain, point_product_plain, add_outer_plain, add_rows_plain,
     point_outer_plain, dot_plain, 0, 0, 0, 0},
};

static int n_levels(void) { return 1; }

#endif

#endif
