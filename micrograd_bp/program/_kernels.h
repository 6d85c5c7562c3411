/* The elementary functions of programs, over rows of numbers, in C that compilers vectorise.

   Each is written once, for one number, and looped over a row; on x86-64 with GCC the loops are
   compiled for several instruction sets and the machine's own is chosen as the module is loaded.
   A row and a single data point get the same bits, by the same loops.
   The formulas are those of accurate/; exp and what is made of it have no calls and no branches:
   Cody & Waite's reduction to |r| <= log(2) / 2 and a Taylor polynomial, whose largest terms are
   added last, with what their rounding loses. */

#ifndef MICROGRAD_BP_KERNELS_H
#define MICROGRAD_BP_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "elementary.c"

/* What GCC and Clang have beyond C99, as vectors; without it, as with MSVC, there are plain loops. */
#if defined(__GNUC__) && !defined(MICROGRAD_BP_PORTABLE)
#define GNU_C
#endif

#if defined(GNU_C) && __GNUC__ >= 12 && !defined(__clang__) && defined(__x86_64__) && \
    defined(__gnu_linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
#if defined(GNU_C)
#define INLINE static inline __attribute__((always_inline))
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INLINE static inline
#define INDEPENDENT
#endif

#define LANES 8 /* rows are summed in as many partial sums, and padded to that length */

/* exp(x) = 2^k exp(r) with r = x - k log 2, and exp(r) = 1 + r + rest. */

#define ROUNDING 6755399441055744.0 /* 1.5 * 2^52: the sum has its integral part in the low bits */

INLINE double power_of_two(double k) { /* for integral k from -1022 to 1023 */
    double shifted = k + (ROUNDING + 1023.0), result;
    uint64_t bits;
    memcpy(&bits, &shifted, 8);
    bits <<= 52;
    memcpy(&result, &bits, 8);
    return result;
}

INLINE double reduced(double x, double *k, double *rest) {
    double n = (x * 1.4426950408889634 + ROUNDING) - ROUNDING;
    double high = x - n * 6.93147180369123816490e-01, low = n * 1.90821492927058770002e-10;
    double r = high - low;
    double q = 1.0 / 6227020800.0;
    q = q * r + 1.0 / 479001600.0;
    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    *k = n;
    *rest = (r * r) * q + ((high - r) - low);
    return r;
}

/* 1 + e and what is lost by rounding it, for 0 <= e <= 1 */
INLINE double one_plus(double e, double *lost) {
    double whole = 1.0 + e;
    *lost = (1.0 - whole) + e;
    return whole;
}

/* number / (whole + lost) */
INLINE double quotient(double number, double whole, double lost) {
    double ratio = number / whole;
    return ratio - ratio * (lost / whole);
}

INLINE double clamped(double x, double low, double high) { /* nan stays nan */
    x = x > high ? high : x;
    return x < low ? low : x;
}

/* factor * 2^extra * exp(x), rounded into the subnormal numbers once only */
INLINE double exp_scaled(double factor, double x, double extra) {
    double k, rest, r = reduced(clamped(x, -800.0, 720.0), &k, &rest);
    double size = 1.0 + r, lost = (1.0 - size) + r, half = (k * 0.5 + ROUNDING) - ROUNDING;
    return ((factor * (size + (lost + rest))) * power_of_two(half)) * power_of_two(k - half + extra);
}

INLINE double k_exp(double x) { return exp_scaled(1.0, x, 0.0); }

/* expm1(x) in two parts, for x <= 700: 2^k - 1 + 2^k r; what rounding loses, and the rest */
INLINE double expm1_in_parts(double x, double *low) {
    double k, rest, r = reduced(clamped(x, -800.0, 720.0), &k, &rest);
    double scale = power_of_two(k < -1000.0 ? -1000.0 : k);
    double whole = scale - 1.0, high = whole + scale * r;
    *low = ((whole - high) + scale * r) + scale * rest;
    return high;
}

INLINE double k_expm1(double x) {
    double low, high = expm1_in_parts(x < 700.0 ? x : 700.0, &low);
    return x == 0.0 ? x : x <= 700.0 ? high + low : k_exp(x);
}

INLINE double k_tanh(double x) { /* -expm1(-2 |x|) / (1 + e), e = exp(-2 |x|) */
    double e = 0.25 * exp_scaled(1.0, -2.0 * fabs(x), 2.0), lost, whole = one_plus(e, &lost);
    double low, high = expm1_in_parts(-2.0 * fabs(x), &low), ratio = high / whole;
    return copysign(ratio + (low - ratio * lost) / whole, x);
}

INLINE double k_sech2(double x) { /* 4 e / (1 + e)^2, e = exp(-2 |x|) */
    double four_e = exp_scaled(1.0, -2.0 * fabs(x), 2.0), lost;
    double whole = one_plus(0.25 * four_e, &lost);
    return quotient(four_e / whole, whole, 2.0 * lost);
}

INLINE double k_sigmoid(double x) {
    double e = k_exp(-fabs(x)), lost, whole = one_plus(e, &lost);
    return quotient(x >= 0.0 ? 1.0 : e, whole, lost);
}

INLINE double k_logistic_density(double x) { /* e / (1 + e)^2, e = exp(-|x|) */
    double e = k_exp(-fabs(x)), lost, whole = one_plus(e, &lost);
    return quotient(e / whole, whole, 2.0 * lost);
}

INLINE double k_silu(double x) { /* x / (1 + e), e = exp(-x) */
    double e = k_exp(-x), whole = 1.0 + e, lost = e > 1.0 ? (e - whole) + 1.0 : (1.0 - whole) + e;
    double tail = exp_scaled(x < -800.0 ? -800.0 : x, x, 0.0);
    return x == 0.0 || x > 40.0 ? x : x < -690.0 ? tail : copysign(quotient(x, whole, lost), x);
}

INLINE double k_exp_of_difference(double x, double y) {
    y = -DBL_MAX > y ? -DBL_MAX : y; /* so that -inf weighs 0, also beside another */
    double high = x - y, back = high - x;
    double low = (x - (high - back)) - (y + back), size = k_exp(high);
    return size + size * (fabs(low) < 1.0 ? low : 0.0);
}

/* For x >= 0: log(1 + x) = k log 2 + log(m), 1 + x = 2^k m, and what rounding 1 + x loses. With
   s = (m - 1) / (m + 1), log(m) is 2 atanh(s), whose remainder is that of FreeBSD's e_log.c. */
INLINE double k_log1p(double x) {
    const uint64_t root = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000; /* sqrt(1/2) and 1 */
    double whole = 1.0 + x, lost = x < 1.0 ? (1.0 - whole) + x : (x - whole) + 1.0, k, m;
    uint64_t bits, exponent;
    memcpy(&bits, &whole, 8);
    bits += one - root;
    exponent = bits >> 52 | 0x4330000000000000; /* 2^52 and that */
    bits = (bits & 0x000fffffffffffff) + root;
    memcpy(&k, &exponent, 8);
    memcpy(&m, &bits, 8);
    k -= 4503599627370496.0 + 1023.0;
    double f = m - 1.0, s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
    double even = 1.531383769920937332e-01, odd = 1.479819860511658591e-01;
    even = w * (w * (w * even + 2.222219843214978396e-01) + 3.999999999940941908e-01);
    odd = w * (w * odd + 1.818357216161805012e-01) + 2.857142874366239149e-01;
    odd = z * (w * odd + 6.666666666666735130e-01);
    double low = k * 1.90821492927058770002e-10 + lost / whole;
    return ((s * (half + (even + odd)) + low) - half) + f + k * 6.93147180369123816490e-01;
}

INLINE double k_softplus(double x) {
    return (x > 0.0 ? x : x <= 0.0 ? 0.0 : x) + k_log1p(k_exp(-fabs(x)));
}
INLINE double k_log_sigmoid(double x) { return -k_softplus(-x); }
/* Steps and kinks */

INLINE double k_relu(double x) { return x <= 0.0 ? 0.0 : x; }
INLINE double k_step(double x) { return x > 0.0 ? 1.0 : x <= 0.0 ? 0.0 : x; }
INLINE double k_sign(double x) { return fabs(x) > 0.0 ? copysign(1.0, x) : x + 0.0; }
INLINE double k_maximum(double x, double y) { return x >= y || x != x ? x : y; }
INLINE double k_minimum(double x, double y) { return x <= y || x != x ? x : y; }
INLINE double k_greater(double x, double y) {
    return x > y ? 1.0 : x < y ? 0.0 : x == y ? 0.5 : x + y;
}
INLINE double k_leaky_relu(double x, double slope) { return x > 0.0 ? x : slope * x; }
INLINE double k_leaky_step(double x, double slope) {
    return x > 0.0 ? 1.0 : x <= 0.0 ? slope : x;
}
INLINE double k_elu(double x, double alpha) { return x > 0.0 ? x : alpha * k_expm1(x); }
INLINE double k_elu_tail(double x, double alpha) {
    return x > 0.0 ? 0.0 : exp_scaled(alpha, x, 0.0);
}
INLINE double k_clip(double x, double low, double high) {
    double below = x > high ? high : x;
    return below > low || x != x ? below : low;
}
INLINE double k_within(double x, double low, double high) {
    return x != x ? x : x >= low && x <= high ? 1.0 : 0.0;
}

/* Arithmetic, and what the C library does well */

INLINE double k_add(double x, double y) { return x + y; }
INLINE double k_sub(double x, double y) { return x - y; }
INLINE double k_mul(double x, double y) { return x * y; }
INLINE double k_div(double x, double y) { return x / y; }
INLINE double k_mod(double x, double y) { /* as Python has it: with the sign of y */
    double rest = fmod(x, y);
    return rest == 0.0 ? copysign(0.0, y) : (rest < 0.0) != (y < 0.0) ? rest + y : rest;
}
INLINE double k_floordiv(double x, double y) {
    double rest = fmod(x, y), whole, down;
    if (y == 0.0) return x / y;
    whole = (x - rest) / y - (rest != 0.0 && (rest < 0.0) != (y < 0.0) ? 1.0 : 0.0);
    down = floor(whole);
    return whole == 0.0 ? copysign(0.0, x / y) : whole - down > 0.5 ? down + 1.0 : down;
}
INLINE double k_neg(double x) { return -x; }
INLINE double k_abs(double x) { return fabs(x); }
INLINE double k_square(double x) { return x * x; }
INLINE double k_reciprocal(double x) { return 1.0 / x; }
INLINE double k_softsign(double x) { return x / (1.0 + fabs(x)); }
INLINE double k_asinh_derivative(double x) { return 1.0 / hypot(1.0, x); }
INLINE double k_sec2(double x) { return 1.0 + tan(x) * tan(x); }

/* name, operands, parameters */
#define FUNCTIONS_OF_ONE(F) \
    F(neg, k_neg) F(abs, k_abs) F(square, k_square) F(reciprocal, k_reciprocal) \
    F(sqrt, sqrt) F(floor, floor) F(ceil, ceil) F(trunc, trunc) F(sign, k_sign) F(step, k_step) \
    F(relu, k_relu) F(softsign, k_softsign) \
    F(exp, k_exp) F(expm1, k_expm1) F(tanh, k_tanh) F(sech2, k_sech2) \
    F(sigmoid, k_sigmoid) F(logistic_density, k_logistic_density) \
    F(softplus, k_softplus) F(log_sigmoid, k_log_sigmoid) F(silu, k_silu) \
    F(exp2, exp2) F(log, log) F(log2, log2) F(log10, log10) F(log1p, log1p) \
    F(sin, sin) F(cos, cos) F(tan, tan) F(sec2, k_sec2) F(sinh, sinh) F(cosh, cosh) \
    F(asin, asin) F(acos, acos) F(atan, atan) F(asinh, asinh) F(acosh, acosh) F(atanh, atanh) \
    F(asinh_derivative, k_asinh_derivative) F(erf, erf) F(erfc, erfc)
#define FUNCTIONS_OF_TWO(F) \
    F(add, k_add) F(sub, k_sub) F(mul, k_mul) F(div, k_div) \
    F(floordiv, k_floordiv) F(mod, k_mod) F(maximum, k_maximum) F(minimum, k_minimum) F(greater, k_greater) \
    F(exp_of_difference, k_exp_of_difference) F(atan2, atan2) F(hypot, hypot)
#define FUNCTIONS_OF_ONE_WITH_A_PARAMETER(F) \
    F(leaky_relu, k_leaky_relu) F(leaky_step, k_leaky_step) F(elu, k_elu) \
    F(elu_tail, k_elu_tail) F(constant_power, pow)
#define FUNCTIONS_OF_ONE_WITH_TWO_PARAMETERS(F) F(clip, k_clip) F(within, k_within)

#define LOOP1(name, f) \
    CLONES static void row_##name(double *r, const double *x, const double *y, const double *p, int n) { \
        (void)y; (void)p; \
        INDEPENDENT for (int i = 0; i < n; i++) r[i] = f(x[i]); \
    }
