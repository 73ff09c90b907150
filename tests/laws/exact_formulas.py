"""Log-densities and divergences in arbitrary precision, of numbers of mpmath."""

from __future__ import annotations

import mpmath as mp

mp.mp.dps = 80


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 50 else x + mp.log1p(mp.exp(-x))


def choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def normal(x, m, s):
    return -(((x - m) / s) ** 2) / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2


def normal_mass(a, b):
    """Of the standard normal between a and b, by tails of one side."""
    if a + b < 0:
        a, b = -b, -a
    return (mp.erfc(a / mp.sqrt(2)) - mp.erfc(b / mp.sqrt(2))) / 2


def cont_bernoulli(x, logit):
    # normaliser: 2 atanh(1 - 2p) / (1 - 2p), which is logit / tanh(logit / 2)
    norm = mp.log(logit / mp.tanh(logit / 2)) if abs(logit) > mp.mpf(10) ** -15 else mp.log(2)
    return norm - x * softplus(-logit) - (1 - x) * softplus(logit)


def gen_pareto(x, m, s, c):
    z = (x - m) / s
    if c == 0:
        return -z - mp.log(s)
    return -(1 + 1 / c) * mp.log1p(c * z) - mp.log(s) if 1 + c * z > 0 else -mp.inf


def student(x, df, m, s):
    z = (x - m) / s
    return -(df + 1) / 2 * mp.log1p(z * z / df) - log_beta(mp.mpf(1) / 2, df / 2) - mp.log(df) / 2 - mp.log(s)


def fisher(x, a, b):
    return a / 2 * mp.log(a / b) + (a / 2 - 1) * mp.log(x) - (a + b) / 2 * mp.log1p(a * x / b) - log_beta(a / 2, b / 2)


def relaxed(x, t, logit):
    y = mp.log(x) - mp.log1p(-x)
    d = abs(logit - t * y)
    return mp.log(t) - d - 2 * mp.log1p(mp.exp(-d)) - mp.log(x) - mp.log1p(-x)


def log_odds(p):
    return mp.log(p) - mp.log1p(-p)


def logs(count, log):
    return count * log if count else mp.mpf(0)


def binomial(k, n, logit):
    return choose(n, k) - logs(k, softplus(-logit)) - logs(n - k, softplus(logit))


def negative(k, r, logit):
    ways = mp.loggamma(k + r) - mp.loggamma(r) - mp.loggamma(k + 1) if k else mp.mpf(0)
    return ways - r * softplus(logit) - logs(k, softplus(-logit))


def gamma(x, a, rate):
    return a * mp.log(rate) + (a - 1) * mp.log(x) - rate * x - mp.loggamma(a)


def kl_bernoulli(p, q):
    return p * (mp.log(p) - mp.log(q)) + (1 - p) * (mp.log1p(-p) - mp.log1p(-q))


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def skew_logistic(x, m, s, a):
    z = (x - m) / s
    return mp.log(a) - mp.log(s) - a * softplus(-z) - softplus(z)


def ordered_logistic(k, predictor, low, high):
    bounds = [0, sigmoid(low - predictor), sigmoid(high - predictor), 1]
    return mp.log(bounds[int(k) + 1] - bounds[int(k)])


def inflated(k, gate, log_prob):
    return mp.log1p(-gate) + log_prob if k else mp.log(gate + (1 - gate) * mp.exp(log_prob))


def kl_gamma(a, r, c, s):
    shapes = mp.loggamma(c) - mp.loggamma(a) + (a - c) * mp.digamma(a)
    return shapes + c * (mp.log(r) - mp.log(s)) + (s - r) * a / r


def kl_beta(a, b, c, d):
    both = (c - a + d - b) * mp.digamma(a + b)
    return log_beta(c, d) - log_beta(a, b) + (a - c) * mp.digamma(a) + (b - d) * mp.digamma(b) + both


def kl_normal(m, s, n, t):
    return mp.log(t) - mp.log(s) + (s * s + (m - n) ** 2) / (2 * t * t) - mp.mpf(1) / 2


def cont_bernoulli_mean(logit):
    return 1 / (1 - mp.exp(-logit)) - 1 / logit if logit else mp.mpf(1) / 2


def kl_cont_bernoulli(p, q):
    return cont_bernoulli_mean(p) * (p - q) + cont_bernoulli(0, p) - cont_bernoulli(0, q)


def kl_gumbel(m, s, n, t):
    ratio = s / t
    far = mp.exp((n - m) / t) * mp.gamma(1 + ratio)
    return -mp.log(ratio) + (m - n) / t + ratio * mp.euler + far - 1 - mp.euler


def beta(x, a, b):
    return (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b)


def exponential_normal(z, rate):
    return rate**2 / 2 - rate * z + mp.log(mp.erfc((rate - z) / mp.sqrt(2)) / 2)


def soft_laplace(x, m, s, k, softness):
    z = (x - m) / (s * softness)
    right, left = exponential_normal(z, softness * k), exponential_normal(-z, softness / k)
    return mp.log(mp.exp(right) + mp.exp(left)) - mp.log(s * (k + 1 / k))


def polya_gamma(x):
    def terms(n):
        c = 2 * n + 1
        return (-1) ** n * c * (mp.exp(-(c**2) / (8 * x)) / mp.sqrt(2 * mp.pi * x**3))

    # the mass beyond 2.5, by the other series
    beyond = sum((-1) ** n * 4 / mp.pi / (2 * n + 1) * mp.exp(-(((2 * n + 1) * mp.pi) ** 2) * 5 / 4) for n in range(9))
    return mp.log(sum(terms(mp.mpf(n)) for n in range(30))) - mp.log1p(-beyond)


def tweedie(y, mean, dispersion, power):
    rate = mean ** (2 - power) / (dispersion * (2 - power))
    if y <= 0:
        return -rate
    shape, scale = (2 - power) / (power - 1), dispersion * (power - 1) * mean ** (power - 1)
    step = mp.log(rate) + shape * mp.log(y / scale)
    most = int(y ** (2 - power) / (dispersion * (2 - power)))
    with mp.workdps(60):
        total = mp.fsum(
            mp.exp(n * step - mp.loggamma(n + 1) - mp.loggamma(n * shape)) for n in range(1, 3 * most + 120)
        )
        return mp.log(total) - y / scale - mp.log(y) - rate
