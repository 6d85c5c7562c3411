/* The functions of _layers.h for one level: included for each, with LEVEL(name), WIDTH, the
   numbers of a vector, and BROADCAST defined. The loops over a tile have constant bounds: they
   are unrolled, and the tile is in registers. */

#define Vector LEVEL(Vector)
#if WIDTH == 1
typedef double Vector;
#define ALL(x) (x)
#define LOAD(p) (*(p))
#define STORE(p, x) (*(p) = (x))
#else
typedef double Vector __attribute__((vector_size(8 * WIDTH)));
typedef double LEVEL(Unaligned) __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
#define ALL(x) ((Vector)BROADCAST(x))
#define LOAD(p) ((Vector) * (const LEVEL(Unaligned) *)(p))
#define STORE(p, x) (*(LEVEL(Unaligned) *)(p) = (x))
#endif

#if WIDTH >= 4
#define MOST_UNITS (WIDTH == 8 ? 8 : 6)
#define VECTORS 2
#else
#define MOST_UNITS 4
#define VECTORS (4 / WIDTH)
#endif

#define EACH_UNIT UNROLL for (int u = 0; u < units; u++)
#define EACH_VECTOR UNROLL for (int v = 0; v < vectors; v++)

/* Products over a block */

/* Some units at some points, in registers; from vector to vector of points it is so far to the next */
INLINE void LEVEL(tile)(
    const int units, const int vectors, const ptrdiff_t next, double *y, Matrix w,
    const double *x, ptrdiff_t points) {
    Vector sum[8][4];
    EACH_UNIT EACH_VECTOR sum[u][v] = ALL(0.0);
    if (w.bias && w.bias_varies)
        EACH_UNIT EACH_VECTOR sum[u][v] = LOAD(w.bias + u * w.bias_down + v * next);
    else if (w.bias)
        EACH_UNIT EACH_VECTOR sum[u][v] = ALL(w.bias[u * w.bias_down]);
    for (int i = 0; i < w.k; i++) {
        Vector row[4];
        EACH_VECTOR row[v] = LOAD(x + i * points + v * next);
        EACH_UNIT {
            Vector weight = ALL(w.weights[u * w.down + i * w.across]);
            EACH_VECTOR sum[u][v] += weight * row[v];
        }
    }
    EACH_UNIT EACH_VECTOR STORE(y + u * points + v * next, sum[u][v]);
}

/* Weighted sums of rows at some points: r = bias + sum over the terms of w x, added in their order */
INLINE void LEVEL(dot_of_vectors)(
    const int vectors, double *r, const Term *terms, int n_terms, const double *bias,
    int bias_varies, int at) {
    Vector sum[4];
    EACH_VECTOR sum[v] = bias_varies ? LOAD(bias + at + v * WIDTH) : ALL(bias ? *bias : 0.0);
    for (int t = 0; t < n_terms; t++) {
        const double *w = terms[t].weight, *x = terms[t].factor + at;
        if (terms[t].weight_varies)
            EACH_VECTOR sum[v] += LOAD(w + at + v * WIDTH) * LOAD(x + v * WIDTH);
        else {
            Vector weight = ALL(*w);
            EACH_VECTOR sum[v] += weight * LOAD(x + v * WIDTH);
        }
    }
    EACH_VECTOR STORE(r + at + v * WIDTH, sum[v]);
}

static void LEVEL(dot)(
    double *r, const Term *terms, int n_terms, const double *bias, int bias_varies, int n) {
    int at = 0;
    for (; at + 4 * WIDTH <= n; at += 4 * WIDTH)
        LEVEL(dot_of_vectors)(4, r, terms, n_terms, bias, bias_varies, at);
    for (; at + WIDTH <= n; at += WIDTH)
        LEVEL(dot_of_vectors)(1, r, terms, n_terms, bias, bias_varies, at);
    for (; at < n; at++) {
        double sum = bias_varies ? bias[at] : bias ? *bias : 0.0;
        for (int t = 0; t < n_terms; t++)
            sum += terms[t].weight[terms[t].weight_varies ? at : 0] * terms[t].factor[at];
        r[at] = sum;
    }
}