#define LOOP2(name, f) \
    CLONES static void row_##name(double *r, const double *x, const double *y, const double *p, int n) { \
        (void)p; \
        INDEPENDENT for (int i = 0; i < n; i++) r[i] = f(x[i], y[i]); \
    }
#define LOOP1P(name, f) \
    CLONES static void row_##name(double *r, const double *x, const double *y, const double *p, int n) { \
        const double a = p[0]; (void)y; \
        INDEPENDENT for (int i = 0; i < n; i++) r[i] = f(x[i], a); \
    }
#define LOOP1PP(name, f) \
    CLONES static void row_##name(double *r, const double *x, const double *y, const double *p, int n) { \
        const double a = p[0], b = p[1]; (void)y; \
        INDEPENDENT for (int i = 0; i < n; i++) r[i] = f(x[i], a, b); \
    }
FUNCTIONS_OF_ONE(LOOP1)
FUNCTIONS_OF_TWO(LOOP2)
FUNCTIONS_OF_ONE_WITH_A_PARAMETER(LOOP1P)
FUNCTIONS_OF_ONE_WITH_TWO_PARAMETERS(LOOP1PP)

typedef void (*RowFunction)(double *, const double *, const double *, const double *, int);
typedef struct {
    const char *name;
    RowFunction loop;
} Kernel;

