/* The elementary functions in C99, for one number at a time: what c_code.py picks from.

   The formulas are those of the package micrograd_bp.functions, with the reasons for them; what
   the C library has is not here. A definition ends at the next line that begins with "static". */

#include <float.h>
#include <math.h>
#include <stddef.h>

/* a * b, and what is lost by rounding it */
static double two_product(double a, double b, double *low) {
    double product = a * b;
    *low = fma(a, b, -product);
    return product;
}

/* a - b, and what is lost by rounding it */
static double two_difference(double a, double b, double *low) {
    double high = a - b, back = high - a;
    *low = (a - (high - back)) - (b + back);
    if (!isfinite(*low)) *low = 0.0;
    return high;
}

/* a * b * c, over- or underflowing only if the result does */
static double scaled_product(double a, double b, double c) {
    int i, j, k;
    double mantissa = frexp(a, &i) * frexp(b, &j) * frexp(c, &k);
    return ldexp(mantissa, i + j + k);
}

static double reciprocal(double x) { return 1.0 / x; }

static double square(double x) { return x * x; }

/* a / b^n */
static double divide_by_power(double a, double b, int n) {
    double quotient = a;
    int i, j;
    for (int k = 0; k < n; k++) quotient /= b;
    if (isnormal(quotient) && isnormal(a)) return quotient;
    if (!isfinite(a) || !isfinite(b) || a == 0.0 || b == 0.0) return quotient;
    a = frexp(a, &i), b = frexp(b, &j);
    for (int k = 0; k < n; k++) a /= b;
    return ldexp(a, i - n * j);
}

/* x^y for x >= 0 */
static double power(double x, double y) { return x < 0.0 ? NAN : pow(x, y); }

/* The partial derivative of x^y, k times by x and j times by y: x^(y-k) times a polynomial in y
   and log x, whose terms may cancel where j > 0. */
static double power_partial(double x, double y, int k, int j) {
    double falling[101] = {1.0}, coefficient = 0.0, choose = 1.0;
    double log_x = j > 0 ? log(x) : 0.0, error, exponent = two_difference(y, k, &error);
    if (j > 100) return NAN;
    if (x == 0.0 && j > 0 && (y > k || (k == 0 && y == 0.0))) return 0.0;
    for (int i = 0; i < k; i++) /* y (y-1) ... (y-k+1), and its first j derivatives by y */
        for (int m = j; m >= 0; m--)
            falling[m] = falling[m] * (y - i) + (m > 0 ? m * falling[m - 1] : 0.0);
    for (int i = 0; i <= j; i++) {
        if (falling[i] != 0.0) coefficient += choose * falling[i] * pow(log_x, j - i);
        choose = choose * (j - i) / (i + 1);
    }
    if (coefficient == 0.0) return 0.0;
    double correction = error != 0.0 ? 1.0 + error * log(x) : 1.0;
    double whole = power(x, exponent), result = coefficient * (whole * correction);
    if ((isnormal(whole) && isnormal(result)) || x == 0.0) return result;
    double half = power(x, 0.5 * exponent);
    if (half == 0.0) return copysign(0.0, coefficient);
    if (isinf(half) || !isfinite(coefficient)) return copysign(INFINITY, coefficient);
    return scaled_product(coefficient * correction, half, half);
}

/* The k-th derivative of x^c */
static double constant_power_derivative(double x, double c, int k) {
    if (!(x < 0.0)) return power_partial(x, c, k, 0);
    if (c != floor(c)) return NAN;
    double size = power_partial(-x, c, k, 0);
    return fmod(c - k, 2.0) != 0.0 ? -size : size;
}

/* The C library's cube root, mended by a Newton step on an exact residual */
static double cube_root(double x) {
    if (x == 0.0 || !isfinite(x)) return x;
    int exponent;
    double mantissa = frexp(x, &exponent), square_low, cube_low;
    int rest = (exponent % 3 + 3) % 3;
    mantissa = ldexp(mantissa, rest);
    double root = cbrt(mantissa), square = two_product(root, root, &square_low);
    double cube = two_product(square, root, &cube_low);
    root -= ((cube - mantissa) + (cube_low + square_low * root)) / (3.0 * square);
    return ldexp(root, (exponent - rest) / 3);
}

