/* tanh and the logistic sigmoid with their derivatives, in one go: what the two have in common is
   computed once. Needs a fused multiply-add, which gives exactly what rounding loses: written as
   such, so that no option of a compiler takes it apart.

   exp(y) = 2^k (1 + r + r^2 q(r)) for y <= 0, with k = round(y / log 2) and q near-minimax on
   |r| <= log(2) / 2, its terms paired as Estrin does. A quotient is corrected by what its
   residual, exact, still lacks. Two vectors at a time, so that none waits for the other's. */

#define Integers LEVEL(Integers)
typedef int64_t Integers __attribute__((vector_size(8 * WIDTH)));
#define EACH_PART UNROLL for (int j = 0; j < vectors; j++)

/* The last numbers, fewer than a vector has, are computed beside zeros. */
#define GET(p) (lanes == WIDTH ? LOAD(p) : LOAD_FIRST(p, lanes))
#define PUT(p, x) \
    if (lanes == WIDTH) \
        STORE(p, x); \
    else \
        STORE_FIRST(p, x, lanes)

/* scale = 2^k and p = exp(y) / 2^k - 1 */
INLINE void LEVEL(scaled_expm1)(const int vectors, const Vector *y, Vector *scale, Vector *p) {
    Vector shifted[2], r[2], r2[2], q[2];
    EACH_PART shifted[j] = PLUS_PRODUCT(ALL(ROUNDING), y[j], ALL(1.4426950408889634));
    EACH_PART {
        Vector k = shifted[j] - ALL(ROUNDING);
        r[j] = LESS_PRODUCT(y[j], k, ALL(6.93147180559945286227e-01));
        r[j] = LESS_PRODUCT(r[j], k, ALL(2.319046813846299558e-17));
        r2[j] = r[j] * r[j];
    }
    EACH_PART {
        Vector r4 = r2[j] * r2[j];
        Vector a = PLUS_PRODUCT(ALL(0x1.0000000000001p-1), ALL(0x1.5555555555556p-3), r[j]);
        Vector b = PLUS_PRODUCT(ALL(0x1.5555555553d37p-5), ALL(0x1.11111111109a6p-7), r[j]);
        Vector c = PLUS_PRODUCT(ALL(0x1.6c16c1789d1d7p-10), ALL(0x1.a01a01a7cebcdp-13), r[j]);
        Vector d = PLUS_PRODUCT(ALL(0x1.a019b8ca26fcfp-16), ALL(0x1.71de0d85293b8p-19), r[j]);
        Vector e = PLUS_PRODUCT(ALL(0x1.2891d4ffbb0f9p-22), ALL(0x1.af390ba7e6f47p-26), r[j]);
        Vector low = PLUS_PRODUCT(a, b, r2[j]), middle = PLUS_PRODUCT(c, d, r2[j]);
        q[j] = PLUS_PRODUCT(low, PLUS_PRODUCT(middle, e, r4), r4);
    }
    EACH_PART p[j] = PLUS_PRODUCT(r[j], r2[j], q[j]);
    EACH_PART scale[j] = (Vector)(((Integers)shifted[j] + 1023) << 52);
}