/* One unit, in four partial sums, whose additions need not wait for each other */
INLINE void LEVEL(tile_of_one)(
    const int vectors, const ptrdiff_t next, double *y, Matrix w, const double *x,
    ptrdiff_t points) {
    const int units = 4;
    Vector sum[4][4];
    int i = 0;
    EACH_UNIT EACH_VECTOR sum[u][v] = ALL(0.0);
    if (w.bias && w.bias_varies)
        EACH_VECTOR sum[0][v] = LOAD(w.bias + v * next);
    else if (w.bias)
        EACH_VECTOR sum[0][v] = ALL(*w.bias);
    for (; i + 4 <= w.k; i += 4)
        EACH_UNIT {
            Vector weight = ALL(w.weights[(i + u) * w.across]);
            EACH_VECTOR sum[u][v] += weight * LOAD(x + (i + u) * points + v * next);
        }
    for (; i < w.k; i++) {
        Vector weight = ALL(w.weights[i * w.across]);
        EACH_VECTOR sum[0][v] += weight * LOAD(x + i * points + v * next);
    }
    EACH_VECTOR STORE(y + v * next, (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]));
}

INLINE Matrix LEVEL(part)(const Matrix *w, int unit, ptrdiff_t point) {
    Matrix part = *w;
    part.weights += unit * w->down;
    if (w->bias) part.bias += unit * w->bias_down + (w->bias_varies ? point : 0);
    return part;
}

INLINE void LEVEL(some_points)(
    const int units, const int vectors, const ptrdiff_t next, double *y, const Matrix *w, int unit,
    const double *x, ptrdiff_t p, ptrdiff_t points) {
    Matrix part = LEVEL(part)(w, unit, p);
    if (units == 1)
        LEVEL(tile_of_one)(vectors, next, y + p, part, x + p, points);
    else
        LEVEL(tile)(units, vectors, next, y + p, part, x + p, points);
}

/* Some units at all points; a tile may compute some of the last points once more. */
INLINE void LEVEL(band)(
    const int units, double *y, const Matrix *w, int unit, const double *x, ptrdiff_t points) {
    ptrdiff_t p = 0;
    y += unit * points;
    for (; p + VECTORS * WIDTH <= points; p += VECTORS * WIDTH)
        LEVEL(some_points)(units, VECTORS, WIDTH, y, w, unit, x, p, points);
    if (p + WIDTH < points && VECTORS == 2)
        LEVEL(some_points)(units, 2, points - WIDTH - p, y, w, unit, x, p, points);
    else
        for (; p < points; p += WIDTH) {
            if (p + WIDTH > points) p = points - WIDTH;
            LEVEL(some_points)(units, 1, WIDTH, y, w, unit, x, p, points);
        }
}

static void LEVEL(product)(double *y, const Matrix *w, const double *x, ptrdiff_t points) {
    for (int j = 0; j < w->m;) {
        const int left = w->m - j;
        if (MOST_UNITS >= 8 && left >= 8)
            LEVEL(band)(8, y, w, j, x, points), j += 8;
        else if (MOST_UNITS >= 6 && left >= 6 && left != 8)
            LEVEL(band)(6, y, w, j, x, points), j += 6;
        else if (left >= 4)
            LEVEL(band)(4, y, w, j, x, points), j += 4;
        else if (left == 3)
            LEVEL(band)(3, y, w, j, x, points), j += 3;
        else if (left == 2)
            LEVEL(band)(2, y, w, j, x, points), j += 2;
        else
            LEVEL(band)(1, y, w, j, x, points), j += 1;
    }
}