static double cbrt_derivative(double x) {
    return x == 0.0 ? INFINITY : isinf(x) ? 0.0 : cube_root(x) / x / 3.0;
}

/* factor (1 + correction) exp(-x^2), or exp(-x^2 / 2) if half; the rounding error of x^2 is
   folded back, and the result rounded into the subnormal numbers once only. */
static double bell(double x, double factor, int half, double correction) {
    double size = fabs(x), low, square, product, product_low;
    if (size < 1e-8) return factor;
    if (size > 40.0) return 0.0;
    square = two_product(size, size, &low);
    if (half) square *= 0.5, low *= 0.5;
    low -= correction;
    double scale = square > 680.0 ? 64.0 : 0.0;
    product = two_product(factor, exp(scale - square), &product_low);
    double result = product + (product_low - product * low);
    return scale != 0.0 ? result * 1.603810890548638e-28 : result; /* exp(-64) */
}

/* 2 / sqrt(pi) x^n exp(-x^2) */
static double gauss(double x, int n) {
    return fabs(x) > 40.0 ? 0.0 : bell(x, 1.1283791670955126 * pow(x, n), 0, 0.0);
}

/* x^n times the density of the standard normal distribution */
static double normal(double x, int n) {
    return fabs(x) > 40.0 ? 0.0 : bell(x, 0.3989422804014327 * pow(x, n), 1, 0.0);
}

static double normal_cumulative(double x) {
    if (x > 9.0) return 1.0;
    double low, z = two_product(x, 0.7071067811865476, &low);
    low += x * -4.833646656726457e-17; /* sqrt(1/2) in two parts */
    return 0.5 * erfc(-z) + low * (0.5 * 1.1283791670955126) * exp(-z * z);
}

/* Density over tail of the normal distribution for x > 1.2, in two parts: Laplace's continued
   fraction x + 1/(x + 2/(x + 3/...)) */
static double inverse_mills(double x, double *low) {
    double rest = x;
    for (int i = (int)(10.0 + 500.0 / (x * x)); i > 1; i--) rest = x + i / rest;
    return two_difference(x, -1.0 / rest, low);
}

static double gelu(double x) {
    if (x < -40.0) return -0.0;
    if (!(x <= -1.25)) return x * normal_cumulative(x);
    double low, whole = inverse_mills(-x, &low), numerator_low, product_low;
    double numerator = two_product(x, 0.3989422804014327, &numerator_low);
    double factor = numerator / whole, product = two_product(factor, whole, &product_low);
    numerator_low += x * -2.49232720227773e-17; /* 1 / sqrt(2 pi) in two parts */
    double residual = (numerator - product) - product_low + numerator_low - factor * low;
    return bell(x, factor, 1, residual / numerator);
}

static double gelu_derivative(double x) {
    double low;
    if (x > 39.0) return 1.0;
    if (x < -40.0) return 0.0;
    if (!(x <= -1.25)) return normal_cumulative(x) + x * normal(x, 0);
    return bell(x, (x + 1.0 / inverse_mills(-x, &low)) * 0.3989422804014327, 1, 0.0);
}

/* The density times 2 - x^2, the factor through its roots, sqrt(2) in two parts */
static double gelu_second_derivative(double x) {
    if (fabs(x) > 40.0) return 0.0;
    double distance = (1.4142135623730951 - fabs(x)) + -9.667293313452913e-17;
    return bell(x, 0.3989422804014327 * distance * (1.4142135623730951 + fabs(x)), 1, 0.0);
}