/* Two functions of one row: what they have in common is computed once. */
typedef void (*PairFunction)(double *, double *, const double *, int);
#define PAIR(name, f, other, g) \
    CLONES static void pair_##name(double *r, double *s, const double *x, int n) { \
        INDEPENDENT for (int i = 0; i < n; i++) { \
            double number = x[i]; \
            r[i] = f(number), s[i] = g(number); \
        } \
    }
#define PAIRS(F) \
    F(relu, k_relu, step, k_step) F(tanh, k_tanh, sech2, k_sech2) \
    F(sigmoid, k_sigmoid, logistic_density, k_logistic_density)
PAIRS(PAIR)
typedef struct {
    const char *name, *other;
    PairFunction loop;
} PairKernel;
#define PAIR_ENTRY(name, f, other, g) {#name, #other, pair_##name},
static const PairKernel PAIR_KERNELS[] = {PAIRS(PAIR_ENTRY){0, 0, 0}};

#define ENTRY(name, f) {#name, row_##name},
static const Kernel KERNELS[] = {
    FUNCTIONS_OF_ONE(ENTRY) FUNCTIONS_OF_TWO(ENTRY) FUNCTIONS_OF_ONE_WITH_A_PARAMETER(ENTRY)
        FUNCTIONS_OF_ONE_WITH_TWO_PARAMETERS(ENTRY){0, 0}};