/* The sums of the lanes of four vectors */
INLINE void LEVEL(sum_lanes)(double *sums, const Vector *v) {
#if WIDTH >= 4
    __m256d half[4], ab, cd;
    UNROLL for (int u = 0; u < 4; u++)
#if WIDTH == 8
        half[u] = _mm512_castpd512_pd256((__m512d)v[u]) + _mm512_extractf64x4_pd((__m512d)v[u], 1);
#else
        half[u] = (__m256d)v[u];
#endif
    ab = _mm256_hadd_pd(half[0], half[1]), cd = _mm256_hadd_pd(half[2], half[3]);
    _mm256_storeu_pd(
        sums, _mm256_permute2f128_pd(ab, cd, 0x20) + _mm256_permute2f128_pd(ab, cd, 0x31));
#else
    double lanes[WIDTH];
    UNROLL for (int u = 0; u < 4; u++) {
        STORE(lanes, v[u]);
        sums[u] = lanes[0];
        for (int l = 1; l < WIDTH; l++) sums[u] += lanes[l];
    }
#endif
}

/* Sums over the data points */

/* sums_ji += the sum over n points of d_j x_i, with x turned: a row a point. A row of sums is so
   many numbers apart from the next. */
INLINE void LEVEL(outer_tile)(
    const int units, const int vectors, double *sums, ptrdiff_t apart, const double *d,
    ptrdiff_t points, const double *turned, int n, int valid) {
    Vector sum[8][2];
    EACH_UNIT EACH_VECTOR sum[u][v] = ALL(0.0);
    for (int p = 0; p < n; p++) {
        Vector row[2];
        EACH_VECTOR row[v] = LOAD(turned + (p * 2 + v) * WIDTH);
        EACH_UNIT {
            Vector factor = ALL(d[u * points + p]);
            EACH_VECTOR sum[u][v] += factor * row[v];
        }
    }
    EACH_UNIT {
        double *at = sums + u * apart;
        if (valid == vectors * WIDTH) {
            EACH_VECTOR STORE(at + v * WIDTH, LOAD(at + v * WIDTH) + sum[u][v]);
        } else {
            double found[2 * WIDTH];
            EACH_VECTOR STORE(found + v * WIDTH, sum[u][v]);
            for (int i = 0; i < valid; i++) at[i] += found[i];
        }
    }
}

/* Up to 2 WIDTH rows as columns; what is beyond them is not read. */
INLINE void LEVEL(turn)(double *turned, const double *x, int valid, ptrdiff_t points, int n) {
    int i = 0;
#if WIDTH >= 4
    for (; i + 4 <= valid; i += 4) {
        const double *row = x + i * points;
        for (int p = 0; p < n; p += 4) {
            __m256d a = _mm256_loadu_pd(row + p), b = _mm256_loadu_pd(row + points + p);
            __m256d c = _mm256_loadu_pd(row + 2 * points + p);
            __m256d d = _mm256_loadu_pd(row + 3 * points + p);
            __m256d ab = _mm256_unpacklo_pd(a, b), cd = _mm256_unpacklo_pd(c, d);
            __m256d ba = _mm256_unpackhi_pd(a, b), dc = _mm256_unpackhi_pd(c, d);
            double *to = turned + (ptrdiff_t)p * 2 * WIDTH + i;
            _mm256_storeu_pd(to, _mm256_permute2f128_pd(ab, cd, 0x20));
            _mm256_storeu_pd(to + 2 * WIDTH, _mm256_permute2f128_pd(ba, dc, 0x20));
            _mm256_storeu_pd(to + 4 * WIDTH, _mm256_permute2f128_pd(ab, cd, 0x31));
            _mm256_storeu_pd(to + 6 * WIDTH, _mm256_permute2f128_pd(ba, dc, 0x31));
        }
    }
#endif
    for (; i < valid; i++)
        for (int p = 0; p < n; p++) turned[(ptrdiff_t)p * 2 * WIDTH + i] = x[i * points + p];
}

