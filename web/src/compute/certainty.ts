// What a model's confidence says of its error: confidence = P(|error| ≤ 10 points) = erf(10 / (σ √2)).

const WITHIN = 10,
  TEN_PERCENT_TAIL = 1.2815515655446004;

/** The error function's inverse, by Giles' single-precision polynomial (M. Giles, GPU Computing Gems, 2011). */
export function inverseErf(value: number): number {
  let w = -Math.log((1 - value) * (1 + value));
  let p: number;
  if (w < 5) {
    w -= 2.5;
    p = 2.81022636e-8;
    for (const c of [
      3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3, 2.46640727e-1, 1.50140941,
    ])
      p = c + p * w;
  } else {
    w = Math.sqrt(w) - 3;
    p = -2.00214257e-4;
    for (const c of [
      1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406, 2.83297682,
    ])
      p = c + p * w;
  }
  return p * value;
}

/** The band that holds 80 % of outcomes around a position, in per cent open; null where the confidence says nothing. */
export function band80(position: number, confidence: number): { low: number; high: number } | null {
  if (!(confidence > 0.001)) return null;
  const sigma = WITHIN / (Math.SQRT2 * inverseErf(Math.min(confidence, 0.999999)));
  const half = TEN_PERCENT_TAIL * sigma;
  return { low: Math.max(0, position - half), high: Math.min(100, position + half) };
}
