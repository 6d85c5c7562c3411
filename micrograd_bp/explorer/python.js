"use strict";
// What Python has and JavaScript lacks, for the functions of the table (javascript.py).

const python = {
  add: (x, y) => x + y,
  mod(x, y) {
    const rest = x % y;
    if (rest === 0) return python.copysign(0, y);
    return rest < 0 !== y < 0 ? rest + y : rest;
  },
  floordiv(x, y) {
    const rest = x % y, whole = (x - rest) / y - (rest !== 0 && rest < 0 !== y < 0 ? 1 : 0);
    if (whole === 0) return python.copysign(0, x / y);
    return Math.floor(whole) + (whole - Math.floor(whole) > 0.5 ? 1 : 0);
  },
  divmod: (x, y) => [python.floordiv(x, y), python.mod(x, y)],
  // Halves of the last digit go to the even one; toFixed knows every digit of x.
  round(x, places = 0) {
    const size = Math.abs(x), unit = 10 ** -places;
    if (places < 0) return python.round(x / unit, 0) * unit;
    if (!(size < 1e21) || places > 50) return x;
    const every = size.toFixed(places + 50), kept = every.slice(0, -50);
    const isEvenHalf = /[02468]\.?$/.test(kept) && /^50*$/.test(every.slice(-50));
    return python.copysign(Number(isEvenHalf ? kept : size.toFixed(places)), x);
  },
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y)), // as in C
  exp2: (x) => Math.pow(2, x),
  copysign: (x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)),

  // x as a number between 1/2 and 1, and a power of two.
  frexp(x) {
    if (x === 0 || !Number.isFinite(x)) return [x, 0];
    if (Math.abs(x) < 2 ** -1000) {
      const [mantissa, exponent] = python.frexp(x * 2 ** 100);
      return [mantissa, exponent - 100];
    }
    let exponent = Math.floor(Math.log2(Math.abs(x)));
    let mantissa = x * 2 ** -exponent;
    for (; Math.abs(mantissa) < 0.5; exponent--) mantissa *= 2;
    for (; Math.abs(mantissa) >= 1; exponent++) mantissa /= 2;
    return [mantissa, exponent];
  },
  ldexp(mantissa, exponent) {
    for (; exponent > 1000; exponent -= 1000) mantissa *= 2 ** 1000;
    for (; exponent < -1900; exponent += 1000) mantissa *= 2 ** -1000;
    return exponent < -950 ? mantissa * 2 ** -950 * 2 ** (exponent + 950) : mantissa * 2 ** exponent;
  },
  comb(n, k) {
    let result = 1;
    for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
    return result;
  },
  complexPower(u, v, n) {
    let x = 1, y = 0;
    for (let i = 0; i < Math.abs(n); i++) [x, y] = [x * u - y * v, x * v + y * u];
    return n < 0 ? [x / (x * x + y * y), -y / (x * x + y * y)] : [x, y];
  },

  // Sums without a rounding on the way: Shewchuk's partial sums, each beyond the digits of the next.
  fsum(terms) {
    const partials = [];
    for (let x of terms) {
      let kept = 0;
      for (let y of partials) {
        if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
        const high = x + y, low = y - (high - x);
        if (low !== 0) partials[kept++] = low;
        x = high;
      }
      partials.length = kept;
      partials.push(x);
    }
    const total = partials.reduceRight((sum, partial) => sum + partial, 0);
    if (Number.isFinite(total)) return python.rounded(partials);
    return terms.every(Number.isFinite) ? python.exactMean(terms, 1) : terms.reduce(python.add, 0);
  },
  // The sum of partials, the largest last; halfway between two floats the third decides.
  rounded(partials) {
    let i = partials.length - 1, high = i < 0 ? 0 : partials[i], low = 0;
    while (--i >= 0) {
      const before = high, next = partials[i];
      high = before + next;
      low = next - (high - before);
      if (low !== 0) break;
    }
    if (i > 0 && low < 0 === partials[i - 1] < 0) {
      const twice = 2 * low, other = high + twice;
      if (other - high === twice) high = other;
    }
    return high;
  },
  exactMean: (terms, number) => (python.fsum(terms.map((term) => term * 2 ** -100)) / number) * 2 ** 100,

  // erf by its series 2/sqrt(pi) exp(-x*x) x (1 + 2x*x/3 (1 + 2x*x/5 (...))); erfc above 1.5 by
  // Laplace's continued fraction 1/(x + 1/2/(x + 1/(x + 3/2/(...)))) (Abramowitz & Stegun 7.1.6, 14).
  erf(x) {
    if (Math.abs(x) > 1.5) return x > 0 ? 1 - python.erfc(x) : python.erfc(-x) - 1;
    if (Number.isNaN(x)) return x;
    let term = x, total = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      total += term;
    }
    return 1.1283791670955126 * Math.exp(-x * x) * total;
  },
  erfc(x) {
    if (!(x > 0.5)) return 1 - python.erf(x);
    if (x > 27.3) return 0;
    const head = Math.round(x * 2 ** 20) / 2 ** 20; // whose square has no rounding error
    const bell = Math.exp(-head * head) * Math.exp((head - x) * (head + x));
    let rest = x;
    for (let i = Math.ceil(20 + 250 / (x * x)); i > 0; i--) rest = x + i / 2 / rest;
    return (0.5641895835477563 * bell) / rest;
  },

  // log(exp(x) + exp(y)) where that is near 0: in integers of 1,400 binary digits after the point.
  logaddexp(x, y) {
    const bits = 1400n, one = 1n << bits;
    const fixed = (number) => {
      const [mantissa, exponent] = python.frexp(number);
      const shift = Number(bits) + exponent - 53, whole = BigInt(mantissa * 2 ** 53);
      return shift < 0 ? whole >> BigInt(-shift) : whole << BigInt(shift);
    };
    const exp = (number) => {
      const small = fixed(number) >> 40n;
      let term = one, total = one;
      for (let n = 1n; term !== 0n && n < 100n; n++) {
        term = ((term * small) >> bits) / n;
        total += term;
      }
      for (let n = 0; n < 40; n++) total = (total * total) >> bits;
      return total;
    };
    const above = exp(x) + exp(y) - one; // 1
    const digits = (above < 0n ? -above : above).toString(2).length;
    const shift = Math.max(0, digits - 60);
    return Math.log1p(python.ldexp(Number(above >> BigInt(shift)), shift - Number(bits)));
  },

  range(...ends) {
    const [start, end] = ends.length > 1 ? ends : [0, ends[0]], step = ends[2] ?? 1;
    return Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);
  },
  zip: (first, ...others) => Array.from(first, (x, i) => [x, ...others.map((other) => other[i])]),
  enumerate: (items, start = 0) => Array.from(items, (item, i) => [i + start, item]),
  cache(act) {
    const results = new Map();
    return (x) => results.get(x) ?? results.set(x, act(x)).get(x);
  },
  map: (act, items) => Array.from(items, (item) => act(item)),
  all: (items) => items.every(Boolean),
  any: (items) => items.some(Boolean),
  reversed: (items) => [...items].reverse(),
  repeat: (items, n) => Array.from({ length: n * items.length }, (_, i) => items[i % items.length]),
  reduce: (act, items, start) => items.reduce((x, y) => act(x, y), start),
  accumulate(items, act, start) {
    const result = [start];
    for (const item of items) result.push(act(result.at(-1), item));
    return result;
  },
  max: (...items) => items.flat().reduce((x, y) => (y > x ? y : x)),
  min: (...items) => items.flat().reduce((x, y) => (y < x ? y : x)),
};
