// Axes and the numbers written beside them.

/** 10 to an integer power. */
const power = (exponent) => "10" + String(exponent).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));

/** A number in few characters: 0.25, −3, 1.5·10⁻⁵. */
function brief(value, digits = 4) {
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return String(rounded).replace("-", "−");
  const [mantissa, exponent] = rounded.toExponential().split("e");
  return `${mantissa}·${power(Number(exponent))}`.replace(/^-/, "−").replace(/^(−?)1·/, "$1");
}

const FEWEST = 2; // numbers beside an axis: one alone, which often is 0, does not tell how large anything is

/** About `count` round numbers between two numbers, and never fewer than `FEWEST`. */
function roundNumbers(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10].map((multiple) => multiple * unit);
  for (let k = steps.findIndex((step) => step >= rough); ; k--) {
    const first = Math.ceil(low / steps[k] - 1e-9);
    const length = Math.floor(high / steps[k] + 1e-9) - first + 1;
    if (length >= FEWEST || k <= 0) return Array.from({ length }, (_, i) => (first + i) * steps[k]);
  }
}

class Axis {
  constructor([low, high, name = "", scale = "linear"]) {
    Object.assign(this, { low, high, name, logarithmic: scale === "log" });
    [this.start, this.end] = [this.scaled(low), this.scaled(high)];
  }

  scaled(value) {
    if (!this.logarithmic) return value;
    return Math.log10(Math.max(value, Number.MIN_VALUE)); // what has no logarithm lies far below, out of sight
  }

  /** Where a value lies: 0 at the axis' low end, 1 at its high end. */
  share(value) {
    return (this.scaled(value) - this.start) / (this.end - this.start);
  }

  value(share) {
    const scaled = this.start + share * (this.end - this.start);
    return this.logarithmic ? 10 ** scaled : scaled;
  }

  /** Values to mark on an axis of so many pixels; there is room for their labels, which are empty between decades. */
  ticks(pixels) {
    if (this.logarithmic) {
      let every = Math.ceil((32 * (this.end - this.start)) / Math.max(pixels, 32));
      for (; every >= 1; every--) {
        const ticks = this.powers(every);
        if (ticks.filter(({ label }) => label).length >= FEWEST) return ticks;
      }
    }
    return roundNumbers(this.low, this.high, pixels / 55).map((value) => ({ value, label: brief(value, 6) }));
  }

  /** The powers of ten and their multiples, with so many decades to a label. */
  powers(every) {
    const decades = this.end - this.start;
    const labelled = decades >= 2 ? [1] : decades >= 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const ticks = [];
    for (let exponent = Math.floor(this.start); exponent <= Math.ceil(this.end); exponent++) {
      for (let digit = 1; digit <= (every > 1 ? 1 : 9); digit++) {
        const value = Number(`${digit}e${exponent}`); // the nearest to 3e-5, which 3 * 10 ** -5 is not
        const share = this.share(value);
        if (share < -1e-9 || share > 1 + 1e-9) continue;
        const label = decades >= 2 ? power(exponent) : brief(value);
        ticks.push({ value, label: labelled.includes(digit) && exponent % every === 0 ? label : "" });
      }
    }
    return ticks;
  }
}
