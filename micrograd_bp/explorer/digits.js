// Python's Decimal for functions/decimals.py: numbers of 192 binary digits, some 57 decimal ones, and
// of any exponent. Each operation takes plain numbers too, and gives one where there are no others.

const BITS = 192;

class Digits {
  // whole * 2 ** power
  constructor(whole, power) {
    const excess = Digits.length(whole) - BITS;
    if (excess > 4) { // rounded
      whole = ((whole >> BigInt(excess - 1)) + 1n) >> 1n;
      power += excess;
    }
    this.whole = whole;
    this.power = power;
  }
  static length = (whole) => 4 * (whole < 0n ? -whole : whole).toString(16).length; // in bits, or 3 more
  static of(x) {
    if (x instanceof Digits) return x;
    if (typeof x === "string") {
      const places = x.length - 1 - x.indexOf(".");
      return digits.div(new Digits(BigInt(x.replace(".", "")), 0), new Digits(10n ** BigInt(places), 0));
    }
    const [mantissa, exponent] = python.frexp(x);
    return new Digits(BigInt(mantissa * 2 ** 53), exponent - 53);
  }
  valueOf() {
    return python.ldexp(Number(this.whole), this.power);
  }
  shifted(bits) {
    return new Digits(this.whole, this.power + bits);
  }
  scaleb(places) {
    return digits.div(this, new Digits(10n ** BigInt(-places), 0));
  }
  copy_sign(x) {
    return this.whole < 0n === Digits.of(x).whole < 0n ? this : digits.neg(this);
  }
  // By its series where that is short, and squares.
  exp() {
    const size = Math.abs(Number(this)), halvings = size > 2 ** -10 ? Math.ceil(Math.log2(size)) + 10 : 0;
    const small = this.shifted(-halvings);
    let result = Digits.of(1);
    for (let n = 16; n > 0; n--) result = digits.add(1, digits.div(digits.mul(small, result), n));
    for (let n = 0; n < halvings; n++) result = digits.mul(result, result);
    return result;
  }
}

// Of whole numbers every digit is kept, as Python does.
const onDigits = (plain, exact) => (x, y) => {
  const inDigits = () => exact(Digits.of(x), Digits.of(y));
  if (x instanceof Digits || y instanceof Digits) return inDigits();
  const result = plain(x, y), isWhole = Number.isSafeInteger(x) && Number.isSafeInteger(y);
  return isWhole && Number.isInteger(result) && !Number.isSafeInteger(result) ? inDigits() : result;
};

const digits = {
  of: Digits.of,
  add: onDigits((x, y) => x + y, (x, y) => {
    if (x.power < y.power) [x, y] = [y, x];
    const apart = x.power - y.power;
    if (x.whole === 0n) return y;
    if (y.whole === 0n || apart > 2 * BITS) return x;
    return new Digits((x.whole << BigInt(apart)) + y.whole, y.power);
  }),
  sub: (x, y) => digits.add(x, digits.neg(y)),
  neg: (x) => (x instanceof Digits ? new Digits(-x.whole, x.power) : -x),
  abs: (x) => (x < 0 || x.whole < 0n ? digits.neg(x) : x),
  mul: onDigits((x, y) => x * y, (x, y) => new Digits(x.whole * y.whole, x.power + y.power)),
  div: onDigits((x, y) => x / y, (x, y) => {
    const more = Math.max(0, BITS + Digits.length(y.whole) - Digits.length(x.whole));
    return new Digits((x.whole << BigInt(more)) / y.whole, x.power - y.power - more);
  }),
  // To a whole power.
  pow(x, n) {
    if (!(x instanceof Digits)) return python.pow(x, n);
    if (n < 0) return digits.div(1, digits.pow(x, -n));
    let result = Digits.of(1);
    for (let square = x, left = n; left > 0; left = Math.floor(left / 2), square = digits.mul(square, square)) {
      if (left % 2 === 1) result = digits.mul(result, square);
    }
    return result;
  },
  factorial: (n) => python.range(1, n + 1).reduce(digits.mul, 1),
};
