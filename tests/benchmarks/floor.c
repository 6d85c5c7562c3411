/* The floor of tests/benchmarks/compiled.py: the value and gradient of a multilayer perceptron,
 * by hand, one data point after the other.
 *
 * The layers' widths D0, D1, D2 and perhaps D3, and ACTIVATION, are given by -D, so that the
 * compiler knows every bound. A row of the weights is those of one unit, its bias last. */

#include <math.h>
#include <string.h>

#define LOGISTIC 0
#define TANH 1
#define RELU 2

static inline double activation(double a) {
    return ACTIVATION == LOGISTIC ? 1.0 / (1.0 + exp(-a))
         : ACTIVATION == TANH ? tanh(a)
                              : (a > 0.0 ? a : 0.0);
}

static inline double slope(double z) {
    return ACTIVATION == LOGISTIC ? z * (1.0 - z)
         : ACTIVATION == TANH ? 1.0 - z * z
                              : (z > 0.0 ? 1.0 : 0.0);
}

/* a_j = sum_i w_ji z_i + b_j */
static inline __attribute__((always_inline)) void sums(
    int n_in, int n_out, const double *restrict w, const double *restrict z, double *restrict a) {
    for (int j = 0; j < n_out; j++) {
        const double *row = w + j * (n_in + 1);
        double sum = row[n_in];
        for (int i = 0; i < n_in; i++)
            sum += row[i] * z[i];
        a[j] = sum;
    }
}

static inline __attribute__((always_inline)) void hidden(
    int n_in, int n_out, const double *restrict w, const double *restrict z, double *restrict out) {
    sums(n_in, n_out, w, z, out);
    for (int j = 0; j < n_out; j++)
        out[j] = activation(out[j]);
}

/* dE/dw_ji += delta_j z_i */
static inline __attribute__((always_inline)) void add_gradient(
    int n_in, int n_out, const double *restrict delta, const double *restrict z,
    double *restrict gradient) {
    for (int j = 0; j < n_out; j++) {
        double *row = gradient + j * (n_in + 1);
        for (int i = 0; i < n_in; i++)
            row[i] += delta[j] * z[i];
        row[n_in] += delta[j];
    }
}

/* delta_i = h'(a_i) sum_j w_ji delta_j */
static inline __attribute__((always_inline)) void propagate_back(
    int n_in, int n_out, const double *restrict w, const double *restrict delta,
    const double *restrict z, double *restrict before) {
    for (int i = 0; i < n_in; i++)
        before[i] = 0.0;
    for (int j = 0; j < n_out; j++)
        for (int i = 0; i < n_in; i++)
            before[i] += w[j * (n_in + 1) + i] * delta[j];
    for (int i = 0; i < n_in; i++)
        before[i] *= slope(z[i]);
}

#define W2 ((D0 + 1) * D1)
#define W3 (W2 + (D1 + 1) * D2)

double value_and_grad(long n, const double *x, const double *t, const double *w, double *gradient) {
    double error = 0.0, z1[D1], delta1[D1], y[D2], delta2[D2];
    memset(gradient, 0, sizeof(double) * W3);
#ifdef D3
    double out[D3], delta3[D3];
    memset(gradient + W3, 0, sizeof(double) * (D2 + 1) * D3);
#endif
    for (; n > 0; n--, x += D0) {
        hidden(D0, D1, w, x, z1);
#ifdef D3
        hidden(D1, D2, w + W2, z1, y);
        sums(D2, D3, w + W3, y, out);
        for (int k = 0; k < D3; k++) {
            delta3[k] = out[k] - *t++;
            error += 0.5 * delta3[k] * delta3[k];
        }
        add_gradient(D2, D3, delta3, y, gradient + W3);
        propagate_back(D2, D3, w + W3, delta3, y, delta2);
#else
        sums(D1, D2, w + W2, z1, y);
        for (int k = 0; k < D2; k++) {
            delta2[k] = y[k] - *t++;
            error += 0.5 * delta2[k] * delta2[k];
        }
#endif
        add_gradient(D1, D2, delta2, z1, gradient + W2);
        propagate_back(D1, D2, w + W2, delta2, z1, delta1);
        add_gradient(D0, D1, delta1, x, gradient);
    }
    return error;
}
