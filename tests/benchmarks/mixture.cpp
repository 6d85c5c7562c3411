// The Gaussian mixture of mixture.py by hand: value and gradient, one pass over the data points.
//
// alphas: K numbers. means: K rows of d. icf: K rows of the logarithms of the diagonal of L_k, then
// the columns of L_k below the diagonal, one after the other. With Q_k = diag(e^q_k) + strictly
// lower L_k: E = -sum_n logsumexp_k(alpha_k + sum(q_k) - |Q_k (x_n - mu_k)|^2 / 2)
//                + N logsumexp(alphas) - log prior, of Wishart's form (gamma, m).

#include <cmath>
#include <cstring>
#include <vector>

extern "C" double value_and_grad(
    long d, long K, long N, const double *alphas, const double *means, const double *icf,
    const double *x, double gamma, long m, double *grad)
{
    const long t = d * (d + 1) / 2;
    double *g_alphas = grad, *g_means = grad + K, *g_icf = grad + K + K * d;
    std::memset(grad, 0, sizeof(double) * (K + K * d + K * t));
    std::vector<double> diagonal(K * d), sums(K), terms(K), weight(K);
    std::vector<double> centred(K * d), z(K * d), back(d);
    double value = 0.0;
    for (long k = 0; k < K; k++) {
        sums[k] = 0.0;
        for (long i = 0; i < d; i++) {
            diagonal[k * d + i] = std::exp(icf[k * t + i]);
            sums[k] += icf[k * t + i];
        }
    }
    for (long n = 0; n < N; n++, x += d) {
        double largest = -INFINITY, total = 0.0;
        for (long k = 0; k < K; k++) {
            double *c = &centred[k * d], *y = &z[k * d];
            const double *q = &diagonal[k * d], *column = icf + k * t + d, *mean = means + k * d;
            for (long i = 0; i < d; i++) {
                c[i] = x[i] - mean[i];
                y[i] = q[i] * c[i];
            }
            for (long j = 0; j < d; j++) {
                const double cj = c[j];
                for (long i = j + 1; i < d; i++)
                    y[i] += column[i - j - 1] * cj;
                column += d - 1 - j;
            }
            double square = 0.0;
            for (long i = 0; i < d; i++)
                square += y[i] * y[i];
            terms[k] = alphas[k] + sums[k] - 0.5 * square;
            largest = terms[k] > largest ? terms[k] : largest;
        }
        for (long k = 0; k < K; k++)
            total += weight[k] = std::exp(terms[k] - largest);
        value -= std::log(total) + largest;
        for (long k = 0; k < K; k++) {
            const double w = weight[k] / total, *c = &centred[k * d], *y = &z[k * d];
            const double *q = &diagonal[k * d], *column = icf + k * t + d;
            double *g_mean = g_means + k * d, *g = g_icf + k * t, *g_column = g + d;
            g_alphas[k] -= w;
            for (long i = 0; i < d; i++) {
                g[i] += w * (q[i] * c[i] * y[i] - 1.0);
                back[i] = q[i] * y[i];
            }
            for (long j = 0; j < d; j++) {
                const double wc = w * c[j];
                double sum = 0.0;
                for (long i = j + 1; i < d; i++) {
                    sum += column[i - j - 1] * y[i];
                    g_column[i - j - 1] += wc * y[i];
                }
                back[j] += sum;
                column += d - 1 - j;
                g_column += d - 1 - j;
            }
            for (long i = 0; i < d; i++)
                g_mean[i] -= w * back[i];
        }
    }
    double largest = -INFINITY, total = 0.0;
    for (long k = 0; k < K; k++)
        largest = alphas[k] > largest ? alphas[k] : largest;
    for (long k = 0; k < K; k++)
        total += weight[k] = std::exp(alphas[k] - largest);
    value += N * (std::log(total) + largest);
    for (long k = 0; k < K; k++) {
        g_alphas[k] += N * weight[k] / total;
        double square = 0.0;
        for (long i = 0; i < d; i++) {
            square += diagonal[k * d + i] * diagonal[k * d + i];
            g_icf[k * t + i] += gamma * gamma * diagonal[k * d + i] * diagonal[k * d + i] - m;
        }
        for (long i = d; i < t; i++) {
            square += icf[k * t + i] * icf[k * t + i];
            g_icf[k * t + i] += gamma * gamma * icf[k * t + i];
        }
        value += 0.5 * gamma * gamma * square - m * sums[k];
    }
    return value;
}