#if WIDTH > 1
/* A vector, with zeros beyond its first lanes */
INLINE Vector LEVEL(begin_of)(Vector v, int lanes) {
    typedef int64_t Integers __attribute__((vector_size(8 * WIDTH)));
    Integers kept;
    memcpy(&kept, LANES_FIRST + 8 - lanes, sizeof kept);
    return (Vector)((Integers)v & kept);
}
#endif

/* The same for few, with the points as lanes */
INLINE void LEVEL(dot_tile)(
    const int units, const int inputs, const int biases, double *sums, ptrdiff_t apart,
    const double *d, const double *x, ptrdiff_t points, int n) {
    const int columns = inputs + biases, n_sums = units * columns;
    Vector sum[12];
    double found[12];
    int p = 0;
    UNROLL for (int s = 0; s < 12; s++) sum[s] = ALL(0.0);
    for (; p + WIDTH <= n; p += WIDTH) {
        Vector row[4];
        UNROLL for (int i = 0; i < inputs; i++) row[i] = LOAD(x + i * points + p);
        EACH_UNIT {
            Vector factor = LOAD(d + u * points + p);
            UNROLL for (int i = 0; i < inputs; i++) sum[u * columns + i] += factor * row[i];
            if (biases) sum[u * columns + inputs] += factor;
        }
    }
#if WIDTH > 1
    if (p < n)
        EACH_UNIT {
            Vector factor = LOAD(d + u * points + p);
            UNROLL for (int i = 0; i < inputs; i++)
                sum[u * columns + i] += LEVEL(begin_of)(factor * LOAD(x + i * points + p), n - p);
            if (biases) sum[u * columns + inputs] += LEVEL(begin_of)(factor, n - p);
        }
#endif
    UNROLL for (int s = 0; s < n_sums; s += 4) LEVEL(sum_lanes)(found + s, sum + s);
    if (apart == columns) {
        UNROLL for (int s = 0; s < n_sums; s++) sums[s] += found[s];
    } else
        EACH_UNIT UNROLL for (int i = 0; i < columns; i++) sums[u * apart + i] += found[u * columns + i];
}

#define DOTS(units, inputs, biases) \
    LEVEL(dot_tile)( \
        units, inputs, biases, sums + j * apart + i, apart, d + j * points, x + i * points, points, n)

/* Of four inputs there is no tile with biases. */
static void LEVEL(add_dots)(
    double *sums, ptrdiff_t apart, int m, int k, int biases, const double *d, const double *x,
    ptrdiff_t points, int n) {
    int i = 0, j;
    for (; i + 4 <= k; i += 4) {
        for (j = 0; j + 2 <= m; j += 2) DOTS(2, 4, 0);
        if (j < m) DOTS(1, 4, 0);
    }
#define LAST_DOTS(inputs, biases) \
    { \
        for (j = 0; j + 4 <= m; j += 4) DOTS(4, inputs, biases); \
        for (; j < m; j++) DOTS(1, inputs, biases); \
    }
    if (k - i >= 2) {
        if (biases && k - i == 2) LAST_DOTS(2, 1)
        else LAST_DOTS(2, 0)
        i += 2;
    }
    if (i < k) {
        if (biases) LAST_DOTS(1, 1)
        else LAST_DOTS(1, 0)
    }
#undef LAST_DOTS
}