/* tanh(x) = -expm1(y) / (2 + expm1(y)) and 4 e / (1 + e)^2, for y = -2 |x| and e = exp(y) */
INLINE void LEVEL(tanh_step)(
    const int vectors, const int derivative, double *z, double *d, const double *at,
    const int lanes) {
    const Integers sign = (Integers)ALL(-0.0);
    Vector x[2], y[2], scale[2], p[2];
    Integers far = {0};
    EACH_PART {
        x[j] = GET(at + j * WIDTH);
        y[j] = ALL(-2.0) * (Vector)((Integers)x[j] & ~sign);
        far |= y[j] < ALL(-700.0);
    }
    LEVEL(scaled_expm1)(vectors, y, scale, p);
    EACH_PART {
        Vector whole = scale[j] - ALL(1.0), em1 = PLUS_PRODUCT(whole, scale[j], p[j]);
        Vector below = ALL(2.0) + em1, inverse = ALL(1.0) / below;
        Vector lost = PLUS_PRODUCT(whole - em1, scale[j], p[j]);
        Vector lost_below = (ALL(2.0) - below) + em1;
        inverse = LESS_PRODUCT(inverse, inverse * lost_below, inverse);
        Vector t = em1 * inverse;
        Vector lacking = LESS_PRODUCT(em1, t, below) + LESS_PRODUCT(lost, t, lost_below);
        t = PLUS_PRODUCT(t, lacking, inverse);
        PUT(z + j * WIDTH, (Vector)(((Integers)t & ~sign) | ((Integers)x[j] & sign)));
        if (derivative) {
            Vector twice = inverse + inverse;
            PUT(d + j * WIDTH, (PLUS_PRODUCT(scale[j], scale[j], p[j]) * twice) * twice);
        }
    }
    if (ANY(far))
        EACH_PART for (int l = 0; l < WIDTH; l++) if (fabs(x[j][l]) > 350.0) {
            z[j * WIDTH + l] = copysign(1.0, x[j][l]);
            if (derivative) d[j * WIDTH + l] = k_sech2(x[j][l]);
        }
}

/* 1 / (1 + e) or e / (1 + e), and e / (1 + e)^2, for e = exp(-|x|) */
INLINE void LEVEL(sigmoid_step)(
    const int vectors, const int derivative, double *z, double *d, const double *at,
    const int lanes) {
    const Integers sign = (Integers)ALL(-0.0);
    Vector x[2], y[2], scale[2], p[2];
    Integers far = {0};
    EACH_PART {
        x[j] = GET(at + j * WIDTH);
        y[j] = (Vector)((Integers)x[j] | sign);
        far |= y[j] < ALL(-700.0);
    }
    LEVEL(scaled_expm1)(vectors, y, scale, p);
    EACH_PART {
        Vector e = PLUS_PRODUCT(scale[j], scale[j], p[j]);
        Vector below = ALL(1.0) + e, inverse = ALL(1.0) / below;
        Vector lost = (ALL(1.0) - below) + e;
        Vector lacking = LESS_PRODUCT(LESS_PRODUCT(ALL(1.0), below, inverse), lost, inverse);
        inverse = PLUS_PRODUCT(inverse, lacking, inverse);
        Vector share = e * inverse;
        Integers positive = x[j] >= ALL(0.0);
        PUT(z + j * WIDTH,
            (Vector)(((Integers)inverse & positive) | ((Integers)share & ~positive)));
        if (derivative) PUT(d + j * WIDTH, share * inverse);
    }
    if (ANY(far))
        EACH_PART for (int l = 0; l < WIDTH; l++) if (fabs(x[j][l]) > 700.0) {
            z[j * WIDTH + l] = k_sigmoid(x[j][l]);
            if (derivative) d[j * WIDTH + l] = k_logistic_density(x[j][l]);
        }
}

#define OVER_A_ROW(name, step, derivative) \
    static void LEVEL(name)(double *z, double *d, const double *x, ptrdiff_t n) { \
        ptrdiff_t i = 0; \
        for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) \
            LEVEL(step)(2, derivative, z + i, derivative ? d + i : d, x + i, WIDTH); \
        for (; i + WIDTH <= n; i += WIDTH) \
            LEVEL(step)(1, derivative, z + i, derivative ? d + i : d, x + i, WIDTH); \
        if (i < n) \
            LEVEL(step)(1, derivative, z + i, derivative ? d + i : d, x + i, (int)(n - i)); \
    }
OVER_A_ROW(tanh, tanh_step, 1)
OVER_A_ROW(sigmoid, sigmoid_step, 1)
OVER_A_ROW(tanh_alone, tanh_step, 0)
OVER_A_ROW(sigmoid_alone, sigmoid_step, 0)
#undef OVER_A_ROW
#undef EACH_PART
#undef GET
#undef PUT
#undef Integers