/* A term w x of a weighted sum of rows, where w is a row or one number. */
typedef struct {
    const double *weight;
    const double *factor;
    int weight_varies; /* else the weight is one number */
} Term;

/* What is computed number by number. Each gives 0 where its short way does not hold; the table
   then computes the number. */

typedef int (*NumberFunction)(double *, const double *, int, const double *);

static int each_where(double *r, const double *x, int n, const double *p) {
    (void)n, (void)p;
    *r = x[0] != 0.0 ? x[1] : x[2];
    return 1;
}

static int each_pow(double *r, const double *x, int n, const double *p) {
    (void)n, (void)p;
    *r = x[0] >= 0.0 || x[0] != x[0] ? pow(x[0], x[1]) : NAN;
    return 1;
}

static int each_prod(double *r, const double *x, int n, const double *p) {
    (void)p;
    *r = 1.0;
    for (int i = 0; i < n; i++) *r *= x[i];
    return 1;
}

/* Add to a sum in two parts. */
INLINE void add_to(double *high, double *low, double x) {
    double sum = *high + x, back = sum - *high;
    *low += (*high - (sum - back)) + (x - back);
    *high = sum;
}

/* Whether a sum in twice the precision says how the exact one is rounded: Ogita, Rump & Oishi,
   Accurate sum and dot product, 2005. What was lost is summed with an error of at most n - 1
   roundings of its largest partial sum. */