/* sums_j += the sum over n points of d_j */
static void LEVEL(add_rows)(
    double *sums, ptrdiff_t apart, int m, const double *d, ptrdiff_t points, int n) {
    const int units = 4;
    for (int j = 0; j < m; j += 4, d += 4 * points) {
        Vector sum[4];
        double total[4];
        const int valid = m - j < 4 ? m - j : 4;
        int p = 0;
        EACH_UNIT sum[u] = ALL(0.0);
        if (valid == 4)
            for (; p + WIDTH <= n; p += WIDTH) EACH_UNIT sum[u] += LOAD(d + u * points + p);
        else
            for (; p + WIDTH <= n; p += WIDTH)
                for (int u = 0; u < valid; u++) sum[u] += LOAD(d + u * points + p);
#if WIDTH > 1
        if (p < n)
            for (int u = 0; u < valid; u++)
                sum[u] += LEVEL(begin_of)(LOAD(d + u * points + p), n - p);
#endif
        LEVEL(sum_lanes)(total, sum);
        for (int u = 0; u < valid; u++) sums[(j + u) * apart] += total[u];
    }
}

/* sums_ji += the sum over n points of d_j x_i, and of d_j in a last column where there is one */
static void LEVEL(add_outer)(
    double *sums, ptrdiff_t apart, int m, int k, int biases, const double *d, const double *x,
    ptrdiff_t points, int n, double *turned) {
    const int few = m <= 2 || k <= 2;
    if (biases && k % (few ? 4 : WIDTH) == 0) {
        LEVEL(add_rows)(sums + k, apart, m, d, points, n);
        biases = 0;
    }
    if (few) {
        LEVEL(add_dots)(sums, apart, m, k, biases, d, x, points, n);
        return;
    }
    for (int i = 0; i < k; i += 2 * WIDTH) {
        const int last = k - i <= 2 * WIDTH, given = last ? k - i : 2 * WIDTH;
        const int valid = given + (last && biases);
        LEVEL(turn)(turned, x + i * points, given, points, n);
        if (last && biases)
            for (int p = 0; p < n; p++) turned[p * 2 * WIDTH + given] = 1.0;
        for (int j = 0; j < m;) {
            const int left = m - j;
            double *at = sums + j * apart + i;
            const double *row = d + j * points;
#define TILE(units) \
    { \
        if (valid > WIDTH) \
            LEVEL(outer_tile)(units, 2, at, apart, row, points, turned, n, valid); \
        else \
            LEVEL(outer_tile)(units, 1, at, apart, row, points, turned, n, valid); \
        j += units; \
    }
            if (MOST_UNITS >= 8 && left >= 8) TILE(8)
            else if (MOST_UNITS >= 6 && left >= 6 && left != 8) TILE(6)
            else if (left >= 4) TILE(4)
            else if (left == 3) TILE(3)
            else if (left == 2) TILE(2)
            else TILE(1)
#undef TILE
        }
    }
}
#undef DOTS

/* A point */

#if WIDTH <= 4

/* What a vector of sums begins with */
INLINE Vector LEVEL(biases)(const Matrix *w, int unit) {
    double lanes[WIDTH] = {0.0};
    if (!w->bias) return ALL(0.0);
    if (w->bias_down == 1) return LOAD(w->bias + unit);
    for (int l = 0; l < WIDTH; l++) lanes[l] = w->bias[(unit + l) * w->bias_down];
    return LOAD(lanes);
}

