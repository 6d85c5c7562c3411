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

/* logistic_density(x) (2 - x tanh(x / 2)); near the roots of the factor, +-2.3994, of that
   factor's absolute accuracy */
static double silu_second_derivative(double x) {
    double size = fabs(x), factor = 2.0 - size * tanh(0.5 * size);
    if (size > 760.0) return 0.0;
    return size > 690.0 ? scaled_exp(-size, factor) : logistic_density(x) * factor;
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

static double sign(double x) { return fabs(x) > 0.0 ? copysign(1.0, x) : x; }

static double step(double x) { return x > 0.0 ? 1.0 : x <= 0.0 ? 0.0 : x; }

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double within(double x, double low, double high) {
    return isnan(x) ? x : x >= low && x <= high ? 1.0 : 0.0;
}

static double maximum(double x, double y) { return x > y || isnan(x) ? x : y; }

static double minimum(double x, double y) { return x < y || isnan(x) ? x : y; }

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
    double square = square_norm(u, v, &low), correction = 1.0 - n * low / square;
    double a = frexp(x, &i), b = frexp(y, &j);
    if (n == 1 && k % 2) return ldexp(sign * (-b / square) * correction, j - 2 * exponent);
    if (n == 1) return ldexp(sign * (a / square) * correction, i - 2 * exponent);
    if (n == 2 && k % 2) {
        double part = -2.0 * a * b / (square * square) * correction;
        return ldexp(sign * part, i + j - 4 * exponent);
    }
    double real = 1.0, imaginary = 0.0;
    if (n == 2) real = (u - v) * (u + v) / (square * square) * correction;
    for (int m = 0; n > 2 && m < n; m++) {
        double next = (real * u + imaginary * v) / square;
        imaginary = (imaginary * u - real * v) / square;
        real = next;
    }
    return ldexp(sign * (k % 2 ? imaginary : real), -n * exponent);
}

/* exp(x - y), the rounding error of x - y folded back */
static double exp_of_difference(double x, double y) {
    double error, size = exp(two_difference(x, y, &error));
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

/* The exactly rounded sum: Shewchuk, Adaptive precision floating-point arithmetic, 1997 */
static double fsum(const double *x, int n) {
    double partials[48], high = 0.0, low = 0.0, plain = 0.0;
    int count = 0;
    for (int i = 0; i < n; i++) {
        double a = x[i];
        int kept = 0;
        plain += a;
        for (int j = 0; j < count; j++) {
            double b = partials[j], whole = a + b, back = whole - a;
            double lost = (a - (whole - back)) + (b - back);
            if (lost != 0.0) partials[kept++] = lost;
            a = whole;
        }
        if (kept == 48 || !isfinite(a)) {
            for (i++; i < n; i++) plain += x[i];
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

static double mean(const double *x, int n) { return fsum(x, n) / n; }

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

/* The n-th derivative of digamma: by reflection, recurrence and Stirling's series (Abramowitz &
   Stegun, 6.4); next to the roots of digamma of the accuracy of its terms */
static double polygamma(double x, int n) {
    static const double B[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730,
                               7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};
    const double pi = 3.141592653589793;
    double factorial = 1.0, total = 0.0, sign = n % 2 ? 1.0 : -1.0;
    if (isnan(x) || (x <= 0.0 && x == floor(x))) return NAN;
    if (x < 0.5) { /* (-1)^n polygamma(1 - x) - the n-th derivative of pi cot(pi x) */
        double p[103] = {0.0, 1.0}, cotangent = 1.0 / tan(pi * fmod(x, 1.0)), slope = 0.0;
        for (int k = 0; k < n; k++) { /* d/dx c = -pi (1 + c^2), c = cot(pi x) */
            double q[103] = {0.0};
            for (int i = 1; i <= k + 1; i++) q[i - 1] -= i * p[i] * pi, q[i + 1] -= i * p[i] * pi;
            for (int i = 0; i < 103; i++) p[i] = q[i];
        }
        for (int i = n + 1; i >= 0; i--) slope = slope * cotangent + p[i];
        return (n % 2 ? -1.0 : 1.0) * polygamma(1.0 - x, n) - pi * slope;
    }
    for (int i = 2; i <= n; i++) factorial *= i;
    for (; x < 12.0 + n; x += 1.0) total += factorial / pow(x, n + 1);
    if (n == 0) total -= log(x) - 0.5 / x;
    else total += factorial / n / pow(x, n) + 0.5 * factorial / pow(x, n + 1);
    double term = n == 0 ? 0.5 / (x * x) : factorial * (n + 1) * 0.5 / pow(x, n + 2);
    for (int k = 1; k <= 10; k++) { /* term: (2k + n - 1)! / (2k)! / x^(2k + n) */
        total += B[k - 1] * term;
        term *= (2.0 * k + n) * (2.0 * k + n + 1) / ((2.0 * k + 1) * (2.0 * k + 2)) / (x * x);
    }
    return sign * total;
}

static double digamma(double x) { return polygamma(x, 0); }

/* Newton's method on erf, or on erfc where that is small */
static double erfinv(double x) {
    double size = fabs(x), rest = 1.0 - size, logarithm = log(rest * (1.0 + size));
    if (!(size < 1.0)) return size == 1.0 ? copysign(INFINITY, x) : NAN;
    if (size < 1e-8) return x * 0.8862269254527580;
    double half = 4.330746750799873 + 0.5 * logarithm; /* 2 / (0.147 pi): Winitzki's guess */
    double y = sqrt(sqrt(half * half - logarithm / 0.147) - half);
    for (int i = 0; i < 4; i++) {
        double error = size < 0.5 ? size - erf(y) : erfc(y) - rest;
        double step = error * 0.8862269254527580 * exp(y * y);
        y += step / (1.0 - y * step);
    }
    return copysign(y, x);
}

static double erfinv_derivative(double x) {
    double y = erfinv(x);
    return 0.8862269254527580 * exp(y * y);
}