INLINE int is_rounded(double *r, double high, double low, double largest, int n) {
    double sum = high + low, rest = low - (sum - high), error = largest * n * 4.5e-16;
    *r = sum;
    return isfinite(sum) && sum + (rest + error) == sum && sum + (rest - error) == sum;
}

static int is_rounded_sum(double *r, const double *x, int n) {
    double high = 0.0, low = 0.0, largest = 0.0;
    for (int i = 0; i < n; i++) {
        add_to(&high, &low, x[i]);
        largest = fabs(low) > largest ? fabs(low) : largest;
    }
    return is_rounded(r, high, low, largest, n);
}

/* The exactly rounded sum: Shewchuk, Adaptive precision floating-point arithmetic, 1997. */
static int each_fsum(double *r, const double *x, int n, const double *p) {
    double partials[48], high, low;
    int count = 0;
    (void)p;
    if (is_rounded_sum(r, x, n)) return 1;
    for (int i = 0; i < n; i++) {
        double a = x[i];
        int kept = 0;
        for (int j = 0; j < count; j++) {
            double b = partials[j], back;
            high = a + b;
            back = high - a;
            low = (a - (high - back)) + (b - back);
            if (low != 0.0) partials[kept++] = low;
            a = high;
        }
        if (kept == 48 || !isfinite(a)) return 0;
        partials[kept++] = a;
        count = kept;
    }
    high = 0.0, low = 0.0;
    while (count > 0) {
        double a = high, b = partials[--count], back;
        high = a + b;
        back = high - a;
        low = b - back;
        if (low != 0.0) break;
    }
    if (count > 0 && ((low < 0.0 && partials[count - 1] < 0.0) ||
                      (low > 0.0 && partials[count - 1] > 0.0))) { /* half-way cases */
        double a = low * 2.0, b = high + a;
        if (a == b - high) high = b;
    }
    *r = high;
    return 1;
}

static int each_mean(double *r, const double *x, int n, const double *p) {
    int short_way = each_fsum(r, x, n, p);
    *r /= n;
    return short_way;
}

#define MOST_TERMS 64 /* at a time */