static double sigmoid(double x) {
    double e = exp(-fabs(x));
    return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

/* The derivative of sigmoid: 1 / (exp(x) + 2 + exp(-x)) */
static double logistic_density(double x) {
    double size = fabs(x), e = exp(size);
    return size > 700.0 ? exp(-size) : 1.0 / (e + (2.0 + 1.0 / e));
}

/* The derivative of tanh: 4 / (exp(2x) + 2 + exp(-2x)) */
static double sech2(double x) {
    double size = fabs(x), root = 2.0 * exp(-size), e = exp(2.0 * size);
    return size > 350.0 ? root * root : 4.0 / (e + (2.0 + 1.0 / e));
}

static double sec2(double x) { return 1.0 + tan(x) * tan(x); }

static double softplus(double x) {
    return isnan(x) ? x : (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

static double log_sigmoid(double x) { return -softplus(-x); }

/* factor exp(x), rounded into the subnormal numbers once only */
static double scaled_exp(double x, double factor) {
    if (x < -690.0 && x > -800.0) return exp(64.0 + x) * factor * 1.603810890548638e-28;
    return factor * exp(x);
}

static double silu(double x) {
    if (x < -760.0) return -0.0;
    return x < -690.0 ? scaled_exp(x, x) : x / (1.0 + exp(-x));
}

static double silu_derivative(double x) {
    if (x > 700.0) return 1.0;
    if (x >= 0.0) return sigmoid(x) + x * logistic_density(x);
    if (x < -760.0) return 0.0;
    if (x < -690.0) return scaled_exp(x, 1.0 + x);
    return logistic_density(x) * (1.0 + x + exp(x));
}

/* 2 - x tanh(x / 2), of which next to the roots, +-2.3994, half of the digits are lost */
static double silu_bend(double x) {
    double size = fabs(x), e = exp(-size);
    return ((2.0 - size) + e * (2.0 + size)) / (1.0 + e);
}

static double silu_second_derivative(double x) {
    double size = fabs(x);
    if (size > 760.0) return 0.0;
    if (size > 690.0) return scaled_exp(-size, silu_bend(size));
    return logistic_density(x) * silu_bend(x);
}

static double softsign(double x) { return x / (1.0 + fabs(x)); }

/* 1 / (1 + |x|)^n, the rounding error of the sum folded back */
static double softsign_derivative(double x, int n) {
    double size = fabs(x), whole = 1.0 + size, quotient = 1.0 / whole, result = quotient;
    double error = size < 1.0 ? (1.0 - whole) + size : (size - whole) + 1.0;
    for (int i = 1; i < n; i++) result *= quotient;
    return error != 0.0 ? result - n * (error * quotient) * result : result;
}

static double relu(double x) { return x <= 0.0 ? 0.0 : x; }

static double leaky_relu(double x, double slope) { return x > 0.0 ? x : slope * x; }

static double leaky_step(double x, double slope) { return x > 0.0 ? 1.0 : x <= 0.0 ? slope : x; }

static double elu(double x, double alpha) { return x > 0.0 ? x : alpha * expm1(x); }

static double elu_tail(double x, double alpha) { return x > 0.0 ? 0.0 : scaled_exp(x, alpha); }

static double sign(double x) { return fabs(x) > 0.0 ? copysign(1.0, x) : x + 0.0; }

static double step(double x) { return x > 0.0 ? 1.0 : x <= 0.0 ? 0.0 : x; }

static double clip(double x, double low, double high) {
    double below = x > high ? high : x;
    return below > low || isnan(x) ? below : low;
}

static double within(double x, double low, double high) {
    return isnan(x) ? x : x >= low && x <= high ? 1.0 : 0.0;
}

static double maximum(double x, double y) { return x >= y || isnan(x) ? x : y; }

static double minimum(double x, double y) { return x <= y || isnan(x) ? x : y; }

static double greater(double x, double y) {
    return x > y ? 1.0 : x < y ? 0.0 : x == y ? 0.5 : NAN;
}

/* 1 - x^2, the rounding error of x^2 folded back */
static double one_minus_square(double x) {
    double low, square = two_product(x, x, &low);
    if (!(fabs(x) > 1e-140 && fabs(x) < 1e150)) return 1.0 - x * x;
    return (1.0 - square) - low;
}

static double asin_derivative(double x) { return 1.0 / sqrt(one_minus_square(x)); }

static double acosh_derivative(double x) {
    return x > 1e150 ? 1.0 / x : 1.0 / sqrt(0.0 - one_minus_square(x));
}

/* 1 / (1 + x^2) */
static double atan_derivative(double x) {
    double low, square = two_product(x, x, &low), whole = 1.0 + square, quotient = 1.0 / whole;
    if (fabs(x) > 1e9) return (1.0 / x) * (1.0 / x);
    if (fabs(x) < 1e-140 || isnan(x)) return 1.0 + 0.0 * x;
    double error = square < 1.0 ? (1.0 - whole) + square : (square - whole) + 1.0;
    return quotient - quotient * ((error + low) * quotient);
}

static double asinh_derivative(double x) { return 1.0 / hypot(1.0, x); }

/* x / hypot(x, y), by convention 0 at the origin */
static double hypot_direction(double x, double y) {
    if (isnan(x) || isnan(y)) return NAN;
    if (x == 0.0 && y == 0.0) return 0.0;
    double largest = fmax(fabs(x), fabs(y)), scale = largest > 1e300 ? 0x1p-600 : 1.0;
    if (largest < 1e-290) scale = 0x1p600;
    return x * scale / hypot(x * scale, y * scale);
}

/* u^2 + v^2 as a rounded sum and its error, for the larger between 1/2 and 1 */
static double square_norm(double u, double v, double *low) {
    double u_low, v_low, uu = two_product(u, u, &u_low), vv = two_product(v, v, &v_low);
    double high = two_difference(uu, -vv, low);
    *low += u_low + v_low;
    return high;
}

/* x^a y^b / hypot(x, y)^n for a + b < n */
static double hypot_moment(double x, double y, int a, int b, int n) {
    int exponent, i, j;
    double low, again_low, largest = fmax(fabs(x), fabs(y));
    if (!isfinite(x) || !isfinite(y)) return NAN;
    if (largest == 0.0) return a % 2 || b % 2 ? NAN : INFINITY;
    frexp(largest, &exponent);
    double whole = square_norm(ldexp(x, -exponent), ldexp(y, -exponent), &low);
    double norm = sqrt(whole), again = two_product(norm, norm, &again_low);
    double residual = ((whole - again) - again_low + low) / whole; /* norm is off by half of it */
    x = frexp(x, &i), y = frexp(y, &j);
    double mantissa = pow(x, a) * pow(y, b) / pow(norm, n);
    mantissa -= mantissa * (0.5 * n * residual);
    return ldexp(mantissa, a * i + b * j - n * exponent);
}

/* The real part of i^k / (x + iy)^n; at the origin by convention 0 for n = 1, else nan */
static double inverse_power(double x, double y, int n, int k) {
    int exponent, i, j;
    double low, largest = fmax(fabs(x), fabs(y)), sign = k % 4 == 1 || k % 4 == 2 ? -1.0 : 1.0;
    if (!isfinite(x) || !isfinite(y)) return NAN;
    if (largest == 0.0) return n == 1 ? 0.0 : NAN;
    frexp(largest, &exponent);
    double u = ldexp(x, -exponent), v = ldexp(y, -exponent);
    double square = square_norm(u, v, &low), real = 1.0, imaginary = 0.0;
    if (n <= 2) {
        double a = frexp(x, &i), b = frexp(y, &j), part;
        if (n == 1) part = (k % 2 ? -b : a) / square, i = (k % 2 ? j : i) - 2 * exponent;
        else if (k % 2) part = -2.0 * a * b / (square * square), i += j - 4 * exponent;
        else part = (u - v) * (u + v) / (square * square), i = -2 * exponent;
        return ldexp(sign * (part - part * (n * low / square)), i);
    }
    for (int m = 0; m < n; m++) {
        double next = (real * u + imaginary * v) / square;
        imaginary = (imaginary * u - real * v) / square;
        real = next;
    }
    return ldexp(sign * (k % 2 ? imaginary : real), -n * exponent);
}

/* exp(x - y), the rounding error of x - y folded back; -inf weighs 0, also beside another */
static double exp_of_difference(double x, double y) {
    double error, size = exp(two_difference(x, isinf(y) && y < 0.0 ? 0.0 : y, &error));
    return isinf(size) ? size : size + size * error;
}

/* log(exp(x) + exp(y)); where it is near 0 and its terms are not, of their accuracy */
static double logaddexp(double x, double y) {
    double largest = x > y ? x : y, smallest = x > y ? y : x, error;
    if (isnan(x) || isnan(y)) return NAN;
    if (isinf(largest)) return largest;
    double ratio = exp(two_difference(smallest, largest, &error));
    return largest + log1p(ratio + ratio * error);
}

/* exp(x) / (exp(x) + exp(y)) */
static double softmax_of_two(double x, double y) {
    double error, difference = two_difference(x, y, &error);
    if (x == y && isinf(x) && x < 0.0) return 0.0;
    if (difference < -690.0) return scaled_exp(difference, 1.0 + error);
    double share = sigmoid(difference);
    return share + share * sigmoid(-difference) * error;
}

static double prod(const double *x, int n) {
    double product = 1.0;
    for (int i = 0; i < n; i++) product *= x[i];
    return product;
}

/* The exactly rounded sum, times a scale: Shewchuk, Adaptive precision floating-point arithmetic,
   1997 */
static double scaled_sum(const double *x, int n, double scale) {
    double partials[48], high = 0.0, low = 0.0, plain = 0.0;
    int count = 0;
    for (int i = 0; i < n; i++) {
        double a = x[i] * scale;
        int kept = 0;
        plain += a;
        for (int j = 0; j < count; j++) {
            double b = partials[j], whole = a + b, back = whole - a;
            double lost = (a - (whole - back)) + (b - back);
            if (lost != 0.0) partials[kept++] = lost;
            a = whole;
        }
        if (kept == 48 || !isfinite(a)) {
            for (i++; i < n; i++) plain += x[i] * scale;
            return plain;
        }
        partials[kept++] = a;
        count = kept;
    }
    while (count > 0 && low == 0.0) {
        double a = high, b = partials[--count];
        high = a + b;
        low = b - (high - a);
    }
    if (count > 0 && low * partials[count - 1] > 0.0) { /* half-way cases */
        double twice = low * 2.0, other = high + twice;
        if (twice == other - high) high = other;
    }
    return high;
}

/* The sum divided by a number; where the sum itself overflows on the way, of smaller ones */
static double shared_sum(const double *x, int n, double parts) {
    double whole = scaled_sum(x, n, 1.0);
    if (isfinite(whole)) return whole / parts;
    return scaled_sum(x, n, 0x1p-64) / parts * 0x1p64;
}

static double fsum(const double *x, int n) { return shared_sum(x, n, 1.0); }

static double mean(const double *x, int n) { return shared_sum(x, n, n); }

static double logsumexp(const double *x, int n) {
    double largest = x[0], rest = 0.0;
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(x[i])) return NAN;
        if (x[i] > largest) largest = x[i], at = i;
    }
    if (isinf(largest)) return largest;
    for (int i = 0; i < n; i++)
        if (i != at) rest += exp_of_difference(x[i], largest);
    return largest + log1p(rest);
}

/* The remainder with the sign of y, and the quotient rounded down, as Python has them */
static double remainder_of(double x, double y) {
    double rest = fmod(x, y);
    return rest == 0.0 ? copysign(0.0, y) : (rest < 0.0) != (y < 0.0) ? rest + y : rest;
}

static double floordiv(double x, double y) {
    double rest = fmod(x, y);
    if (y == 0.0) return x / y;
    double whole = (x - rest) / y - (rest != 0.0 && (rest < 0.0) != (y < 0.0) ? 1.0 : 0.0);
    double down = floor(whole);
    return whole == 0.0 ? copysign(0.0, x / y) : whole - down > 0.5 ? down + 1.0 : down;
}

/* Halves to even; with digits after the point within an ulp */
static double round_to(double x, double digits) {
    double unit = pow(10.0, fabs(digits)), scaled = digits < 0.0 ? x / unit : x * unit;
    if (digits == 0.0) return rint(x);
    if (!(fabs(scaled) < 4503599627370496.0)) return x;
    return digits < 0.0 ? rint(scaled) * unit : rint(scaled) / unit;
}

/* Twice the precision: a number as the sum of two, the second within half an ulp of the first
   (Dekker, A floating-point technique for extending the available precision, 1971) */
typedef struct {
    double high, low;
} Twice;

static Twice twice(double high, double low) {
    double whole = high + low;
    Twice number = {whole, low - (whole - high)};
    return number;
}

static Twice twice_sum(Twice x, Twice y) {
    double low, lost, high = two_difference(x.high, -y.high, &low);
    double lows = two_difference(x.low, -y.low, &lost);
    Twice sum = twice(high, low + lows);
    return twice(sum.high, sum.low + lost);
}

static Twice twice_product(Twice x, Twice y) {
    double low, high = two_product(x.high, y.high, &low);
    return twice(high, low + (x.high * y.low + x.low * y.high));
}

static Twice twice_minus(Twice x) {
    Twice minus = {-x.high, -x.low};
    return minus;
}

static Twice twice_quotient(Twice x, Twice y) {
    double quotient = x.high / y.high, rest = fma(-quotient, y.high, x.high);
    return twice(quotient, (rest + (x.low - quotient * y.low)) / y.high);
}

static Twice twice_ratio(double x, double y) {
    return twice_quotient(twice(x, 0.0), twice(y, 0.0));
}

/* log(x) = k log 2 + 2 atanh(s), x = 2^k m, s = (m - 1) / (m + 1), by the series of atanh */
static Twice twice_log(Twice x) {
    int k, n = 43;
    double m = frexp(x.high, &k), tail = 0.0;
    if (m < 0.7071067811865476) k--;
    Twice one = {1.0, 0.0}, log_2 = {0.6931471805599453, 2.3190468138462996e-17};
    x = twice(ldexp(x.high, -k), ldexp(x.low, -k));
    Twice s = twice_quotient(twice_sum(x, twice_minus(one)), twice_sum(x, one));
    Twice square = twice_product(s, s);
    for (; n > 21; n -= 2) tail = (tail + 1.0 / n) * square.high;
    Twice total = twice(tail, 0.0);
    for (; n > 1; n -= 2) total = twice_product(twice_sum(total, twice_ratio(1.0, n)), square);
    total = twice_product(twice_sum(total, one), s);
    return twice_sum(twice_product(twice(k, 0.0), log_2), twice(2.0 * total.high, 2.0 * total.low));
}

/* sin(pi x) for |x| <= 1/2, by its series */
static Twice twice_sine(Twice x) {
    int n = 35;
    double tail = 1.0;
    Twice one = {1.0, 0.0}, pi = {3.141592653589793, 1.2246467991473532e-16};
    Twice angle = twice_product(x, pi), square = twice_product(angle, angle);
    for (; n > 21; n -= 2) tail = 1.0 - tail * square.high / (n * (n - 1));
    Twice total = twice(tail, 0.0);
    for (; n > 1; n -= 2) {
        Twice factor = twice_product(square, twice_ratio(-1.0, n * (n - 1)));
        total = twice_sum(one, twice_product(total, factor));
    }
    return twice_product(total, angle);
}

/* The sum of B_2k (2k + n - 1)! / (2k)! / z^(2k + n): of Stirling's series (Abramowitz & Stegun,
   6.1.40, 6.4.11), n = -1 of that of log(gamma), else of the n-th derivative of digamma */
static Twice stirling(Twice z, int n) {
    static const double B[][2] = {{1, 6}, {-1, 30}, {1, 42}, {-1, 30}, {5, 66}, {-691, 2730},
                                  {7, 6}, {-3617, 510}, {43867, 798}, {-174611, 330},
                                  {854513, 138}, {-236364091, 2730}, {8553103, 6},
                                  {-23749461029.0, 870}, {8615841276005.0, 14322}};
    Twice one = {1.0, 0.0}, inverse = twice_quotient(one, z);
    Twice square = twice_product(inverse, inverse);
    double tail = 0.0;
    int k = 15;
    for (; k > 6; k--) { /* of which a few digits count */
        double term = B[k - 1][0] / B[k - 1][1] / (n < 1 ? 2.0 * k : 1.0);
        if (n < 0) term /= 2.0 * k - 1.0;
        for (int i = 1; i < n; i++) term *= 2.0 * k + i;
        tail = (tail + term) * square.high;
    }
    Twice total = {tail, 0.0};
    for (; k > 0; k--) {
        Twice term = twice_ratio(B[k - 1][0], B[k - 1][1]);
        if (n < 0) term = twice_quotient(term, twice((2.0 * k - 1.0) * 2.0 * k, 0.0));
        if (n == 0) term = twice_quotient(term, twice(2.0 * k, 0.0));
        for (int i = 1; i < n; i++) term = twice_product(term, twice(2.0 * k + i, 0.0));
        total = twice_product(twice_sum(total, term), square);
    }
    for (int i = 0; i < n; i++) total = twice_product(total, inverse);
    return n < 0 ? twice_quotient(total, inverse) : total;
}

/* log(|gamma(x)|), the formulas of functions/decimals.py; and the size of what it is the sum of */
static double gamma_logarithm(double x, double *size) {
    static const double ZETA[] = {/* (zeta(k) - 1) / k */
        0.3224670334241132, 0.0673523010531981, 0.020580808427784546, 0.007385551028673986,
        0.0028905103307415234, 0.001192753911703261, 0.0005096695247430425, 0.00022315475845357939,
        9.945751278180853e-05, 4.492623673813314e-05, 2.050721277567069e-05, 9.439488275268397e-06,
        4.374866789907488e-06, 2.039215753801366e-06};
    const Twice half_log_2_pi = {0.9189385332046728, -3.8782941580672414e-17};
    const Twice pi = {3.141592653589793, 1.2246467991473532e-16}, minus_half = {-0.5, 0.0};
    double low, near = fabs(x - 1.0) < 0.0625 ? 1.0 : 2.0, distance = x - near;
    *size = 0.0;
    if (isnan(x) || isinf(x) || (x <= 0.0 && x == floor(x))) return fabs(x) + INFINITY;
    if (fabs(x) < 1e-18) return -log(fabs(x));
    if (distance == 0.0) return 0.0;
    if (fabs(distance) < 0.0625) { /* 6.1.33, about 1 or 2, where it is 0 */
        double tail = 0.0;
        for (int k = 15; k > 1; k--)
            tail = (ZETA[k - 2] + (near == 1.0 ? 1.0 / k : 0.0) - tail) * distance;
        double slope = near == 1.0 ? -0.5772156649015329 : 0.42278433509846713;
        return distance * (slope + (tail + 4.942915152430645e-18));
    }
    Twice z = {x, 0.0}, product = {1.0, 0.0};
    if (x < 0.5) z.high = two_difference(1.0, x, &z.low); /* by reflection, 6.1.17 */
    while (z.high < 20.0) {
        product = twice_product(product, z);
        z = twice_sum(z, twice(1.0, 0.0));
    }
    Twice total = twice_product(twice_sum(z, minus_half), twice_log(z));
    if (!(total.high < INFINITY)) return INFINITY;
    total = twice_sum(twice_sum(total, twice_minus(z)), half_log_2_pi);
    if (z.high < 1e17) total = twice_sum(total, stirling(z, -1));
    if (x < 0.5) {
        Twice sine = twice_sine(twice(x - rint(x), 0.0));
        if (sine.high < 0.0) sine = twice_minus(sine);
        product = twice_quotient(twice_product(product, pi), sine);
    }
    *size = fabs(total.high);
    if (x >= 20.0) return total.high;
    total = twice_sum(twice_log(product), twice_minus(total));
    low = total.high + total.low;
    return x < 0.5 ? low : -low;
}

static double log_gamma(double x) {
    double size;
    return gamma_logarithm(x, &size);
}

/* The sum of n! / (z + k)^(n + 1) over all k >= 0; for n = 0, where it diverges, -digamma(z) */
static Twice polygamma_size(Twice z, int n) {
    Twice total = {0.0, 0.0}, one = {1.0, 0.0}, last, inverse;
    double factorial = 1.0;
    for (int i = 2; i <= n; i++) factorial *= i;
    for (;; z = twice_sum(z, one)) {
        inverse = twice_quotient(one, z), last = twice_product(inverse, twice(factorial, 0.0));
        for (int i = 0; i < n; i++) last = twice_product(last, inverse);
        if (z.high >= 20.0 + 2.0 * n) break;
        total = twice_sum(total, last);
    }
    Twice whole = twice_product(last, z);
    whole = n == 0 ? twice_minus(twice_log(z)) : twice_quotient(whole, twice(n, 0.0));
    total = twice_sum(total, twice_sum(whole, twice(0.5 * last.high, 0.5 * last.low)));
    return twice_sum(total, stirling(z, n));
}

/* The n-th derivative of digamma, the formulas of functions/decimals.py; and the size of what it
   is the difference of */
static double polygamma_of_size(double x, int n, double *size) {
    const Twice pi = {3.141592653589793, 1.2246467991473532e-16};
    *size = 0.0;
    if (n > 100) return NAN;
    if (isnan(x) || isinf(x)) return x > 0.0 ? (n ? 0.0 : x) : NAN;
    if (x <= 0.0 && x == floor(x)) return n % 2 ? INFINITY : NAN;
    if (fabs(x) < 1e-18 || x > 1e17) { /* the first term */
        double term = n % 2 ? 1.0 : -1.0;
        if (x > 0.0 && x > 1.0 && n == 0) return log(x);
        for (int i = 1; i <= n; i++) term *= (x > 1.0 && i == n ? 1.0 : i) / x;
        return x > 1.0 ? term : term / x;
    }
    if (x >= 0.5) {
        Twice whole = polygamma_size(twice(x, 0.0), n);
        *size = n ? 0.0 : 3.0; /* about 1.4616, where digamma is 0 */
        return n % 2 ? whole.high : -whole.high;
    }
    double low, rest = x - rint(x), high = two_difference(0.5, fabs(rest), &low);
    Twice sine = twice_sine(twice(rest, 0.0)), slope = {0.0, 0.0};
    Twice cotangent = twice_quotient(twice_sine(twice(high, low)), sine);
    Twice p[103] = {{0.0, 0.0}, {1.0, 0.0}}; /* the n-th derivative of cot as a polynomial in it */
    for (int k = 0; k < n; k++) { /* c' = -(1 + c^2) */
        Twice below = {0.0, 0.0};
        for (int i = 0; i <= k + 2; i++) {
            Twice above = twice_product(p[i + 1], twice(-(i + 1.0), 0.0));
            Twice next = twice_sum(above, twice_product(below, twice(1.0 - i, 0.0)));
            below = p[i], p[i] = next;
        }
    }
    for (int i = n + 1; i >= 0; i--) slope = twice_sum(twice_product(slope, cotangent), p[i]);
    for (int i = 0; i <= n; i++) slope = twice_product(slope, pi);
    Twice z;
    z.high = two_difference(1.0, x, &z.low);
    Twice total = twice_sum(polygamma_size(z, n), slope);
    *size = fabs(slope.high);
    return -total.high;
}

static double polygamma(double x, int n) {
    double size;
    return polygamma_of_size(x, n, &size);
}

static double digamma(double x) { return polygamma(x, 0); }

/* The inverse of erf: by Newton's method, whose last step is the second part */
static Twice inverse_of_erf(double x) {
    double size = fabs(x), rest = 1.0 - size, logarithm = log(rest * (1.0 + size)), y = 0.0;
    double half = 4.330746750799873 + 0.5 * logarithm; /* 2 / (0.147 pi): Winitzki's guess */
    double step = 0.0;
    if (size > 1e-3) y = sqrt(sqrt(half * half - logarithm / 0.147) - half);
    for (int i = 0; i < 3; i++) {
        y += step;
        double error = size < 0.5 ? size - erf(y) : erfc(y) - rest;
        step = error * 0.8862269254527580 * exp(y * y);
        step /= 1.0 - y * step;
    }
    return twice(copysign(y, x), copysign(1.0, x) * step);
}

static double erfinv(double x) {
    if (!(fabs(x) < 1.0)) return fabs(x) == 1.0 ? copysign(INFINITY, x) : NAN;
    return fabs(x) < 1e-9 ? scaled_product(x, 0.8862269254527580, 1.0) : inverse_of_erf(x).high;
}

/* sqrt(pi) / 2 exp(y^2), the rounding errors of y and its square folded back */
static double erfinv_derivative(double x) {
    if (!(fabs(x) < 1.0)) return fabs(x) == 1.0 ? INFINITY : NAN;
    Twice y = inverse_of_erf(x), square = twice_product(y, y);
    double bell = 0.8862269254527580 * exp(square.high);
    return bell + bell * square.low;
}