static void LEVEL(point_product)(double *y, const Matrix *w, const double *x) {
    const ptrdiff_t down = w->down, across = w->across, bias_down = w->bias_down;
    const int k = w->k, m = w->m, units = 4;
    int j = 0;
    if (across == 1) { /* rows of weights, four at a time */
        for (; j + 4 <= m; j += 4) {
            const double *row = w->weights + j * down;
            double total[4];
            int i = 0;
            Vector sum[4];
            EACH_UNIT sum[u] = ALL(0.0);
            for (; i + WIDTH <= k; i += WIDTH) {
                Vector part = LOAD(x + i);
                EACH_UNIT sum[u] += LOAD(row + u * down + i) * part;
            }
            if (k >= WIDTH)
                LEVEL(sum_lanes)(total, sum);
            else
                EACH_UNIT total[u] = 0.0;
            for (; i < k; i++) EACH_UNIT total[u] += row[u * down + i] * x[i];
            if (w->bias) EACH_UNIT total[u] += w->bias[(j + u) * bias_down];
            EACH_UNIT y[j + u] = total[u];
        }
    } else if (down == 1) { /* columns of weights, some vectors of units at a time */
        for (; j + 4 * WIDTH <= m; j += 4 * WIDTH) {
            const double *column = w->weights + j;
            Vector sum[4];
            EACH_UNIT sum[u] = LEVEL(biases)(w, j + u * WIDTH);
            for (int i = 0; i < k; i++, column += across)
                EACH_UNIT sum[u] += LOAD(column + u * WIDTH) * ALL(x[i]);
            EACH_UNIT STORE(y + j + u * WIDTH, sum[u]);
        }
        for (; j + WIDTH <= m; j += WIDTH) {
            const double *column = w->weights + j;
            Vector sum = LEVEL(biases)(w, j);
            for (int i = 0; i < k; i++, column += across) sum += LOAD(column) * ALL(x[i]);
            STORE(y + j, sum);
        }
    }
    for (; j < m; j++) {
        const double *row = w->weights + j * down;
        double total[4] = {w->bias ? w->bias[j * bias_down] : 0.0, 0.0, 0.0, 0.0};
        int i = 0;
        for (; i + 4 <= k; i += 4) EACH_UNIT total[u] += row[(i + u) * across] * x[i + u];
        for (; i < k; i++) total[0] += row[i * across] * x[i];
        y[j] = (total[0] + total[1]) + (total[2] + total[3]);
    }
}

/* products_ji = d_j x_i, and d_j in a last column where there is one. Rows follow each other, or
   have others' numbers between them; a short row that is followed may be written beyond its end,
   and x is followed by a vector of whatever numbers. Gives 0, or nan where a product is inf or nan. */
static double LEVEL(point_outer)(
    double *products, ptrdiff_t apart, int m, int k, int biases, const double *d,
    const double *x) {
    Vector checks[2] = {ALL(0.0), ALL(0.0)};
    double check = 0.0, lanes[WIDTH];
    int j = 0;
#if WIDTH > 1
    if (k + biases < WIDTH && apart == k + biases && m * apart >= WIDTH) {
        Vector row = LEVEL(begin_of)(LOAD(x), k);
        if (biases) row += LOAD(ONE_AFTER_ZEROS + 8 - k);
        for (; j * apart + WIDTH <= m * apart; j++) {
            Vector products_of_row = ALL(d[j]) * row + ALL(0.0);
            STORE(products + j * apart, products_of_row);
            checks[0] += products_of_row * ALL(0.0);
        }
    }
#endif
    for (; j < m; j++) {
        double *at = products + j * apart;
        Vector factor = ALL(d[j]);
        int i = 0;
        for (; i + 2 * WIDTH <= k; i += 2 * WIDTH)
            UNROLL for (int v = 0; v < 2; v++) {
                Vector product = factor * LOAD(x + i + v * WIDTH) + ALL(0.0);
                STORE(at + i + v * WIDTH, product);
                checks[v] += product * ALL(0.0);
            }
        for (; i < k; i++) check += (at[i] = d[j] * x[i] + 0.0) * 0.0;
        if (biases) check += (at[k] = d[j] + 0.0) * 0.0;
    }
    STORE(lanes, checks[0] + checks[1]);
    for (int l = 0; l < WIDTH; l++) check += lanes[l];
    return check;
}

#endif

/* Activations, with their derivatives where there is room for them */

#if WIDTH >= 4
#include "_activations.h"
#endif

#undef ALL
#undef LOAD
#undef STORE
#undef Vector
#undef MOST_UNITS
#undef VECTORS
#undef EACH_UNIT
#undef EACH_VECTOR
#undef LEVEL
#undef WIDTH
#undef BROADCAST
#undef ANY
#undef PLUS_PRODUCT
#undef LESS_PRODUCT
#undef MASK
#undef LOAD_FIRST
#undef STORE_FIRST