/* largest + log1p of the sum of the others' exp(x - largest), which is summed in twice the
   precision: the two may nearly cancel. */
CLONES static int each_logsumexp(double *r, const double *x, int n, const double *p) {
    double largest = x[0], high = 0.0, low = 0.0, sizes[MOST_TERMS];
    int at = 0;
    (void)p;
    for (int i = 1; i < n; i++)
        if (x[i] > largest) largest = x[i], at = i;
    for (int from = 0; from < n; from += MOST_TERMS) {
        int width = n - from < MOST_TERMS ? n - from : MOST_TERMS;
        INDEPENDENT for (int i = 0; i < width; i++)
            sizes[i] = k_exp_of_difference(x[from + i], largest);
        if (at >= from && at < from + width) sizes[at - from] = 0.0;
        for (int i = 0; i < width; i++) add_to(&high, &low, sizes[i]);
    }
    *r = largest + k_log1p(high + low);
    return isfinite(*r);
}

static int each_divide_by_power(double *r, const double *x, int n, const double *p) {
    (void)n;
    *r = x[0];
    for (int i = 0; i < (int)p[0]; i++) *r /= x[1];
    return isnormal(*r) && isnormal(x[0]);
}

/* c (c-1) ... (c-k+1) x^(c-k), where c - k is exact, as it is for integers and halves. */
static int each_constant_power_derivative(double *r, const double *x, int n, const double *p) {
    double c = p[0], k = p[1], power = pow(x[0], c - k), coefficient = 1.0;
    (void)n;
    for (int i = 0; i < (int)k; i++) coefficient *= c - i;
    *r = coefficient * power;
    return (c - k) + k == c && fabs(c) < 1e9 && isnormal(power) && isnormal(*r);
}

static int each_logaddexp(double *r, const double *x, int n, const double *p) {
    double largest = x[0] > x[1] ? x[0] : x[1], smallest = x[0] > x[1] ? x[1] : x[0];
    double rest = log1p(k_exp_of_difference(smallest, largest));
    (void)n, (void)p;
    *r = largest + rest;
    return isfinite(*r) && (largest >= 0.0 || fabs(*r) >= 2.0 * rest);
}

static int each_softmax_of_two(double *r, const double *x, int n, const double *p) {
    double difference = x[0] - x[1], back = difference - x[0];
    double error = (x[0] - (difference - back)) - (x[1] + back), share = k_sigmoid(difference);
    (void)n, (void)p;
    *r = share + share * k_sigmoid(-difference) * error;
    return isfinite(error) && difference > -690.0;
}

/* Differences of what is known to some 100 bits, unless most of these cancel. */
#define KEPT(r, size) (isfinite(r) && fabs(r) > (size) * 0x1p-42)

static int each_lgamma(double *r, const double *x, int n, const double *p) {
    double size;
    (void)n, (void)p;
    *r = gamma_logarithm(x[0], &size);
    return KEPT(*r, size);
}

static int each_digamma(double *r, const double *x, int n, const double *p) {
    double size;
    (void)n, (void)p;
    *r = polygamma_of_size(x[0], 0, &size);
    return KEPT(*r, size);
}

static int each_polygamma(double *r, const double *x, int n, const double *p) {
    double size;
    (void)n;
    if (p[0] > 5.0) return 0;
    *r = polygamma_of_size(x[0], (int)p[0], &size);
    return KEPT(*r, size);
}

static int each_silu_second_derivative(double *r, const double *x, int n, const double *p) {
    (void)n, (void)p;
    *r = silu_second_derivative(x[0]);
    return isfinite(*r) && fabs(silu_bend(x[0])) > 0.2;
}

static int each_power_partial(double *r, const double *x, int n, const double *p) {
    (void)n;
    if (p[0] > 0.0 && p[1] > 0.0) return 0; /* a sum of terms, which may cancel */
    *r = power_partial(x[0], x[1], (int)p[0], (int)p[1]);
    return isnormal(*r);
}

static int each_inverse_power(double *r, const double *x, int n, const double *p) {
    (void)n;
    if (p[0] > 2.0) return 0; /* a loop, whose rounding errors add up */
    *r = inverse_power(x[0], x[1], (int)p[0], (int)p[1]);
    return isfinite(*r);
}

static int each_round(double *r, const double *x, int n, const double *p) {
    (void)n;
    *r = rint(x[0]);
    return p[0] == 0.0 && isfinite(*r);
}

/* Those of elementary.c that have no loop; where they are nan or infinite, the table says it. */
#define NUMBER(name, computed) \
    static int each_##name(double *r, const double *x, int n, const double *p) { \
        (void)n, (void)p; \
        return isfinite(*r = computed); \
    }
#define OF_ONE(F, f) F(f, f(x[0]))
#define OF_ONE_AND_AN_INTEGER(F, f) F(f, f(x[0], (int)p[0]))
#define NUMBERS(F) \
    OF_ONE(F, gelu) OF_ONE(F, gelu_derivative) OF_ONE(F, silu_derivative) \
    OF_ONE(F, one_minus_square) OF_ONE(F, atan_derivative) OF_ONE(F, cbrt_derivative) \
    OF_ONE(F, asin_derivative) OF_ONE(F, acosh_derivative) OF_ONE(F, gelu_second_derivative) \
    OF_ONE(F, erfinv) OF_ONE(F, erfinv_derivative) \
    OF_ONE_AND_AN_INTEGER(F, gauss) OF_ONE_AND_AN_INTEGER(F, normal) \
    OF_ONE_AND_AN_INTEGER(F, softsign_derivative) F(cbrt, cube_root(x[0])) \
    F(hypot_direction, hypot_direction(x[0], x[1])) \
    F(hypot_moment, hypot_moment(x[0], x[1], (int)p[0], (int)p[1], (int)p[2]))
NUMBERS(NUMBER)

typedef struct {
    const char *name;
    NumberFunction each;
} NumberKernel;

#define EACH(name) {#name, each_##name},
#define EACH_NUMBER(name, computed) EACH(name)
static const NumberKernel NUMBER_KERNELS[] = {
    EACH(where) EACH(pow) EACH(prod) EACH(fsum) EACH(mean) EACH(logsumexp) EACH(logaddexp)
        EACH(softmax_of_two) EACH(divide_by_power) EACH(constant_power_derivative)
            EACH(lgamma) EACH(digamma) EACH(polygamma) EACH(silu_second_derivative)
                EACH(power_partial) EACH(inverse_power) EACH(round) NUMBERS(EACH_NUMBER){0, 0}};

/* Those of LANES data points from rows, from one on. Each gives the points, as bits, where its short
   way does not hold. */

typedef int (*LanesFunction)(double *, const double *const *, ptrdiff_t, int);

#define EACH_LANE INDEPENDENT for (int l = 0; l < LANES; l++)

CLONES static int lanes_fsum(double *r, const double *const *x, ptrdiff_t from, int n) {
    double high[LANES] = {0.0}, low[LANES] = {0.0}, largest[LANES] = {0.0};
    int left = 0;
    for (int i = 0; i < n; i++) {
        const double *row = x[i] + from;
        EACH_LANE {
            add_to(high + l, low + l, row[l]);
            largest[l] = fabs(low[l]) > largest[l] ? fabs(low[l]) : largest[l];
        }
    }
    for (int l = 0; l < LANES; l++) left |= !is_rounded(r + l, high[l], low[l], largest[l], n) << l;
    return left;
}

static int lanes_mean(double *r, const double *const *x, ptrdiff_t from, int n) {
    int left = lanes_fsum(r, x, from, n);
    for (int l = 0; l < LANES; l++) r[l] /= n;
    return left;
}

CLONES static int lanes_logsumexp(double *r, const double *const *x, ptrdiff_t from, int n) {
    double largest[LANES], at[LANES] = {0.0}, high[LANES] = {0.0}, low[LANES] = {0.0};
    int left = 0;
    memcpy(largest, x[0] + from, sizeof largest);
    for (int i = 1; i < n; i++) {
        const double *row = x[i] + from;
        EACH_LANE {
            at[l] = row[l] > largest[l] ? i : at[l];
            largest[l] = row[l] > largest[l] ? row[l] : largest[l];
        }
    }
    for (int i = 0; i < n; i++) {
        const double *row = x[i] + from;
        EACH_LANE {
            double size = k_exp_of_difference(row[l], largest[l]);
            add_to(high + l, low + l, at[l] == i ? 0.0 : size);
        }
    }
    EACH_LANE r[l] = largest[l] + k_log1p(high[l] + low[l]);
    for (int l = 0; l < LANES; l++) left |= !isfinite(r[l]) << l;
    return left;
}

typedef struct {
    const char *name;
    LanesFunction lanes;
} LanesKernel;

#define OF_LANES(name) {#name, lanes_##name},
static const LanesKernel LANES_KERNELS[] = {
    OF_LANES(fsum) OF_LANES(mean) OF_LANES(logsumexp){0, 0}};

/* A weighted sum of one data point, whose numbers are at places. */
CLONES static double point_dot(const double *numbers, const int *places, int n_places) {
    int n_terms = n_places / 2;
    double total = n_places % 2 ? numbers[places[2 * n_terms]] : 0.0;
    for (int t = 0; t < n_terms; t++) total += numbers[places[t]] * numbers[places[n_terms + t]];
    return total;
}

/* Sums over data points, in LANES partial sums. */

#if defined(GNU_C)
typedef double Lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define AT(x, i) (*(const Lanes *)((x) + (i)))
#endif

CLONES static void add_products(double *sums, const double *x, const double *y, int n) {
    int i = 0;
#if defined(GNU_C) /* four sums, whose additions need not wait for each other */
    Lanes a = AT(sums, 0), b = {0}, c = {0}, d = {0};
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        a += AT(x, i) * AT(y, i);
        b += AT(x, i + LANES) * AT(y, i + LANES);
        c += AT(x, i + 2 * LANES) * AT(y, i + 2 * LANES);
        d += AT(x, i + 3 * LANES) * AT(y, i + 3 * LANES);
    }
    for (; i + LANES <= n; i += LANES) a += AT(x, i) * AT(y, i);
    *(Lanes *)sums = (a + b) + (c + d);
#endif
    for (; i < n; i++) sums[i % LANES] += x[i] * y[i];
}

CLONES static void add_numbers(double *sums, const double *x, double factor, int n) {
    double total[LANES] = {0};
    if (!isfinite(factor)) { /* times which the zeros of lanes without numbers are nan */
        for (int i = 0; i < n; i++) sums[i % LANES] += factor * x[i];
        return;
    }
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) total[l] += x[i + l];
    for (; i < n; i++) total[i % LANES] += x[i];
    for (int l = 0; l < LANES; l++) sums[l] += factor * total[l];
}

#define CHUNK 32

/* Whether none is inf or nan: times 0 these are nan. */
CLONES static int all_finite(const double *x, ptrdiff_t n) {
    double total[CHUNK] = {0}, few = 0.0;
    ptrdiff_t i = 0;
    if (n < CHUNK) {
        for (; i < n; i++) few += x[i] * 0.0;
        return few == 0.0;
    }
    for (; i + CHUNK <= n; i += CHUNK)
        for (int l = 0; l < CHUNK; l++) total[l] += x[i + l] * 0.0;
    for (; i < n; i++) total[0] += x[i] * 0.0;
    for (int l = 1; l < CHUNK; l++) total[0] += total[l];
    return total[0] == 0.0;
}

#endif
